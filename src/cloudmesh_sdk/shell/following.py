"""What jobs write, printed: once, or while it grows."""

import sys

from cloudmesh_sdk.errors import BackendTimeoutError, NotFoundError
from cloudmesh_sdk.models import Job
from cloudmesh_sdk.shell import codes
from cloudmesh_sdk.shell.output import note, tell_sources
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.tables import visible

_PAUSES = (1.0, 8.0)
"""Seconds between two looks, at first and where nothing comes for long."""

_ENDS = {"failed": "failed", "timeout": "ran out of time", "cancelled": "was cancelled"}
"""How it is said that a job did not end well, by its state."""

_HALF = "\ufffd"
"""What the beginning of a character is read as whose rest is not written yet."""


def print_text(text: str, *, end: str = "") -> None:
    """Print what a job wrote: on a terminal it cannot move the cursor, elsewhere it is as it is."""
    if sys.stdout.isatty():
        text = "\n".join(visible(line.rstrip("\r").expandtabs()) for line in text.split("\n"))
    sys.stdout.write(text + end)
    sys.stdout.flush()


def follow(session: Session, id: str, machine: str | None, *, error: bool) -> int:  # noqa: A002
    """Print what a job writes until it is over; return the exit code of what it then is.

    The scheduler is not asked for that, beyond the list that all share.
    """
    mesh = session.mesh
    (job,) = mesh.find_jobs(id, machine=machine)
    printed, pause = 0, _PAUSES[0]
    while True:
        is_last = job.state.is_over
        text = _read(session, job, error=error)
        new = text[printed:] if is_last else text[printed:].rstrip(_HALF)
        print_text(new)
        printed += len(new)
        if is_last:
            return ended(job)
        found = mesh.wait_jobs(job, timeout=pause)
        (job,) = found
        if any(not isinstance(e, BackendTimeoutError) for e in found.errors.values()):
            tell_sources(found, quiet=True)
            return codes.outcome(found)
        pause = _PAUSES[0] if new else min(_PAUSES[1], pause * 2)


def ended(job: Job) -> int:
    """Tell how a job ended where it did not end well; return the exit code of that."""
    if job.state == "done":
        return codes.OK
    why = [f"exit code {job.exit_code}"] if job.exit_code else []
    why += [f"signal {job.signal}"] if job.signal else []
    why += [job.reason] if job.reason else []
    said = f" ({', '.join(why)})" if why else ""
    note(f"{job.manager}: {job.id} {job.name} {_ENDS.get(job.state, 'is over')}{said}")
    return codes.ERROR


def _read(session: Session, job: Job, *, error: bool) -> str:
    try:
        return session.mesh.job_output(job, error=error)
    except NotFoundError:
        if job.state.is_over:
            raise
        return ""  # it has not begun, or has written nothing yet
