"""Changing cloudmesh.yaml as its owner would: all that is not changed stays as it is written.

Values and keys pass through as the texts that they are in the file, so that nothing is read and
written back as something else. The new text is read again before it takes the place of the old.
"""

import fcntl
import io
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from cloudmesh_sdk import document
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, near

_PATIENCE = 10.0
"""Seconds to wait for another edit of the same file."""


def add_cloud(path: Path, name: str, entry: Mapping[str, Any], *, force: bool = False) -> Path:
    """Write a cloud into a file (made with mode 0600 where it is not there) and return its path.

    Raises `ConfigError` where the name is taken and `force` is false; a file that would not load
    afterwards is left as it was.
    """
    with _editing(path) as (meant, written):
        if name in meant and not force:
            raise ConfigError(f"{path}: there is a cloud {name!r} already; --force replaces it")
        meant[name] = _plain(entry)
        written[_written(name)] = _written(meant[name])
    return path


def remove_cloud(path: Path, name: str) -> Path:
    """Take a cloud out of a file; raises `ConfigError` where it is not there."""
    with _editing(path) as (meant, written):
        if name not in meant:
            raise ConfigError(f"{path}: there is no cloud {name!r}; {near(name, meant)}")
        del meant[name], written[name]
    return path


@contextmanager
def _editing(path: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """Lend the clouds of a file as they are meant and as they are written, then write them."""
    file = path.resolve()  # a link stays one
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _lock(file, path):
            old = document.read_text(file) if file.exists() else ""
            Config.parse(old, path=path)  # its messages are better than ruamel's
            meant, written = document.parse(old, path)[0], _load(old, path)
            kept = old if written is None else ""  # comments alone
            written = {} if written is None else written
            if not meant.get("clouds"):
                meant["clouds"], written["clouds"] = {}, {}
            yield meant["clouds"], written["clouds"]
            text = io.StringIO()
            _yaml().dump(written, text)
            _replace(file, _checked(kept + text.getvalue(), meant, path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be edited: {error.strerror}") from error


def _checked(text: str, meant: Mapping[str, Any], path: Path) -> str:
    """Return a text that means what it should; raises `ConfigError` where it does not."""
    Config.parse(text, path=path)
    if document.parse(text, path)[0] != meant:
        raise ConfigError(f"{path}: cannot be edited without changing more; please edit it by hand")
    return text


class _Resolver(VersionedResolver):
    """Takes every value without quotes as the text it is: nothing is read, nothing changes."""

    @property
    def versioned_resolver(self) -> dict[str, Any]:
        return {}


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Resolver = _Resolver
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml


def _load(text: str, path: Path) -> Any:
    try:
        return _yaml().load(text)
    except YAMLError as error:  # it shows lines of the file
        kind = type(error).__name__
        raise ConfigError(f"{path}: cannot be edited, only read ({kind})") from None


def _plain(value: Any) -> Any:
    """Return a value of an entry as it will be read."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _written(value: Any) -> Any:
    """Return a plain value in the texts that stand for it; one that looks otherwise is quoted."""
    if isinstance(value, dict):
        return {_written(key): _written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_written(item) for item in value]
    if isinstance(value, str):
        bare = value.isprintable() and document.reads_as_text(value)
        return value if bare else DoubleQuotedScalarString(value)
    return document.written(value)


@contextmanager
def _lock(file: Path, path: Path) -> Iterator[None]:
    """Keep other edits of the file away; a lock file beside it, since the file is replaced."""
    descriptor = os.open(
        file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    end = time.monotonic() + _PATIENCE
    try:
        while not _locked(descriptor):
            if time.monotonic() >= end:
                raise ConfigError(f"{path}: somebody else edits it; try again")
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _replace(file: Path, text: str) -> None:
    """Put a text in the place of a file at once, with its mode."""
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".cloudmesh-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as new:
            new.write(text)
            new.flush()
            os.fchmod(new.fileno(), mode)
            os.fsync(new.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
