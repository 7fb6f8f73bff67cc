"""PBS's text: a line for each thing (`-F dsv`), or a block of lines (Torque's queues and servers).

Where JSON is broken, this is what is read. In `dsv` line feeds are escaped, in `qstat -f` they
are not: a variable may look like another job there, so jobs are never read from that. A byte that
23.06.06 cannot print may become a line feed in `dsv`, too; but nothing that a user writes can
have a bar there without a backslash, so that it never looks like the beginning of a job.
"""

import re
from collections.abc import Iterator

from cloudmesh_sdk.queues.pbs.answers import NoAnswerError, Things, nested

_JOB = re.compile(r"Job Id: (?P<id>\d+(?:\[\d*\])?(?:\.[\w.-]+)?)\|(?=Job_Name=)")
_OTHER = re.compile(r"(?:(?:Queue|Server): |Name=)(?P<id>[^|\s]+)\|")
_FIELD = re.compile(r"((?:[^\\|]|\\.)*)(?:\||\Z)", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\|])")
_HEAD = re.compile(r"^(?:Queue|Server): (\S+)$")


def read(answer: bytes) -> Things:
    """Return the things in an answer of `-F dsv`; raises `NoAnswerError` where it is none."""
    lines = answer.decode(errors="replace").split("\n")  # not splitlines: values may hold \x85
    if lines.pop().strip():
        raise NoAnswerError("it is cut off")
    things: Things = {}
    begun: tuple[str, list[str]] | None = None
    for line in lines:
        found = _JOB.match(line) or _OTHER.match(line)
        if found is None:
            if begun is not None:
                begun[1].append(line)
            continue  # what a login says before
        if begun is not None:
            things[begun[0]] = _thing("\n".join(begun[1]))
        begun = found["id"], [line[found.end() :]]
    if begun is not None:
        things[begun[0]] = _thing("\n".join(begun[1]))
    elif any(line.strip() for line in lines):
        raise NoAnswerError("it has no line of PBS's")
    return things


def blocks(answer: bytes) -> Things:
    """Return the queues or servers of `qstat -f`: long lines go on behind a tab."""
    text = answer.decode(errors="replace").replace("\n\t", "")
    things: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    for line in text.split("\n"):
        if head := _HEAD.fullmatch(line.rstrip()):
            current = things.setdefault(head[1], {})
        elif current is not None and " = " in line:
            key, _, value = line.strip().partition(" = ")
            current[key] = f"{current[key]},{value}" if key in current else value
    return {name: nested(flat) for name, flat in things.items()}


def _thing(line: str) -> dict[str, object]:
    parts = (field.partition("=") for field in _fields(line))
    return nested({name: value for name, equal, value in parts if equal})


def _fields(line: str) -> Iterator[str]:
    if "\\" not in line:
        yield from line.split("|")
        return
    at = 0
    while at <= len(line):
        found = _FIELD.match(line, at)
        if found is None:  # a lone backslash at the end
            yield line[at:]
            return
        yield _ESCAPED.sub(r"\1", found[1])
        if found.end() == len(line) and not found[0].endswith("|"):
            return
        at = found.end()
