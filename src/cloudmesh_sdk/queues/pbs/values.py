"""PBS's ways of writing times, durations, sizes, places and chunks, as plain values.

What is not there, or not as PBS writes it, is None here.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME = re.compile(r"\w{3} (\w{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})")
_SIZE = re.compile(r"(\d+)([kmgtp]?)([bw]?)", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_PARTS = (1, 60, 3600, 86400)
_CHUNK = re.compile(r"\(([^()]*)\)")
_SLOT = re.compile(r"([^/+]+)/([^+]*)")
_MIB = 1024 * 1024

Told = Mapping[str, Any]
"""What is told of one thing, by attribute."""


def word(told: Told, *names: str) -> str | int | float | None:
    """Return the first of some attributes that is there, as text or number."""
    found = (told.get(name) for name in names)
    return next((value for value in found if isinstance(value, str | int | float)), None)


def group(told: Told, name: str) -> Told:
    """Return attributes that stand together, such as `Resource_List`."""
    value = told.get(name)
    return value if isinstance(value, Mapping) else {}


def text(value: Any) -> str | None:
    """Return a value as text, for a name of digits comes as a number; None for nothing."""
    return None if value is None or value == "" else str(value)


def number(value: Any) -> int | None:
    """Return a whole number, also where it came as text."""
    word = str(value)
    return int(word) if re.fullmatch(r"-?\d{1,18}", word) else None


@lru_cache(maxsize=4096)
def time(value: str | float | None) -> datetime | None:
    """Return a time of a command that ran in UTC (ctime(3)), or one in seconds since 1970."""
    seconds = number(value)
    if seconds is not None:
        return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 1 << 33 else None
    found = _TIME.fullmatch(str(value).strip())
    if found is None or found[1] not in _MONTHS:
        return None
    day, hour, minute, second, year = map(int, found.groups()[1:])
    try:
        return datetime(year, _MONTHS.index(found[1]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def seconds(value: str | float | None) -> int | None:
    """Return a duration in seconds: `01:00:00`, Torque's `1:00:00:00`, or seconds as they are."""
    parts = str(value).partition(".")[0].split(":")
    if len(parts) > len(_PARTS) or not all(part.isdecimal() for part in parts):
        return None
    return sum(int(part) * each for part, each in zip(reversed(parts), _PARTS, strict=False))


@lru_cache(maxsize=4096)
def mebibytes(value: str | float | None) -> int | None:
    """Return a size (`100mb`, `102400kb`, words of eight bytes as `1gw`) in MiB."""
    found = _SIZE.fullmatch(str(value))
    if found is None:
        return None
    each: int = 1024 ** _POWERS[found[2].lower()] * (8 if found[3].lower() == "w" else 1)
    return round(int(found[1]) * each / _MIB)


def user(owner: Any) -> str:
    """Return who owns a job: `alice` of `alice@login`."""
    return (text(owner) or "").partition("@")[0]


def path(place: Any) -> str | None:
    """Return the file of `host:/its/path`."""
    word = text(place)
    if word is None:
        return None
    host, colon, rest = word.partition(":")
    return rest if colon and "/" not in host else word


@lru_cache(maxsize=4096)
def vnodes(exec_vnode: str | None) -> tuple[str, ...]:
    """Return the nodes in `(a:ncpus=1+b:ncpus=2)+(a:ncpus=1)`, each once, in their order."""
    names = (
        part.partition(":")[0]
        for chunk in _CHUNK.findall(exec_vnode or "")
        for part in chunk.split("+")
    )
    return tuple(dict.fromkeys(name for name in names if name))


@lru_cache(maxsize=4096)
def slots(exec_host: str | None) -> tuple[tuple[str, int], ...]:
    """Return nodes and cores in Torque's `a/0+a/1+b/0-3`, each node once."""
    used: dict[str, int] = {}
    for name, listed in _SLOT.findall(exec_host or ""):
        used[name] = used.get(name, 0) + sum(places(part) for part in listed.split(","))
    return tuple(used.items())


def chunks(select: str | None) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield how many and what of each chunk in `2:ncpus=3:mem=1gb+1:ncpus=1`."""
    for chunk in (select or "").split("+"):
        first, *rest = chunk.split(":")
        count = number(first)
        if count is None:
            count, rest = 1, [first, *rest]
        yield count, dict(part.partition("=")[::2] for part in rest if "=" in part)


def total(select: str | None, resource: str) -> int | None:
    """Return how much of a counted resource all chunks have, None where none names it."""
    found = [
        count * (number(has[resource]) or 0) for count, has in chunks(select) if resource in has
    ]
    return sum(found) if found else None


def places(word: str) -> int:
    """Return how many cores `0` or `0-3` are."""
    first, dash, last = word.partition("-")
    if dash and first.isdecimal() and last.isdecimal():
        return max(1, int(last) - int(first) + 1)
    return 1
