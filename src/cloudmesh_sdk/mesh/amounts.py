"""Amounts as people write them for schedulers: walltimes and memory."""

import re

from cloudmesh_sdk.errors import InvalidRequestError

_CLOCK = re.compile(r"(?:(\d{1,4})-)?(?:(\d{1,6}):)?(\d{1,6}):(\d{1,2})")
_SPANS = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,10})s)?")
_MEMORY = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)([KMGT])(?:i?B)?", re.IGNORECASE)

_MIB = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024 * 1024}
_UNITS = (86_400, 3600, 60, 1)


def walltime(value: float | str) -> int:
    """Return seconds: a number is that, else `1:30:00`, `90:00` (minutes), `2-00:00:00`, `1h30m`.

    Raises `InvalidRequestError`.
    """
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    seconds = _seconds(value.strip()) if isinstance(value, str) else value
    if seconds is None or isinstance(seconds, bool) or seconds < 1:
        raise InvalidRequestError(
            f"{value!r} is no walltime; wanted are seconds, or such as 1:30:00, 90m, 2-00:00:00"
        )
    return int(seconds)


def memory(value: float | str) -> int:
    """Return MiB: a number is that, else `4G`, `512M`, `1.5GiB`; raises `InvalidRequestError`."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, str):
        found = _MEMORY.fullmatch(value.strip())
        mib = float(found[1]) * _MIB[found[2].upper()] if found else 0.0
    else:
        mib = value
    if isinstance(mib, bool) or mib <= 0:
        raise InvalidRequestError(f"{value!r} is no memory; wanted are MiB, or such as 4G, 512M")
    return max(1, round(mib))


def _seconds(text: str) -> int | None:
    if found := _CLOCK.fullmatch(text):
        return _sum(found.groups())
    found = _SPANS.fullmatch(text.lower().replace(" ", ""))
    return _sum(found.groups()) if found and text else None


def _sum(parts: tuple[str | None, ...]) -> int:
    return sum(int(part or 0) * unit for part, unit in zip(parts, _UNITS, strict=True))
