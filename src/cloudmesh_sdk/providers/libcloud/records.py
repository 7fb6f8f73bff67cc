"""From libcloud's objects to plain data and records: pure functions.

`native` holds what libcloud made of an answer (`id`, `name`, `state`, `extra` …) and, where the
answer itself passed by, the whole of it under `answer`, words that libcloud does not know included.
"""

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any
from xml.etree.ElementTree import Element

from cloudmesh_sdk.models import Flavor, Image, Server, ServerState

MASK = "***"
"""Stands in native data where a secret was."""
TOKEN = "cloudmesh-token"  # noqa: S105 - the name of a tag
"""Key of the metadata, or beginning of the tag, that carries the token of a start."""

_STATES: Mapping[str, ServerState] = {
    "running": ServerState.RUNNING,
    "starting": ServerState.PENDING,
    "rebooting": ServerState.REBOOTING,
    "terminated": ServerState.DELETED,
    "pending": ServerState.PENDING,
    "unknown": ServerState.UNKNOWN,
    "stopping": ServerState.STOPPING,
    "stopped": ServerState.STOPPED,
    "suspended": ServerState.SUSPENDED,
    "error": ServerState.ERROR,
    "paused": ServerState.SUSPENDED,
    "reconfiguring": ServerState.RUNNING,
    "migrating": ServerState.RUNNING,
    "normal": ServerState.RUNNING,
    "updating": ServerState.RUNNING,
}
_SECRET = frozenset(
    (
        "password", "passwd", "adminpass", "admin_pass", "rootpass", "root_pass", "root_password",
        "default_password", "secret", "private_key", "user_data", "userdata",
    )
)  # fmt: skip
_IDS = ("id", "uuid", "Id", "ID", "instanceId", "imageId", "linode_id", "slug", "name")
"""Where services write the id of a thing, the surest first."""
_DEEP = 12
_TAGS = ("metadata", "meta", "tags")
"""Where libcloud's drivers keep what a server carries: most, CloudSigma, EC2 and DigitalOcean."""


def plain(value: Any, depth: int = 0) -> Any:
    """Return anything as plain data: times as ISO text, XML as dicts, objects as their fields."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if depth <= _DEEP:
        for kinds, convert in _PLAIN:
            if isinstance(value, kinds):
                return convert(value, depth + 1)
        if hasattr(value, "__dict__"):
            return plain(public(value), depth)
    return str(value)


def public(thing: object) -> dict[str, Any]:
    """Return the public fields of a libcloud object, without the driver that it points to."""
    return {k: v for k, v in vars(thing).items() if not k.startswith("_") and k != "driver"}


def _key(key: Any) -> str | int:
    return key if type(key) in (str, int) else str(key)


def _masked(key: Any, value: Any, depth: int) -> Any:
    if value and str(key).lower() in _SECRET:
        return MASK
    return plain(value, depth + 1)


def local(tag: str) -> str:
    """Return the name of an XML element without its namespace."""
    return tag.rpartition("}")[2]


def _xml(element: Element, depth: int) -> Any:
    """Return an XML element: its text, a list of its items, or a dict of its children."""
    if len(element) == 0:
        return element.text
    if all(local(child.tag) == "item" for child in element):
        return [plain(child, depth + 1) for child in element]
    return {local(child.tag): _masked(local(child.tag), child, depth) for child in element}


_PLAIN: tuple[tuple[Any, Callable[[Any, int], Any]], ...] = (
    (enum.Enum, lambda value, depth: plain(value.value, depth)),
    ((datetime, date), lambda value, _: value.isoformat()),
    (Mapping, lambda value, depth: {_key(k): _masked(k, v, depth) for k, v in value.items()}),
    (Element, _xml),
    ((list, tuple, set, frozenset), lambda value, depth: [plain(v, depth) for v in value]),
)


def answers(seen: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """Return the things in answers by their ids, to be matched with libcloud's objects.

    A thing is an entry of a list, or what an answer about one thing holds: `{"droplet": {…}}`.
    """
    found: dict[str, dict[str, Any]] = {}
    for answer in map(plain, seen):
        single = answer.values() if isinstance(answer, dict) else ()
        for entry in (*_entries(answer), *(e for e in single if isinstance(e, dict))):
            key = next((str(entry[name]) for name in _IDS if entry.get(name)), None)
            if key is not None:
                found.setdefault(key, entry)
    return found


def _entries(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the dicts in lists, outermost first; a list within an entry belongs to the entry."""
    items = value.values() if isinstance(value, dict) else value
    for item in items if isinstance(value, dict | list) else ():
        named = isinstance(item, dict) and any(name in item for name in _IDS)
        if named and isinstance(value, list):
            yield item
        elif isinstance(item, list) or (isinstance(item, dict) and not named):
            yield from _entries(item)


def ident(thing: Any) -> str:
    """Return the id of a libcloud object; one without (libcloud drops a 0) goes by its name."""
    return str(thing.id if thing.id is not None else thing.name)


def native(thing: Any, seen: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the native data of a libcloud object; `seen` are the answers' entries by id."""
    data: dict[str, Any] = plain(public(thing))
    answer = seen.get(ident(thing))
    return {**data, "answer": answer} if answer is not None else data


def server(cloud: str, node: Any, seen: Mapping[str, dict[str, Any]]) -> Server:
    """Return the record of a libcloud Node."""
    tags, token = tagged(node.extra)
    return Server(
        cloud=cloud,
        id=ident(node),
        name=node.name or "",
        native=native(node, seen),
        state=_STATES.get(str(node.state), ServerState.UNKNOWN),
        image=_id(node.image) or _extra(node, "image_id", "imageId", "image"),
        flavor=_id(node.size) or _extra(node, "instance_type", "flavorId", "size_id", "size_slug"),
        key=_extra(node, "key_name", "keyname"),
        public_ips=tuple(map(str, node.public_ips)),
        private_ips=tuple(map(str, node.private_ips)),
        zone=_extra(node, "availability_zone", "availability", "zone", "region"),
        tags=tags,
        token=token,
        created=_aware(node.created_at),
    )


def image(cloud: str, found: Any, seen: Mapping[str, dict[str, Any]]) -> Image:
    """Return the record of a libcloud NodeImage."""
    return Image(
        cloud=cloud,
        id=ident(found),
        name=found.name or ident(found),
        native=native(found, seen),
        architecture=_extra(found, "architecture", "arch"),
        min_ram=_number(found.extra.get("minRam")),
        min_disk=_number(found.extra.get("minDisk")),
    )


def flavor(cloud: str, size: Any, seen: Mapping[str, dict[str, Any]]) -> Flavor:
    """Return the record of a libcloud NodeSize: ram in MiB, disk in GiB, price an hour."""
    return Flavor(
        cloud=cloud,
        id=ident(size),
        name=size.name or ident(size),
        native=native(size, seen),
        vcpus=_number(
            getattr(size, "vcpus", None) or size.extra.get("vcpus") or size.extra.get("cpu")
        ),
        ram=_number(size.ram),
        disk=_number(size.disk),
        price=float(size.price) if isinstance(size.price, int | float) and size.price else None,
    )


def tagged(extra: Mapping[str, Any]) -> tuple[dict[str, str], str | None]:
    """Return the tags and the token that a server carries in its metadata or tags."""
    tags: dict[str, str] = {}
    for name in _TAGS:
        tags |= _pairs(extra.get(name))
    return tags, tags.pop(TOKEN, None)


def _pairs(held: Any) -> dict[str, str]:
    """Return tags from a mapping, a list of `key:value`, or Google's list of keys and values."""
    if isinstance(held, Mapping):
        items = held.get("items")
        if isinstance(items, list):
            return {str(item.get("key")): str(item.get("value")) for item in items}
        return {str(key): str(value) for key, value in held.items()}
    if isinstance(held, list):
        return {key: value for key, _, value in (str(item).partition(":") for item in held)}
    return {}


def _id(thing: Any) -> str | None:
    found = getattr(thing, "id", None)
    return None if found is None else str(found)


def _extra(thing: Any, *names: str) -> str | None:
    found = (thing.extra.get(name) for name in names)
    return next((str(value) for value in found if isinstance(value, str | int) and value), None)


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _aware(moment: Any) -> datetime | None:
    if not isinstance(moment, datetime):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
