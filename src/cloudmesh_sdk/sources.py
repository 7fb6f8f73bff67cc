"""Accounts that users already have elsewhere, named by `from:` in the configuration.

`clouds.yaml:NAME`, `aws-profile:NAME`, `environment` (the `OS_…` variables of an openrc file).

Nothing is copied: the entry is read each time, or its name handed to a library that reads it.
"""

import configparser
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cloudmesh_sdk import document
from cloudmesh_sdk.clouds_yaml import clouds_yaml, environment
from cloudmesh_sdk.errors import ConfigError, near


def check(source: Any, *, where: str) -> None:
    """Raise `ConfigError` where a `from:` has no form that we know; nothing is read."""
    kind, _, name = source.partition(":") if isinstance(source, str) else ("", "", "")
    if kind not in _SOURCES or bool(name) == (kind in _NAMELESS):
        forms = " or ".join(k if k in _NAMELESS else f"{k}:NAME" for k in _SOURCES)
        raise ConfigError(f"{where}: {forms} was wanted, found {source!r}")


def expand(source: str, *, where: str) -> dict[str, Any]:
    """Return the driver options behind a `from:`; raises `ConfigError` naming what is there."""
    check(source, where=where)
    kind, _, name = source.partition(":")
    try:
        return _SOURCES[kind](name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def aws_profile(name: str) -> dict[str, Any]:
    """Return the options that name an AWS profile; the driver's library reads the secrets."""
    known: set[str] = set()
    for variable, file, prefix in (
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", ""),
        ("AWS_CONFIG_FILE", "~/.aws/config", "profile "),
    ):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        path = Path(os.environ.get(variable, file)).expanduser()
        if not path.exists():
            continue
        try:
            parser.read_string(document.read_text(path))
        except configparser.Error as error:  # its text has lines of the file, with secrets
            kind = type(error).__name__
            raise ConfigError(f"{path} cannot be read: {kind}{_line(error)}") from None
        sections = {s.removeprefix(prefix): s for s in parser.sections()}
        known |= set(sections)
        region = parser.get(sections[name], "region", fallback=None) if name in sections else None
        if region:
            return {"profile": name, "region": region}
    if name not in known:
        raise ConfigError(f"there is no AWS profile {name!r}; {near(name, known, what='there')}")
    return {"profile": name}


def _line(error: configparser.Error) -> str:
    """Return the line that a parser stumbled over, where it says so."""
    errors = getattr(error, "errors", None)
    line = errors[0][0] if errors else getattr(error, "lineno", None)
    return f" in line {line}" if line else ""


_SOURCES: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "clouds.yaml": clouds_yaml,
    "aws-profile": aws_profile,
    "environment": lambda _: environment(),
}

_NAMELESS = ("environment",)
"""Sources of which there is only one."""
