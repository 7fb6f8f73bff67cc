"""Words of `sbatch`, as fields of a job that slurmrestd takes.

slurmrestd knows no command line and does not read `#SBATCH` lines. What users write there and in
`options` is said in its own fields, as far as this table goes; what does not is refused, rather
than left out: a job that runs otherwise than it says is worse than none.
Sources: sbatch(1); fields of v0.0.38 as tried at 22.05.8, of the newer family data_parser/v0.0.41.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from cloudmesh_sdk.errors import InvalidRequestError, UnsupportedError
from cloudmesh_sdk.queues.batch import scripts
from cloudmesh_sdk.queues.slurm import values

Put = tuple[str, Any]
"""A field and what stands there."""


@attrs.frozen
class Word:
    """An option of sbatch: how it is said in each family, None where it cannot be."""

    flat: Callable[[str], Put] | None
    wrapped: Callable[[str], Put] | None
    bare: str | None = None
    """What it means without a value; None: it has one."""


def wrapped(number: int) -> dict[str, Any]:
    """Return a number as newer versions have it."""
    return {"set": True, "infinite": False, "number": number}


def minutes(text: str) -> int:
    """Return a time limit of sbatch in minutes, rounded up; raises `InvalidRequestError`."""
    if text.isdecimal():
        return int(text)
    days, dash, rest = text.rpartition("-")
    if dash and rest.count(":") == 0:
        text = f"{text}:00:00"
    elif dash and rest.count(":") == 1:
        text = f"{text}:00"
    seconds = values.seconds(text)
    if seconds is None or (dash and not days.isdecimal()):
        raise InvalidRequestError(f"{text!r} is no time limit, such as 90, 1:30:00 or 2-12")
    return -(-seconds // 60)


def gpus(flat: str, newer: str) -> Word:
    """Return an option for GPUs: newer versions count them among all resources."""
    return Word(lambda text: (flat, text), lambda text: (newer, f"gres/gpu:{text}"))


def _text(field: str) -> Word:
    return Word(lambda text: (field, text), lambda text: (field, text))


def _whole(field: str) -> Word:
    return Word(lambda text: (field, _int(text)), lambda text: (field, _int(text)))


def _mebibytes(field: str) -> Word:
    return Word(lambda text: (field, _size(text)), lambda text: (field, wrapped(_size(text))))


def _int(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,10}", text):
        raise InvalidRequestError(f"{text!r} is no number")
    return int(text)


def _size(text: str) -> int:
    size = values.mebibytes(text.upper().removesuffix("B"))
    if size is None:
        raise InvalidRequestError(f"{text!r} is no size of memory, such as 4000M or 4G")
    return size


def _gres(text: str) -> Put:
    if any(each.partition(":")[0] != "gpu" for each in text.split(",")):
        raise _refused(f"--gres={text}", "this version of slurmrestd")
    return "tres_per_node", ",".join(f"gres/{each}" for each in text.split(","))


def _shared(text: str) -> Put:
    return "shared", ["none" if text == "exclusive" else text]


TABLE: Mapping[str, Word] = {
    "account": _text("account"),
    "array": _text("array"),
    "begin": Word(lambda text: ("begin_time", text), None),
    "chdir": _text("current_working_directory"),
    "comment": _text("comment"),
    "constraint": _text("constraints"),
    "cpus-per-task": _whole("cpus_per_task"),
    "dependency": _text("dependency"),
    "error": _text("standard_error"),
    "exclude": Word(None, lambda text: ("excluded_nodes", text.split(","))),
    "exclusive": Word(lambda text: ("exclusive", text), _shared, bare="exclusive"),
    "get-user-env": Word(lambda _: ("get_user_environment", 1), None, bare=""),
    "gpus": gpus("gpus", "tres_per_job"),
    "gpus-per-node": gpus("gpus_per_node", "tres_per_node"),
    "gpus-per-task": gpus("gpus_per_task", "tres_per_task"),
    "gres": Word(lambda text: ("gres", text), _gres),
    "hold": Word(lambda _: ("hold", True), lambda _: ("hold", True), bare=""),
    "input": _text("standard_input"),
    "job-name": _text("name"),
    "licenses": _text("licenses"),
    "mail-type": Word(
        lambda text: ("mail_type", text), lambda text: ("mail_type", text.upper().split(","))
    ),
    "mail-user": _text("mail_user"),
    "mem": _mebibytes("memory_per_node"),
    "mem-per-cpu": _mebibytes("memory_per_cpu"),
    "nice": Word(
        lambda text: ("nice", _int(text)), lambda text: ("nice", _int(text)), bare="100"
    ),
    "nodelist": Word(
        lambda text: ("nodelist", text), lambda text: ("required_nodes", text.split(","))
    ),
    "nodes": _text("nodes"),
    "ntasks": _whole("tasks"),
    "ntasks-per-node": _whole("tasks_per_node"),
    "open-mode": Word(
        lambda text: ("open_mode", text), lambda text: ("open_mode", [text.upper()])
    ),
    "output": _text("standard_output"),
    "partition": _text("partition"),
    "prefer": _text("prefer"),
    "qos": _text("qos"),
    "reservation": _text("reservation"),
    "time": Word(
        lambda text: ("time_limit", minutes(text)),
        lambda text: ("time_limit", wrapped(minutes(text))),
    ),
    "wckey": _text("wckey"),
}  # fmt: skip
_SHORT = {
    "A": "account", "C": "constraint", "D": "chdir", "G": "gpus", "H": "hold", "J": "job-name",
    "L": "licenses", "N": "nodes", "a": "array", "b": "begin", "c": "cpus-per-task",
    "d": "dependency", "e": "error", "i": "input", "n": "ntasks", "o": "output", "p": "partition",
    "q": "qos", "t": "time", "w": "nodelist", "x": "exclude",
}  # fmt: skip
_EMPTY = frozenset({"export=ALL", "parsable", "quiet"})
"""Options that mean nothing here."""


def fields(words: Iterable[str], *, newer: bool) -> dict[str, Any]:
    """Return the fields that some words of sbatch set; the last of two counts.

    Raises `UnsupportedError` for what cannot be said to slurmrestd.
    """
    put: dict[str, Any] = {}
    for name, value in _read(iter(words)):
        word = TABLE[name]
        said = word.wrapped if newer else word.flat
        if said is None:
            raise _refused(f"--{name}", "this version of slurmrestd")
        field, content = said(value)
        put[field] = content
    return put


def directed(script: str, *, newer: bool) -> dict[str, Any]:
    """Return the fields that the `#SBATCH` lines of a script set."""
    words: list[str] = []
    for line in scripts.directives(script, "#SBATCH"):
        try:
            words += shlex.split(line, comments=True)
        except ValueError as error:
            raise InvalidRequestError(f"#SBATCH {line}: {error}") from error
    return fields(words, newer=newer)


def _read(words: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield options by their long names with their values."""
    for word in words:
        if word.removeprefix("--") in _EMPTY:
            continue
        name, value = _parted(word)
        known = TABLE.get(name)
        if known is None:
            raise _refused(word.partition("=")[0], "slurmrestd")
        if value is None and known.bare is None:
            value = next(words, None)
            if value is None:
                raise InvalidRequestError(f"{word} wants a value")
        yield name, known.bare or "" if value is None else value


def _parted(word: str) -> tuple[str, str | None]:
    """Return the long name of an option and its value, None where that stands apart."""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        return name, value if equals else None
    if word.startswith("-") and len(word) > 1:
        value = word[2:].removeprefix("=")
        return _SHORT.get(word[1], word), value or None
    return word, None


def _refused(word: str, whom: str) -> UnsupportedError:
    return UnsupportedError(
        f"{word} of sbatch cannot be said to {whom}; leave it out, or use the transport `command`"
    )
