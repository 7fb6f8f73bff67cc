"""What a chaos run asks for: so many servers of each cloud by name, some of them deleted again."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from cloudmesh_sdk.config import Config

DELETED = 5
"""Every so manieth server is deleted again."""


@attrs.frozen(kw_only=True)
class Plan:
    """What every program of a run knows: the configuration, and how much is asked for."""

    config: Path
    clouds: tuple[str, ...]
    starts: int
    """Servers to start at each cloud."""

    @property
    def operations(self) -> int:
        """How many operations that are, where nothing has to be asked for twice."""
        return len(self.clouds) * (self.starts + self.starts // DELETED)

    def names(self, cloud: str) -> list[str]:
        """Return the names of all servers that are started at a cloud."""
        return [f"{cloud}-{number:04}" for number in range(1, self.starts + 1)]

    def leaving(self, cloud: str) -> list[str]:
        """Return those that are deleted again."""
        return self.names(cloud)[DELETED - 1 :: DELETED]

    def staying(self, cloud: str) -> list[str]:
        """Return those that are there in the end."""
        return sorted({*self.names(cloud)} - {*self.leaving(cloud)})

    def read(self) -> Config:
        """Return the configuration."""
        return Config.load(self.config)

    def arguments(self) -> list[str]:
        """Return what a program is told on its command line; `told` reads it."""
        return [str(self.config), str(self.starts), *self.clouds]


def told(arguments: Iterable[str]) -> Plan:
    """Return the plan that a command line tells."""
    config, starts, *clouds = arguments
    return Plan(config=Path(config), clouds=tuple(clouds), starts=int(starts))


def write(home: Path, clouds: Mapping[str, Mapping[str, Any]], *, tasks: Mapping[str, Any]) -> Path:
    """Write the configuration of a run into its home, and return where it is."""
    import yaml

    path = home / "cloudmesh.yaml"
    found: dict[str, Any] = {
        "profile": {"username": "albert"},
        "store": {"directory": str(home / "mongo"), "linger": 5},
        "clouds": {name: dict(entry) for name, entry in clouds.items()},
    }
    path.write_text(yaml.safe_dump({**found, **({"tasks": dict(tasks)} if tasks else {})}))
    path.chmod(0o600)
    return path
