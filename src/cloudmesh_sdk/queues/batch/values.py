"""How schedulers write times, durations, sizes; None is what is not limited or cannot be read."""

import re
from datetime import UTC, datetime
from email.utils import parsedate

_PARTS = (1, 60, 3600, 86400)
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGTP]?)I?B?", re.IGNORECASE)
_DURATION = re.compile(r"\d{1,12}(?:[:-]\d{1,12}){0,3}(?:\.\d*)?")


def seconds(word: str | None) -> int | None:
    """Return a duration in seconds: `90`, `30:00`, `01:00:00`, `1-00:00:00`, `1:00:00:00`."""
    if word is None or _DURATION.fullmatch(word) is None:
        return None
    parts = word.partition(".")[0].replace("-", ":").split(":")
    return sum(int(part) * each for part, each in zip(reversed(parts), _PARTS, strict=False))


def time(word: str | None) -> datetime | None:
    """Return a time of a command that ran in UTC: as ISO 8601 or as ctime(3) writes it."""
    try:
        return datetime.fromisoformat(word or "").replace(tzinfo=UTC)
    except ValueError:
        parts = parsedate(word or "")
    try:
        return None if parts is None else datetime(*parts[:6], tzinfo=UTC)
    except ValueError:
        return None


def mebibytes(word: str | None, *, unit: str = "") -> int | None:
    """Return a size (`23.5G`, `512mb`, `1073741824`) in MiB; `unit` is that of a bare number."""
    found = None if word is None else _SIZE.fullmatch(word)
    if found is None:
        return None
    return round(float(found[1]) * 1024.0 ** (_UNITS[(found[2] or unit).upper()] - 2))
