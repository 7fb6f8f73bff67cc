"""Accounts that users already have elsewhere: `from: clouds.yaml:NAME`, `from: aws-profile:NAME`.

Nothing is copied: the entry is read each time, or its name handed to a library that reads it.
"""

import configparser
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs
import yaml

from cloudmesh_sdk.errors import ConfigError, near


def expand(source: Any, *, where: str) -> dict[str, Any]:
    """Return the driver options behind a `from:`; raises `ConfigError` naming what is there."""
    kind, _, name = source.partition(":") if isinstance(source, str) else ("", "", "")
    if kind not in _SOURCES or not name:
        forms = " or ".join(f"{known}:NAME" for known in _SOURCES)
        raise ConfigError(f"{where}: {forms} was wanted, found {source!r}")
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
    if secure.exists():
        more = _clouds(secure).get(name, {})
        entry = {**entry, **more, "auth": {**entry.get("auth", {}), **more.get("auth", {})}}
    auth = entry.pop("auth", {})
    return {**entry, **auth}


def aws_profile(name: str) -> dict[str, Any]:
    """Return the options that name an AWS profile; the driver's library reads the secrets."""
    known: set[str] = set()
    for variable, file, prefix in (
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", ""),
        ("AWS_CONFIG_FILE", "~/.aws/config", "profile "),
    ):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read(Path(os.environ.get(variable, file)).expanduser(), encoding="utf-8")
        except configparser.Error as error:
            raise ConfigError(f"{error.message}") from error
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


def _clouds(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        first = str(error).splitlines()[0]
        raise ConfigError(f"{path} cannot be read: {first}") from error
    found = data.get("clouds") if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise ConfigError(f"{path} has no clouds")
    return found


def _entry(path: Path, name: str) -> dict[str, Any]:
    clouds = _clouds(path)
    if not isinstance(clouds.get(name), dict):
        hint = near(name, clouds, what="there")
        raise ConfigError(f"{path} has no cloud {name!r}; {hint}")
    return dict(clouds[name])


_SOURCES: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "clouds.yaml": clouds_yaml,
    "aws-profile": aws_profile,
}
