"""cloudmesh.yaml as frozen settings: knows files and the environment, no network.

The file is the path given, else `CLOUDMESH_CONFIG`, else `cloudmesh.yaml` in the user's
configuration directory. Without a file there are no clouds and the profile is the login name.
Every mistake is a `ConfigError` that names file, line and key.
"""

import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import attrs
import platformdirs

from cloudmesh_sdk import document
from cloudmesh_sdk.config import checks
from cloudmesh_sdk.config.entries import CLOUD_DEFAULTS, CloudConfig, Entry, cloud
from cloudmesh_sdk.config.intervals import intervals
from cloudmesh_sdk.config.queues import (
    QUEUE_DEFAULTS,
    MachineConfig,
    QueueConfig,
    distinct,
    queue,
)
from cloudmesh_sdk.config.tasks import TaskConfig, clear_text, tasks
from cloudmesh_sdk.document import Place, kind_of
from cloudmesh_sdk.references import is_reference

__all__ = [
    "DEFAULTS", "CloudConfig", "Config", "Entry", "MachineConfig", "Profile", "QueueConfig",
    "TaskConfig", "default_path",
]  # fmt: skip

DEFAULTS = ("cloud", *CLOUD_DEFAULTS, "machine", *QUEUE_DEFAULTS)
"""What `defaults` may name; at a cloud and at a queue manager a part of it."""

_TOP = (
    "profile", "store", "clouds", "queues", "provisioners", "tasks", "defaults", "refresh",
)  # fmt: skip


@attrs.frozen(kw_only=True)
class Profile:
    """Who the user is; server names begin with `prefix`."""

    username: str = attrs.field(factory=getpass.getuser)
    email: str = ""
    prefix: str = attrs.field(default=attrs.Factory(lambda self: self.username, takes_self=True))


@attrs.frozen(kw_only=True)
class Config:
    """The whole configuration."""

    path: Path | None = None
    profile: Profile = attrs.field(factory=Profile)
    store: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Options of the store (`uri`, `directory` …)."""
    clouds: Mapping[str, CloudConfig] = attrs.field(factory=dict)
    queues: Mapping[str, QueueConfig] = attrs.field(factory=dict)
    tasks: TaskConfig = attrs.field(factory=TaskConfig)
    """The broker, where operations are given out by one."""
    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    refresh: Mapping[str, float] = attrs.field(factory=dict)
    """Seconds between two background refreshes of a kind, where the file says so."""
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
        checks.known(data, _TOP, place)
        clouds = checks.section(data, "clouds", place)
        queues = checks.section(data, "queues", place)
        found = {name: cloud(name, entry, place) for name, entry in clouds.items()}
        managers = {name: queue(name, entry, place) for name, entry in queues.items()}
        given_out = tasks(data, place)
        return cls(
            path=path,
            profile=_profile(checks.section(data, "profile", place), place),
            store=checks.section(data, "store", place),
            clouds=found,
            queues=distinct(managers, found, place),
            tasks=given_out,
            defaults=checks.defaults(data, DEFAULTS, place),
            refresh=intervals(data, place),
            warnings=(*_clear_text(data, (), place), *clear_text(given_out)),
            where=place,
        )

    def username(self) -> str:
        """Return the user name of the profile, else the login name."""
        return self.profile.username


def default_path() -> Path:
    """Return where the user's own cloudmesh.yaml is, or would be."""
    return Path(platformdirs.user_config_dir("cloudmesh")) / "cloudmesh.yaml"


def _profile(data: dict[str, Any], place: Place) -> Profile:
    checks.known(data, ("username", "email", "prefix"), place, "profile")
    for name, value in data.items():
        if not isinstance(value, str) or not value:
            place.wrong(f"a text was wanted, found {kind_of(value)}", "profile", name)
    return Profile(**data)


def _clear_text(data: Any, key: tuple[str, ...], place: Place) -> list[str]:
    if isinstance(data, dict):
        return [w for name, value in data.items() for w in _clear_text(value, (*key, name), place)]
    held = isinstance(data, str | int) and not isinstance(data, bool)
    if key and held and checks.is_secret(key[-1]) and not is_reference(data):
        return [f"{place.at(*key)}: a secret in clear text; use env:, file:, keyring: or cmd:"]
    return []
