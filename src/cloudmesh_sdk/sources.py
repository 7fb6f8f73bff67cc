"""Accounts that users already have elsewhere: `from: clouds.yaml:NAME`, `from: aws-profile:NAME`.

Nothing is copied: the entry is read each time, or its name handed to a library that reads it.
"""

import configparser
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from cloudmesh_sdk import document
from cloudmesh_sdk.document import Place
from cloudmesh_sdk.errors import ConfigError, near


def check(source: Any, *, where: str) -> None:
    """Raise `ConfigError` where a `from:` has no form that we know; nothing is read."""
    kind, _, name = source.partition(":") if isinstance(source, str) else ("", "", "")
    if kind not in _SOURCES or not name:
        forms = " or ".join(f"{known}:NAME" for known in _SOURCES)
        raise ConfigError(f"{where}: {forms} was wanted, found {source!r}")


def expand(source: str, *, where: str) -> dict[str, Any]:
    """Return the driver options behind a `from:`; raises `ConfigError` naming what is there."""
    check(source, where=where)
    kind, _, name = source.partition(":")
    try:
        return _SOURCES[kind](name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def clouds_yaml(name: str) -> dict[str, Any]:
    """Return an entry of OpenStack's clouds.yaml, secure.yaml laid over it, `auth` unfolded.

    Searched as openstacksdk does: `OS_CLIENT_CONFIG_FILE`, the working directory, the user's and
    the system's configuration directory (docs.openstack.org/openstacksdk, configuration).
    """
    path = _first_clouds_yaml()
    entry = _entry(path, name)
    secure = path.with_name("secure.yaml")
    more = _entry(secure, name, needed=False) if secure.exists() else {"auth": {}}
    auth = {**entry["auth"], **more["auth"]}
    return {**{k: v for k, v in {**entry, **more}.items() if k != "auth"}, **auth}


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


def _first_clouds_yaml() -> Path:
    places = [
        Path("clouds.yaml"),
        Path(platformdirs.user_config_dir("openstack")) / "clouds.yaml",
        Path("/etc/openstack/clouds.yaml"),
    ]
    if named := os.environ.get("OS_CLIENT_CONFIG_FILE"):
        places.insert(0, Path(named))
    for place in places:
        if place.exists():
            return place
    raise ConfigError("there is no clouds.yaml; looked at " + ", ".join(map(str, places)))


def _entry(path: Path, name: str, *, needed: bool = True) -> dict[str, Any]:
    """Return an entry of a file, its `auth` a mapping in any case."""
    data, place = document.parse(document.read_text(path), path)
    clouds = _mapping(data, place, "clouds")
    if name not in clouds and needed:
        hint = near(name, clouds, what="there")
        raise ConfigError(f"{path} has no cloud {name!r}; {hint}")
    entry = _mapping(clouds, place, "clouds", name)
    return {**entry, "auth": _mapping(entry, place, "clouds", name, "auth")}


def _mapping(data: Mapping[str, Any], place: Place, *key: str) -> dict[str, Any]:
    """Return the mapping under the last of the keys, empty where nothing stands there."""
    found = data.get(key[-1])
    if found is not None and not isinstance(found, dict):
        place.wrong(f"a mapping was wanted, found {document.kind_of(found)}", *key)
    return found or {}


def _line(error: configparser.Error) -> str:
    """Return the line that a parser stumbled over, where it says so."""
    errors = getattr(error, "errors", None)
    line = errors[0][0] if errors else getattr(error, "lineno", None)
    return f" in line {line}" if line else ""


_SOURCES: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "clouds.yaml": clouds_yaml,
    "aws-profile": aws_profile,
}
