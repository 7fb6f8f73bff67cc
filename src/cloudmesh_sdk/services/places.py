"""Where services keep their files: below the directory of the store that they work on."""

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from cloudmesh_sdk.store.mongo.places import Lock, private

if TYPE_CHECKING:
    from cloudmesh_sdk.config import Config


@attrs.frozen
class Place:
    """The files of one service."""

    root: Path

    @property
    def name(self) -> str:
        """Name of the service."""
        return self.root.name

    @property
    def log(self) -> Path:
        """What the service and its supervisor say; older parts are `.1`, `.2` and so on."""
        return self.root / f"{self.name}.log"

    @property
    def program(self) -> Path:
        """What the supervisor is to run."""
        return self.root / "program.json"

    @property
    def state(self) -> Path:
        """Pid file: what the supervisor says of itself and of the service."""
        return self.root / "state.json"

    @property
    def process(self) -> Path:
        """Pid file of the service itself, whoever started it."""
        return self.root / "process.json"

    @property
    def heartbeat(self) -> Path:
        """What the service says of itself, every few seconds."""
        return self.root / "heartbeat.json"

    def lock(self, name: str) -> Lock:
        """Return the lock `start`, `supervisor` or `process`, not yet taken."""
        return Lock(self.root / f"{name}.lock")


def directory(config: "Config") -> Path:
    """Return where the services of a configuration keep their files."""
    from cloudmesh_sdk.config import homes  # a supervisor reads no configuration

    return homes.services(config.store, config.where)


def place(config: "Config", name: str, *, create: bool = True) -> Place:
    """Return the place of a service; its directory is made if wanted, and is private."""
    root = directory(config) / name
    if create or root.exists():
        private(root)
    return Place(root)
