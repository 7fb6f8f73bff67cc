"""Changing cloudmesh.yaml as its owner would: comments and order are kept."""

import io
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, near


def add_cloud(path: Path, name: str, entry: Mapping[str, Any], *, force: bool = False) -> Path:
    """Write a cloud into a file (made with mode 0600 where it is not there) and return its path.

    Raises `ConfigError` where the name is taken and `force` is false; a file that would not load
    afterwards is left as it was.
    """
    data = _read(path)
    clouds = data.setdefault("clouds", {})
    if name in clouds and not force:
        raise ConfigError(f"{path}: there is a cloud {name!r} already; --force replaces it")
    clouds[name] = dict(entry)
    return _write(path, data)


def remove_cloud(path: Path, name: str) -> Path:
    """Take a cloud out of a file; raises `ConfigError` where it is not there."""
    data = _read(path)
    clouds = data.get("clouds") or {}
    if name not in clouds:
        raise ConfigError(f"{path}: there is no cloud {name!r}; {near(name, clouds)}")
    del clouds[name]
    return _write(path, data)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml


def _read(path: Path) -> Any:
    if not path.exists():
        return {}
    Config.load(path)  # its messages are better than ruamel's
    try:
        return _yaml().load(path.read_text(encoding="utf-8")) or {}
    except YAMLError as error:
        raise ConfigError(f"{path}: cannot be edited: {str(error).splitlines()[0]}") from error


def _write(path: Path, data: Any) -> Path:
    text = io.StringIO()
    _yaml().dump(data, text)
    Config.parse(text.getvalue(), path=path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".cloudmesh-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text.getvalue())
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    Path(temporary).replace(path)
    return path
