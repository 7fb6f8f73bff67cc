"""Acts on jobs that need nothing but their ids, and waiting for them."""

import re
from collections.abc import Mapping, Sequence

import attrs
import click

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.names import split
from cloudmesh_sdk.models import Job
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.attending import later as later_of
from cloudmesh_sdk.shell.finishing import async_option, left, told
from cloudmesh_sdk.shell.following import ended
from cloudmesh_sdk.shell.output import Look, looks, note, print_rows, tell_sources
from cloudmesh_sdk.shell.progress import progress
from cloudmesh_sdk.shell.session import Session

_IDS = re.compile(r"\d[\w.\-\[\],]*")
"""Several ids with commas between; names of jobs may have commas, too."""

PATIENCE = 86_400.0
"""Seconds that jobs are waited for where nothing else is said."""


@attrs.frozen
class JobAct:
    """An act on jobs as a command."""

    text: str
    """Its help."""
    method: str
    """Its name in the mesh."""
    asks: bool = False
    """It cannot be undone: of several jobs, the user is asked first."""


ACTS: Mapping[str, JobAct] = {
    "cancel": JobAct("End jobs, or keep them from beginning.", "cancel_jobs", asks=True),
    "hold": JobAct("Keep waiting jobs from beginning until they are released.", "hold_jobs"),
    "release": JobAct("Let held jobs begin when their time comes.", "release_jobs"),
}
"""Acts by the names of their commands."""


def add_job_acts(group: click.Group) -> None:
    """Add the acts of the table and `wait` to a group."""
    for name, act in ACTS.items():
        _add(group, name, act)
    group.command("wait")(wait)


def meant(session: Session, ids: Sequence[str], machine: str | None) -> list[Job]:
    """Return the jobs that words mean, each once; raises `NotFoundError` with near ids."""
    several = [one for text in ids for one in (split(text) if _IDS.fullmatch(text) else [text])]
    if any(not one.strip() for one in several):
        raise click.UsageError(f"an id is empty in {' '.join(ids)!r}")
    return session.mesh.find_jobs(several, machine=machine)


def _add(group: click.Group, name: str, act: JobAct) -> None:
    @params.jobs_argument
    @params.machine_option
    @async_option
    @looks
    @click.pass_obj
    def command(
        session: Session,
        /,
        *,
        ids: tuple[str, ...],
        machine: str | None,
        look: Look,
        later: bool,
        yes: bool = True,
    ) -> int:
        jobs = meant(session, ids, machine)
        many = sum(job.count for job in jobs) > 1
        if many and not params.agreed(session, _question(name, jobs), yes=yes):
            note(f"nothing to {name}, then")
            return codes.OK
        session.acted = True
        if later:
            return left(session, getattr(later_of(session), act.method)(jobs), look)
        with progress(session, name, len(jobs)) as done:
            found = getattr(session.mesh, act.method)(jobs, told=told(done))
        print_rows(session, found, Job, look)
        tell_sources(found, quiet=True)
        return codes.outcome(found)

    if act.asks:
        command = params.yes_option(command)
    group.command(name, help=act.text)(command)


def _question(act: str, jobs: Sequence[Job]) -> str:
    """Return the question whether an act is meant: ids say more than names, which many share."""
    every = sum(job.count for job in jobs)
    names = [f"{job.manager}:{job.id} {job.name}".rstrip() for job in jobs[: params.SHOWN]]
    more = f" and {len(jobs) - params.SHOWN} more" if len(jobs) > params.SHOWN else ""
    return f"{act} {every:,} jobs: {', '.join(names)}{more}?"


@params.jobs_argument
@click.option(
    "--timeout", type=click.FloatRange(0), default=PATIENCE, show_default=True, metavar="SECONDS"
)
@params.machine_option
@looks
@click.pass_obj
def wait(
    session: Session, ids: tuple[str, ...], timeout: float, machine: str | None, look: Look
) -> int:
    """Wait until jobs are over; the exit code is 0 where all of them ended well.

    All who wait share the manager's one list; a change is heard an interval late at most.
    """
    return wait_for(session, meant(session, ids, machine), look, timeout=timeout)


def wait_for(
    session: Session, jobs: Sequence[Job], look: Look, *, timeout: float = PATIENCE
) -> int:
    """Wait with a bar, print the jobs and return the exit code."""
    with progress(session, "wait", len(jobs)) as done:

        def heard(job: Job) -> None:
            if job.state.is_over:
                done(job.id, job.state != "done")
            elif session.watched():
                note(f"{job.manager}: {job.id} {job.name} is {job.state.value}")

        for job in jobs:
            if job.state.is_over:
                heard(job)
        found = session.mesh.wait_jobs(jobs, timeout=timeout, told=heard)
    print_rows(session, found, Job, look)
    return _outcome(found)


def _outcome(found: Gathered[Job]) -> int:
    """Tell what did not end well and return the exit code of it all."""
    tell_sources(found, quiet=True)
    failed = [ended(job) for job in found if job.state.is_over]
    return codes.outcome(found) or max(failed, default=codes.OK)
