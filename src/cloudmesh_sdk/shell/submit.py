"""`cm job submit`."""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from cloudmesh_sdk.models import Job
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.attending import later as later_of
from cloudmesh_sdk.shell.finishing import async_option, left
from cloudmesh_sdk.shell.jobacts import wait_for
from cloudmesh_sdk.shell.output import Look, looks, note, print_rows
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.tables import visible

_HOWS = ("afterok", "afterany", "afternotok", "after")
"""How a job may wait for others; the first where nothing is said."""

_COUNT = click.IntRange(1)


@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="COMMAND [ARG]... | -")
@click.option("--script", metavar="FILE", help="Hand in this script; - reads standard input.")
@params.machine_option
@click.option("--name", metavar="NAME", help="What it is called; else as its program.")
@click.option("-q", "--queue", type=params.QUEUE, metavar="NAME", help="Queue (partition).")
@click.option("--nodes", type=_COUNT, metavar="N", help="Nodes.")
@click.option("--tasks", type=_COUNT, metavar="N", help="Processes, on all nodes.")
@click.option("--cores", type=_COUNT, metavar="N", help="Cores for each task.")
@click.option("--memory", metavar="SIZE", help="On each node: MiB, or such as 4G.")
@click.option("--walltime", metavar="TIME", help="Seconds, or such as 1:30:00, 90m, 2-00:00:00.")
@click.option("--gpus", type=_COUNT, metavar="N", help="GPUs on each node.")
@click.option("--account", metavar="NAME", help="What its time is charged to.")
@click.option("--array", metavar="INDICES", help="As an array: 1-100, 1-9:2, 3,7,9%2.")
@click.option(
    "--after", metavar="[HOW:]ID", multiple=True,
    help=f"Wait for jobs, ids with commas between. HOW: {', '.join(_HOWS)}; else {_HOWS[0]}.",
)  # fmt: skip
@click.option(
    "--env", metavar="NAME[=VALUE]", multiple=True,
    help="Variable it gets; without a value, the one that you have here.",
)  # fmt: skip
@click.option("--workdir", metavar="PATH", help="Directory there that it runs in.")
@click.option("--output", metavar="PATH", help="File there for its standard output.")
@click.option("--error", metavar="PATH", help="File there for its standard error.")
@click.option("--held", is_flag=True, help="Keep it from beginning until it is released.")
@click.option("--option", "options", metavar="WORD", multiple=True, help="In the manager's words.")
@click.option("--wait", "waits", is_flag=True, help="Wait until it is over.")
@click.option("--id-only", is_flag=True, help="Print its id and nothing else.")
@async_option
@looks
@click.pass_obj
def submit(
    session: Session,
    /,
    *,
    command: tuple[str, ...],
    script: str | None,
    look: Look,
    waits: bool,
    id_only: bool,
    later: bool,
    **asked: Any,
) -> int:
    """Hand in a command with its arguments, or a script. Options stand before the command.

    Machine, queue, account and walltime come from your defaults (cm default list).

    \b
    cm job submit --cores 4 --walltime 2h python fit.py --all
    cm job submit --machine sierra --array 1-100 --script fit.sh
    cm job submit --after 12,13 --env TOKEN ./merge
    """  # noqa: D301 - \b keeps the lines as they are
    if id_only and waits:
        raise click.UsageError("--id-only and --wait exclude each other")
    if later:
        _refuse({"--wait": waits, "--id-only": id_only, "--env": bool(asked["env"])})
    words, text = _what(session, command, script)
    environment = _environment(asked.pop("env"))
    asked["after"] = _after(asked["after"])
    session.acted = True
    if later:
        return left(session, later_of(session).submit(*words, script=text, **asked), look)
    asked["environment"] = environment
    job = session.mesh.submit(*words, script=text, **asked)
    if id_only:
        print(visible(job.id))
        return codes.OK
    if waits:
        return wait_for(session, [job], look)
    print_rows(session, [job], Job, look)
    if look.chosen(session) == "table":
        which = job.id if len(session.mesh.config.queues) == 1 else f"{job.id} -m {job.manager}"
        note(f"cm job wait {which} waits until it is over, cm job output {which} shows its words")
    return codes.OK


_WHY: Mapping[str, str] = {
    "--wait": "; cm op wait waits for operations",
    "--id-only": ": a job has its id once it is handed in",
    "--env": ": it would have to be written down, and may hold secrets",
}
"""Why options go with no `--async`."""


def _refuse(given: Mapping[str, bool]) -> None:
    """Raise `click.UsageError` where an option was given that goes with no `--async`."""
    for option, is_given in given.items():
        if is_given:
            raise click.UsageError(f"--async goes with no {option}{_WHY[option]}")


def _what(
    session: Session, command: tuple[str, ...], script: str | None
) -> tuple[tuple[str, ...], str | None]:
    """Return the command, or the text of the script, that is to be handed in."""
    if command == ("-",) and script is None:
        command, script = (), "-"
    if bool(command) == (script is not None):
        found = "both" if command else "neither"
        raise click.UsageError(f"a COMMAND or --script FILE was wanted, found {found}")
    if script is None:
        return command, None
    return (), _read(session, script)


def _read(session: Session, file: str) -> str:
    if file == "-" and session.embedded:
        raise click.UsageError("there is no standard input here; name a file")
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise click.UsageError(f"--script {file}: {error.strerror}") from error
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"--script {file} is no text in UTF-8") from error
    if not text.strip():
        raise click.UsageError(f"--script {file} is empty")
    return text


def _environment(texts: Iterable[str]) -> dict[str, str] | None:
    """Return variables; one without a value is taken from here, so that no secret is in a line."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not name.strip():
            raise click.UsageError(f"--env wants NAME=VALUE or NAME, found {text!r}")
        if name in found:
            raise click.UsageError(f"--env: {name!r} stands there twice")
        if not sign and name not in os.environ:
            raise click.UsageError(f"--env {name}: there is no such variable here")
        found[name] = value if sign else os.environ[name]
    return found or None


def _after(texts: Iterable[str]) -> dict[str, list[str]] | None:
    """Return ids to wait for, by how."""
    found: dict[str, list[str]] = {}
    for text in texts:
        how, sign, ids = text.partition(":")
        if not sign:
            how, ids = _HOWS[0], text
        named = [word.strip() for word in ids.split(",")]
        if how not in _HOWS or not all(named):
            raise click.UsageError(
                f"--after wants [HOW:]ID with HOW one of {', '.join(_HOWS)}, found {text!r}"
            )
        found.setdefault(how, []).extend(named)
    return found or None
