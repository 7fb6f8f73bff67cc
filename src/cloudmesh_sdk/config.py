"""cloudmesh.yaml as frozen settings: knows files and the environment, no network.

The file is the path given, else `CLOUDMESH_CONFIG`, else `cloudmesh.yaml` in the user's
configuration directory. Without a file there are no clouds and the profile is the login name.
Every mistake is a `ConfigError` that names file, line and key.
"""

import getpass
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import attrs
import platformdirs

from cloudmesh_sdk import document
from cloudmesh_sdk.document import Place, kind_of
from cloudmesh_sdk.errors import near
from cloudmesh_sdk.references import is_reference
from cloudmesh_sdk.sources import check, expand

_SECRET = re.compile(r"password|passphrase|secret|token|api_?key", re.IGNORECASE)
_OURS = ("driver", "from", "active", "defaults")
_LISTS = ("security_groups", "networks")
DEFAULTS = (
    "cloud", "image", "flavor", "key", "prefix", *_LISTS, "zone", "ssh_user", "format",
)  # fmt: skip
"""What `defaults` may name; at a cloud all but `cloud`."""

_TOP = ("profile", "store", "clouds", "queues", "provisioners", "defaults")


@attrs.frozen(kw_only=True)
class Profile:
    """Who the user is; server names begin with `prefix`."""

    username: str = attrs.field(factory=getpass.getuser)
    email: str = ""
    prefix: str = attrs.field(default=attrs.Factory(lambda self: self.username, takes_self=True))


@attrs.frozen(kw_only=True)
class CloudConfig:
    """One cloud of the file: its driver, and the options that stand there."""

    name: str
    driver: str
    options: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """As in the file; `resolved` adds what `source` names."""
    source: str | None = None
    """An account that stands elsewhere, as `from:` names it: `clouds.yaml:NAME` …"""
    active: bool = True
    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    where: Place = attrs.field(factory=Place, repr=False)

    def resolved(self) -> dict[str, Any]:
        """Return the options for the driver: those that `source` names, ours laid over them.

        Read now, so that an account that is gone is a matter of this cloud alone; raises
        `ConfigError` where it cannot be read.
        """
        if self.source is None:
            return dict(self.options)
        base = expand(self.source, where=self.where.at("clouds", self.name, "from"))
        return {**base, **self.options}


@attrs.frozen(kw_only=True)
class Config:
    """The whole configuration."""

    path: Path | None = None
    profile: Profile = attrs.field(factory=Profile)
    store: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Options of the store (`uri`, `directory` …)."""
    clouds: Mapping[str, CloudConfig] = attrs.field(factory=dict)
    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    warnings: tuple[str, ...] = ()
    """What is not wrong but should be otherwise, such as a secret in clear text."""
    where: Place = attrs.field(factory=Place, repr=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """Read a file; left out, `CLOUDMESH_CONFIG` or the user's own, which need not exist."""
        asked = path or os.environ.get("CLOUDMESH_CONFIG")
        file = Path(asked).expanduser() if asked else default_path()
        if not asked and not file.exists():
            return cls()
        return cls.parse(document.read_text(file), path=file)

    @classmethod
    def parse(cls, text: str, *, path: Path | None = None) -> Self:
        """Return the configuration that a text describes; `path` is for messages."""
        data, place = document.parse(text, path)
        _known(data, _TOP, place)
        clouds = _section(data, "clouds", place)
        return cls(
            path=path,
            profile=_profile(_section(data, "profile", place), place),
            store=_section(data, "store", place),
            clouds={name: _cloud(name, entry, place) for name, entry in clouds.items()},
            defaults=_defaults(data, place),
            warnings=tuple(_clear_text(data, (), place)),
            where=place,
        )

    def username(self) -> str:
        """Return the user name of the profile, else the login name."""
        return self.profile.username


def default_path() -> Path:
    """Return where the user's own cloudmesh.yaml is, or would be."""
    return Path(platformdirs.user_config_dir("cloudmesh")) / "cloudmesh.yaml"


def _section(data: Mapping[str, Any], name: str, place: Place, *above: str) -> dict[str, Any]:
    found = data.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        place.wrong(f"a mapping was wanted, found {kind_of(found)}", *above, name)
    return found


def _defaults(data: Mapping[str, Any], place: Place, *above: str) -> dict[str, Any]:
    found = _section(data, "defaults", place, *above)
    _known(found, DEFAULTS[1:] if above else DEFAULTS, place, *above, "defaults")
    return {
        name: _named(value, name in _LISTS, place, *above, "defaults", name)
        for name, value in found.items()
        if value is not None
    }


def _named(value: Any, several: bool, place: Place, *key: str) -> Any:
    """Return a default as a text, or a list of texts; flavors and images may be numbers."""
    if several and isinstance(value, list):
        return [_named(item, False, place, *key) for item in value]
    if isinstance(value, bool) or not isinstance(value, str | int):
        place.wrong(f"a text was wanted, found {kind_of(value)}; put quotes around it", *key)
    return str(value)


def _known(data: Mapping[str, Any], names: tuple[str, ...], place: Place, *key: str) -> None:
    for name in data:
        if name not in names:
            place.wrong(f"no such key; {near(name, names)}", *key, name)


def _profile(data: dict[str, Any], place: Place) -> Profile:
    _known(data, ("username", "email", "prefix"), place, "profile")
    for name, value in data.items():
        if not isinstance(value, str) or not value:
            place.wrong(f"a text was wanted, found {kind_of(value)}", "profile", name)
    return Profile(**data)


def _cloud(name: str, entry: Any, place: Place) -> CloudConfig:
    key = ("clouds", name)
    if not isinstance(entry, dict):
        place.wrong(f"a mapping with a driver was wanted, found {kind_of(entry)}", *key)
    driver = entry.get("driver")
    if not isinstance(driver, str):
        place.wrong("the name of a driver is missing (driver: …)", *key)
    active = entry.get("active", True)
    if not isinstance(active, bool):
        place.wrong(f"true or false was wanted, found {kind_of(active)}", *key, "active")
    options = {option: value for option, value in entry.items() if option not in _OURS}
    source = entry.get("from")
    if source is not None:
        check(source, where=place.at(*key, "from"))
    return CloudConfig(
        name=name,
        driver=driver,
        options=options,
        source=source,
        active=active,
        defaults=_defaults(entry, place, *key),
        where=place,
    )


def _clear_text(data: Any, key: tuple[str, ...], place: Place) -> list[str]:
    if isinstance(data, dict):
        return [w for name, value in data.items() for w in _clear_text(value, (*key, name), place)]
    held = isinstance(data, str | int) and not isinstance(data, bool)
    if key and held and _SECRET.search(key[-1]) and not is_reference(data):
        return [f"{place.at(*key)}: a secret in clear text; use env:, file:, keyring: or cmd:"]
    return []
