"""Slurm's ways of writing times, durations, sizes and resources, as plain values.

Everything that Slurm has for "nothing" is None here.
"""

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

NOTHING = frozenset({"", "(null)", "N/A", "n/a", "None", "NONE", "Unknown", "none"})
_NO_VALUE = 0xFFFFFFF0
"""Numbers from here on say "not set" or "unlimited" (NO_VAL, INFINITE in slurm.h)."""
_UNITS = {"": 0, "K": -1, "M": 0, "G": 1, "T": 2, "P": 3}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGTP]?)[nc]?")
_DURATION = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)(?:\.\d+)?")
_PLACE = re.compile(r"%(\d*)([a-zA-Z%])")
_GPUS = re.compile(r"gres[:/]gpu(?::[^:=,()]+)?[:=](\d+)|(?:^|,)gpu(?::[^:=,()]+)?[:=](\d+)")


def text(word: str) -> str | None:
    """Return a word, None where it says nothing."""
    return None if word in NOTHING else word


@lru_cache(maxsize=4096)
def number(word: str) -> int | None:
    """Return a whole number, None for one that Slurm uses for "not set"."""
    if not word.isdecimal():
        return None
    value = int(word)
    return None if value >= _NO_VALUE else value


@lru_cache(maxsize=4096)
def time(word: str) -> datetime | None:
    """Return a time of a command that ran in UTC; `N/A` and `Unknown` are none."""
    if len(word) < len("2026-01-01T00:00:00"):
        return None
    try:
        return datetime.fromisoformat(word).replace(tzinfo=UTC)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def seconds(word: str) -> int | None:
    """Return a duration (`1-00:00:00`, `30:00`) in seconds, None where there is no limit."""
    found = _DURATION.fullmatch(word)
    if found is None:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


@lru_cache(maxsize=4096)
def mebibytes(word: str) -> int | None:
    """Return a size (`4000M`, `1.50G`, `500Mc`) in MiB; a bare number is in MiB already."""
    found = _SIZE.fullmatch(word)
    if found is None:
        return None
    return round(float(found[1]) * 1024.0 ** _UNITS[found[2]])


@lru_cache(maxsize=4096)
def resources(word: str) -> dict[str, str]:
    """Return trackable resources (`cpu=4,mem=2000M,node=1`) by name; treat it as frozen."""
    return dict(part.partition("=")[::2] for part in word.split(",") if "=" in part)


@lru_cache(maxsize=4096)
def memory(word: str) -> int | None:
    """Return the MiB among trackable resources, None where they have none."""
    return mebibytes(resources(word).get("mem", ""))


@lru_cache(maxsize=4096)
def names(word: str) -> tuple[str, ...]:
    """Return a list of names (`india,sierra`)."""
    return tuple(word.split(",")) if word not in NOTHING else ()


@lru_cache(maxsize=4096)
def gpus(word: str) -> int | None:
    """Return how many GPUs a list of generic resources has, None where it has none.

    It is written `gres:gpu:k80:2` (22.05), `gres/gpu:2` (newer) or `gpu:k80:2(S:0)` (of a node);
    of resources that a job got both `gres/gpu=2` and `gres/gpu:k80=2` may be there.
    """
    if total := resources(word).get("gres/gpu"):
        return int(total) if total.isdecimal() else None
    found = [int(first or second) for first, second in _GPUS.findall(word)]
    return sum(found) if found else None


def all_gpus(allocated: str, per_job: str, per_node: str, nodes: int | None) -> int | None:
    """Return the GPUs of a job on all its nodes: what it got, else what it asked for."""
    if "gpu" not in allocated and "gpu" not in per_job and "gpu" not in per_node:
        return None
    got = gpus(allocated) or gpus(per_job)
    if got is not None:
        return got
    each = gpus(per_node)
    return None if each is None else each * (nodes or 1)


def ended(word: str) -> tuple[int | None, int | None]:
    """Return exit code and signal: of `3:0` (newer, sacct) or of a status of wait(2) (22.05)."""
    code, colon, killer = word.partition(":")
    if colon and code.isdecimal() and killer.isdecimal():
        died = int(killer) or None  # then the code is 0 and says nothing
        return (int(code) or None) if died else int(code), died
    if not word.isdecimal():
        return None, None
    status = int(word)
    if os.WIFSIGNALED(status):
        return None, os.WTERMSIG(status)
    return os.WEXITSTATUS(status), None


def path(pattern: str | None, workdir: str | None, fields: Mapping[str, str | None]) -> str | None:
    """Return a file of a job's output, from its name with `%j`, `%A`, `%a` (sbatch(1)).

    What is not known stays as it is, such as `%a` of a whole array.
    """
    if pattern is None:
        return None
    made = _PLACE.sub(lambda found: _filled(found, fields), pattern) if "%" in pattern else pattern
    return made if made.startswith("/") or workdir is None else f"{workdir.rstrip('/')}/{made}"


def _filled(found: re.Match[str], fields: Mapping[str, str | None]) -> str:
    if found[2] == "%":
        return "%"
    value = fields.get(found[2])
    if value is None:
        return found[0]
    return value.zfill(min(int(found[1] or 0), 10)) if value.isdecimal() else value
