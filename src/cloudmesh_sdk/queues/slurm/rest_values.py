"""Values of slurmrestd's JSON: bare up to v0.0.38, wrapped from v0.0.40, some of each in v0.0.39.

A wrapped number is `{"set": true, "infinite": false, "number": 5}`. What is read here goes by how
a value looks, not by a version: so one set of functions reads every family, also what is mixed.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cloudmesh_sdk.queues.slurm import values

_NO_VALUE = 0xFFFFFFF0
"""From here on a bare number says "not set" or "unlimited"; 22.05 has -1 for that, too."""
_FLAGS = (
    "COMPLETING", "STAGE_OUT", "CONFIGURING", "RESIZING", "REQUEUE_HOLD", "SPECIAL_EXIT",
    "REQUEUED", "REQUEUE_FED", "RESV_DEL_HOLD", "SIGNALING", "STOPPED", "REVOKED", "UPDATE_DB",
    "POWER_UP_NODE", "RECONFIG_FAIL", "LAUNCH_FAILED", "EXPEDITING",
)  # fmt: skip
"""Flags of a job's state that count before it, as in squeue's answer (job_state_string())."""


def number(value: Any) -> int | None:
    """Return a whole number, None where it is not set or unlimited."""
    if value.__class__ is dict:
        value = value.get("number") if value.get("set") and not value.get("infinite") else None
    if value.__class__ is int:
        return value if 0 <= value < _NO_VALUE else None
    return values.number(value) if value.__class__ is str else None


def count(value: Any) -> int | None:
    """Return a number of which there is at least one, None for 0, too."""
    return number(value) or None


def time(value: Any) -> datetime | None:
    """Return a time; 0 is none."""
    return _moment(value if value.__class__ is int else number(value) or 0)


@lru_cache(maxsize=16384)
def _moment(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _NO_VALUE else None


def minutes(value: Any) -> int | None:
    """Return minutes as seconds, None where there is no limit."""
    found = number(value)
    return None if found is None else found * 60


def word(value: Any) -> str:
    """Return the state of a job as one word: a flag stands for the whole, as squeue has it."""
    if value.__class__ is str:
        return str(value)
    words = words_of(value)
    return next((flag for flag in _FLAGS if flag in words), words[0] if words else "")


def words_of(value: Any) -> list[str]:
    """Return a list of words; one word alone is one, too."""
    if isinstance(value, str):
        return [part for part in value.split(",") if part]
    return [str(each) for each in value] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """Return a text, None where it says nothing."""
    return None if value is None else values.text(str(value))


def part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return what stands under a name, empty where that is nothing with names of its own."""
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def ended(value: Any) -> tuple[int | None, int | None]:
    """Return exit code and signal, of a status of wait(2) or of an object that tells both.

    Accounting of 22.05 tells `SUCCESS` and 0 of jobs that failed with a code: then it is not known.
    """
    if not isinstance(value, dict):
        return values.ended(str(value))
    died = value.get("signal")
    killer = _first(number(died.get(name)) for name in ("id", "signal_id")) if died else None
    if killer:
        return None, killer
    return number(value.get("return_code")), None


def _first(found: Iterable[int | None]) -> int | None:
    return next((each for each in found if each is not None), None)
