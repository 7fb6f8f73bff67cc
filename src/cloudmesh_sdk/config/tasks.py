"""What cloudmesh.yaml says of a broker; each mistake is a `ConfigError` with its place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from cloudmesh_sdk.config import checks
from cloudmesh_sdk.document import Place, kind_of
from cloudmesh_sdk.references import is_reference, resolve

_FILES = ("cafile", "certfile", "keyfile")
_KEYS = ("broker", *_FILES, "concurrency")


@attrs.frozen(kw_only=True)
class TaskConfig:
    """Which broker gives operations out; none: they are found in the store."""

    broker: str | None = attrs.field(default=None, repr=False)
    """Its URI, or a reference to it."""
    cafile: str | None = None
    """Certificates of those who may have signed an `amqps://` broker's; the system's, if None."""
    certfile: str | None = None
    """A certificate of our own, where an `amqps://` broker asks for one."""
    keyfile: str | None = None
    """Its key; in `certfile`, if None."""
    concurrency: int | None = None
    """How many operations a worker runs at once."""
    where: Place = attrs.field(factory=Place, repr=False)

    def __bool__(self) -> bool:
        return self.broker is not None

    def uri(self) -> str:
        """Return the URI of the broker, which is a secret; raises `ConfigError`."""
        found: str = resolve(self.broker, where=self.where.at("tasks", "broker"))
        return found.strip()

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
    if (
        broker is not None
        and not is_reference(broker)
        and not broker.startswith(("amqp://", "amqps://"))
    ):
        wanted = "a URI that begins with amqp:// or amqps://, or a reference to one, was wanted"
        place.wrong(wanted, "tasks", "broker")
    count = found.get("concurrency")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        wanted = f"a number of operations, 1 or more, was wanted, found {count!r}"
        place.wrong(wanted, "tasks", "concurrency")
    if "keyfile" in found and "certfile" not in found:
        place.wrong("a key is of use with its certificate alone: certfile", "tasks", "keyfile")
    return TaskConfig(where=place, **found)


def clear_text(settings: TaskConfig) -> list[str]:
    """Return a warning where the URI stands in the file, with a password in it."""
    broker = settings.broker or ""
    if is_reference(broker) or "@" not in broker:
        return []
    at = settings.where.at("tasks", "broker")
    return [f"{at}: a secret in clear text; use env:, file:, keyring: or cmd:"]
