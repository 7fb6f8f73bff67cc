"""`cm job`: looking at jobs. What changes them stands in `jobacts`, new ones in `submit`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from cloudmesh_sdk.errors import UnsupportedError
from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.models import Job, JobState
from cloudmesh_sdk.shell import codes, moments, params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.batchlists import batch_listing, given, show_batch, tell_if_none
from cloudmesh_sdk.shell.jobacts import add_job_acts
from cloudmesh_sdk.shell.managers import account, machines_meant
from cloudmesh_sdk.shell.output import Look, looks, note, show, tell_sources
from cloudmesh_sdk.shell.records import FORMAT, show_record
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.shell.submit import submit

_STATES = tuple(state.value for state in JobState)


@click.group("job", cls=Group)
def job_command() -> None:
    """Submit, list, look at, wait for and cancel jobs.

    ID is the id of a job, several of an array such as 12_[1-3], or the name of one job.
    """


job_command.command("submit", context_settings={"allow_interspersed_args": False})(submit)


@job_command.command("list")
@click.option("--mine/--all", help="Only your own jobs; those of all users (as it is).")
@click.option("--user", metavar="NAME", multiple=True, help="Only of this user.")
@click.option("--open", "is_open", is_flag=True, help="Only those that are not over.")
@click.option("--state", type=click.Choice(_STATES), multiple=True, help="Only in this state.")
@click.option("--queue", type=params.QUEUE, metavar="NAME", multiple=True, help="In this queue.")
@click.option("--account", metavar="NAME", multiple=True, help="Charged to this account.")
@click.option("--name", metavar="NAMES", multiple=True, help="Names, ids or hostlists.")
@click.option("--expand", is_flag=True, help="A row for each job of an array.")
@click.option("--missing", is_flag=True, help="Also what its manager lists no more.")
@click.option("--refresh", is_flag=True, help="Wait for a question that is being asked just now.")
@click.option("--watch", is_flag=True, help="Stay, and show what happens until Ctrl-C.")
@batch_listing
@click.pass_obj
def list_jobs(
    session: Session,
    /,
    *,
    machines: tuple[str, ...],
    look: Look,
    strict: bool,
    limit: int | None,
    mine: bool,
    is_open: bool,
    watch: bool,
    **options: Any,
) -> int:
    """List the jobs of MACHINE (of all), of all users, over or not, as long as it lists them.

    All who look share one list, which is at most as old as the manager's interval says; --refresh
    and --watch ask no sooner.
    """
    if watch and options["expand"]:
        raise click.UsageError("--watch and --expand exclude each other")
    flags = {name: options.pop(name) for name in ("expand", "missing", "refresh")}
    asked = {**given(**options), **flags}
    return show_batch(
        session, Job, machines, look,
        lambda names, sort: session.mesh.jobs(names, sort=sort, **asked),
        strict=strict, limit=limit, keep=_kept(session, mine=mine, is_open=is_open), watched=watch,
    )  # fmt: skip


def _kept(session: Session, *, mine: bool, is_open: bool) -> Callable[[Job], bool]:
    """Return whether a job is to be shown; the mesh is not asked that."""
    managers = session.mesh.config.queues if mine else ()
    accounts = {manager: account(session, manager) for manager in managers}

    def keep(job: Job) -> bool:
        return not ((mine and job.user != accounts[job.manager]) or (is_open and job.state.is_over))

    return keep


@job_command.command("info")
@click.argument("id", type=params.JOB, metavar="ID")
@params.machine_option
@FORMAT
@click.pass_obj
def info(session: Session, id: str, machine: str | None, format: str) -> None:  # noqa: A002
    """Show a job as it is now, with all its manager says of it; that is asked."""
    show_record(session.mesh.job(id, machine=machine), format)


@job_command.command("output")
@click.argument("id", type=params.JOB, metavar="ID")
@click.option("--error", is_flag=True, help="Its standard error, where that goes elsewhere.")
@click.option("--tail", type=click.IntRange(1), metavar="BYTES", help="Only the end of it.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job is over.")
@params.machine_option
@click.pass_obj
def output(
    session: Session,
    /,
    *,
    id: str,  # noqa: A002
    machine: str | None,
    follow: bool,
    error: bool,
    tail: int | None,
) -> int:
    """Print what a job wrote so far; into a file or a pipe byte for byte as it is read."""
    from cloudmesh_sdk.shell.following import follow as go, print_text

    if follow and tail:
        raise click.UsageError("--follow and --tail exclude each other")
    if follow:
        return go(session, id, machine, error=error)
    print_text(session.mesh.job_output(id, machine=machine, error=error, tail=tail))
    return codes.OK


@job_command.command("history")
@click.option("--all", "everybody", is_flag=True, help="Jobs of all users, not only your own.")
@click.option("--user", metavar="NAME", help="Jobs of this user.")
@click.option("--id", "ids", metavar="ID", multiple=True, help="Only these, whoever owns them.")
@click.option(
    "--since", metavar="TIME", default="1d", show_default=True,
    help="Ended since: 2026-01-31, 2026-01-31T10:00 (UTC), or how long ago: 90m, 6h, 2d.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the last so many.")
@params.machines_argument
@looks
@click.pass_obj
def history(
    session: Session,
    /,
    *,
    machines: tuple[str, ...],
    look: Look,
    since: str,
    limit: int | None,
    **options: Any,
) -> int:
    """Ask the accounting of MACHINE (of all that keep one) for jobs that are over, oldest first."""
    asked = {"since": moments.moment(since, now=datetime.now(UTC)), "ids": options["ids"] or None}
    if options["user"] and options["everybody"]:
        raise click.UsageError("--user and --all exclude each other")
    tell_if_none(session)
    found = _history(session, machines, options, asked)
    show(session, found[-limit:] if limit else found, Job, look)
    tell_sources(found, quiet=look.chosen(session) != "table")
    return codes.outcome(found)


def _history(
    session: Session,
    machines: Sequence[str],
    options: Mapping[str, Any],
    asked: Mapping[str, Any],
) -> Gathered[Job]:
    """Ask each manager for the jobs of the user's account there.

    One that keeps no accounting is left out, unless it was named.
    """
    found: Gathered[Job] = Gathered()
    for manager, own in machines_meant(session, machines or None).items():
        whose = options["user"]
        if whose is None and not options["everybody"] and not options["ids"]:
            whose = account(session, manager)
        part = session.mesh.job_history([*own] if own else manager, user=whose, **asked)
        if not machines and isinstance(part.errors.get(manager), UnsupportedError):
            note(f"{manager} keeps no accounting")
            continue
        found += part
        found.sources |= part.sources
    return found


add_job_acts(job_command)
