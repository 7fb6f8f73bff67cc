"""Lines of commands, as interactive shells, scripts and Python give them."""

import os
import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from cloudmesh_sdk.shell import codes
from cloudmesh_sdk.shell.running import execute, guarded
from cloudmesh_sdk.shell.session import Session

_VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\}|(?P<dollar>\$))")
LEAVE = ("quit", "exit", "q")
"""Words whose lines end a script, an interactive shell and piped lines."""

_SET = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)


def leaves(line: str) -> bool:
    """Tell whether a line ends what reads it."""
    return line.split(maxsplit=1)[:1] in [[word] for word in LEAVE]


def words(session: Session, line: str) -> list[str]:
    """Return the words of a line: comments gone, quotes honoured, variables put in.

    Variables are those that `set` made, then those of the environment; `$$` is a dollar. Raises
    `click.UsageError` on an open quote and on an unknown variable.
    """
    try:
        found = shlex.split(line, comments=True)
    except ValueError as error:
        raise click.UsageError(f"{str(error).lower()} in: {line.strip()}") from error
    return [_VARIABLE.sub(lambda match: _value(session, match), word) for word in found]


def _value(session: Session, match: re.Match[str]) -> str:
    if match["dollar"]:
        return "$"
    name = match["plain"] or match["braced"]
    value = session.variables.get(name, os.environ.get(name))
    if value is None:
        raise click.UsageError(f"there is no variable {name!r}; set {name}=VALUE makes it")
    return value


def run_line(session: Session, line: str) -> int:
    """Run one line and return its exit code; an empty line and a comment do nothing."""
    found: list[str] = []
    code = guarded(session, lambda: found.extend(words(session, line)))
    if code or not found:
        return code
    if found[0] == "cm":
        found = found[1:] or ["help"]
    if found[:1] == ["set"]:
        return guarded(session, lambda: _set(session, found[1:]))
    return execute(found, session)


def _set(session: Session, assignments: list[str]) -> None:
    """Keep variables; without any, print those there are."""
    for text in assignments:
        match = _SET.fullmatch(text)
        if match is None:
            raise click.UsageError(f"set wants NAME=VALUE, found {text!r}")
        session.variables[match["name"]] = match["value"]
    if not assignments:
        for name, value in sorted(session.variables.items()):
            print(f"{name}={value}")


def run_file(session: Session, path: str, *, keep_going: bool = False) -> int:
    """Run the lines of a file (`-`: of standard input); see `run_lines`."""
    if path == "-":
        return run_stdin(session, keep_going=keep_going)
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.reason
        raise click.UsageError(f"the script {path} cannot be read: {reason}") from error
    return run_lines(session, lines, name=path, keep_going=keep_going)


def run_stdin(session: Session, *, keep_going: bool = False) -> int:
    """Run the lines of standard input."""
    if sys.stdin is None:
        raise click.UsageError("standard input is closed, and no command is named")
    return run_lines(session, sys.stdin, name="<stdin>", keep_going=keep_going)


def run_lines(
    session: Session, lines: Iterable[str], *, name: str, keep_going: bool = False
) -> int:
    """Run lines until one fails, or all with `keep_going`; return the first code that is not 0."""
    if name in session.scripts:
        raise click.UsageError(f"the script {name} runs itself")
    session.scripts.append(name)
    first = codes.OK
    try:
        for number, line in enumerate(lines, start=1):
            if leaves(line):
                break
            code = run_line(session, line)
            if code:
                print(f"cm: {name}:{number}: exit code {code}: {line.strip()}", file=sys.stderr)
                first = first or code
            if code == codes.INTERRUPTED or (code and not keep_going):
                break
    finally:
        session.scripts.pop()
    return first
