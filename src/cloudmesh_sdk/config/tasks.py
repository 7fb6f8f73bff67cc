"""What cloudmesh.yaml says of a broker; each mistake is a `ConfigError` with its place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from cloudmesh_sdk.config import checks, homes
from cloudmesh_sdk.document import Place, kind_of
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.references import is_reference, resolve

EMBEDDED = "embedded"
"""What stands for the broker that `cm service start broker` runs."""

_FILES = ("cafile", "certfile", "keyfile")
_KEYS = ("broker", *_FILES, "concurrency")


@attrs.frozen(kw_only=True)
class TaskConfig:
    """Which broker gives operations out; none: they are found in the store."""

    broker: str | None = attrs.field(default=None, repr=False)
    """Its URI, a reference to it, or `embedded` for the service of this place."""
    cafile: str | None = None
    """Certificates of those who may have signed an `amqps://` broker's; the system's, if None."""
    certfile: str | None = None
    """A certificate of our own, where an `amqps://` broker asks for one."""
    keyfile: str | None = None
    """Its key; in `certfile`, if None."""
    concurrency: int | None = None
    """How many processes a worker has, each of which runs a few operations at once."""
    store: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Options of the store, below which an embedded broker keeps its files."""
    where: Place = attrs.field(factory=Place, repr=False)

    def __bool__(self) -> bool:
        return self.broker is not None

    @property
    def embedded(self) -> bool:
        """Whether the broker is our own service."""
        return self.broker == EMBEDDED

    def uri(self) -> str:
        """Return the URI of the broker, which is a secret; raises `ConfigError`."""
        at = self.where.at("tasks", "broker")
        broker = self._own(at) if self.embedded else self.broker
        found: str = resolve(broker, where=at)
        return found.strip()

    def _own(self, at: str) -> str:
        path = homes.broker_uri(self.store, self.where)
        if not path.exists():
            raise ConfigError(
                f"{at}: no broker was started in {path.parent}; start it, and a worker: "
                "cm service start worker"
            )
        return f"file:{path}"

    def certificates(self) -> Mapping[str, str | None]:
        """Return the files for TLS by what they are."""
        given = {name: getattr(self, name) for name in _FILES}
        return {name: path and str(Path(path).expanduser()) for name, path in given.items()}


def tasks(data: Mapping[str, Any], place: Place) -> TaskConfig:
    """Return what is below `tasks`."""
    found = checks.section(data, "tasks", place)
    checks.known(found, _KEYS, place, "tasks")
    for name in ("broker", *_FILES):
        value = found.get(name)
        if value is not None and not isinstance(value, str):
            place.wrong(f"a text was wanted, found {kind_of(value)}", "tasks", name)
    broker = found.get("broker")
    if broker is not None and not _names_one(broker):
        wanted = "a URI that begins with amqp:// or amqps://, a reference to one, or embedded"
        place.wrong(f"{wanted} was wanted", "tasks", "broker")
    count = found.get("concurrency")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        wanted = f"a number of processes, 1 or more, was wanted, found {count!r}"
        place.wrong(wanted, "tasks", "concurrency")
    if "keyfile" in found and "certfile" not in found:
        place.wrong("a key is of use with its certificate alone: certfile", "tasks", "keyfile")
    return TaskConfig(where=place, store=checks.section(data, "store", place), **found)


def _names_one(broker: str) -> bool:
    known = broker == EMBEDDED or is_reference(broker)
    return known or broker.startswith(("amqp://", "amqps://"))


def clear_text(settings: TaskConfig) -> list[str]:
    """Return a warning where the URI stands in the file, with a password in it."""
    broker = settings.broker or ""
    if is_reference(broker) or "@" not in broker:
        return []
    at = settings.where.at("tasks", "broker")
    return [f"{at}: a secret in clear text; use env:, file:, keyring: or cmd:"]
