"""A real EC2 API server on loopback (moto's), for the demo: start and stop."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import psutil

from cloudmesh_sdk.errors import PluginError, UnavailableError

_CHECKS = {
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
}
"""What moto checks as EC2 does; off by default there, and read as it is imported."""

_STATE = "moto.json"
_LOG = "moto.log"
_PATIENCE = 10.0
"""Seconds that a server gets to end by itself."""


@attrs.frozen(kw_only=True)
class Moto:
    """A running server; it ends with this process, unless it stays."""

    url: str
    pid: int
    process: "subprocess.Popen[str] | None" = attrs.field(default=None, repr=False)


def start(directory: Path, *, stay: bool = False) -> Moto:
    """Start a server on a free port of loopback; `directory` keeps its log and process id.

    It ends with this process, however that ends; with `stay` it runs until `stop`. Raises
    `PluginError` where moto is not installed, `UnavailableError` where it does not start.
    """
    command = [sys.executable, "-W", "ignore", "-m", "cloudmesh_sdk.services.moto_server"]
    with (directory / _LOG).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [*command, str(directory), *(["stay"] if stay else [])],
            stdin=subprocess.DEVNULL if stay else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **_CHECKS},
            start_new_session=True,  # Ctrl-C is for us, who end it in order
        )
    said = _first_line(process, directory / _LOG)
    if stay:
        process.wait()  # the part that stays is its child
    (directory / _STATE).write_text(json.dumps(said), encoding="utf-8")
    return Moto(url=said["url"], pid=said["pid"], process=None if stay else process)


def stop(directory: Path) -> None:
    """Stop the server that was started with this directory, if it still runs."""
    process = running(directory)
    if process is not None:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(_PATIENCE)


def running(directory: Path) -> psutil.Process | None:
    """Return the process of the server of a directory; None where it runs no more."""
    try:
        said = json.loads((directory / _STATE).read_text(encoding="utf-8"))
        process = psutil.Process(said["pid"])
        # process ids are used again: only one that was started for this directory is ours
        ours = str(directory) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None
    return process if ours else None


def _first_line(process: "subprocess.Popen[str]", log: Path) -> dict[str, Any]:
    assert process.stdout is not None  # it was asked for
    with process.stdout as output:
        line = output.readline()
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError as error:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
        last = log.read_text(encoding="utf-8").strip().rpartition("\n")[2]
        if "No module named" in last:
            raise PluginError(f"{last}; pip install 'cloudmesh-sdk[demo]'") from error
        raise UnavailableError(f"moto's EC2 server does not start: {last}") from error
    return said


def alive(pid: int) -> bool:
    """Tell whether a process runs (one that ended and that nobody asked about does not)."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
