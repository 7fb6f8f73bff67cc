"""`cm queue`: queue managers, the machines that share them, their queues, what they are asked."""

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import ClassVar

import attrs
import click

from cloudmesh_sdk.bars import by_machine, in_order, words
from cloudmesh_sdk.config import MachineConfig, QueueConfig
from cloudmesh_sdk.models import Job, QueueInfo
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.app import Group
from cloudmesh_sdk.shell.batchlists import batch_listing, given, show_batch, tell_if_none
from cloudmesh_sdk.shell.cloud import health_rows
from cloudmesh_sdk.shell.managers import machines_meant, syncs
from cloudmesh_sdk.shell.output import Look, looks, note, show, tell_sources
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.store.base import Sync


@attrs.frozen(kw_only=True)
class MachineRow:
    """A machine in the list of machines, and its queue manager."""

    columns: ClassVar[tuple[str, ...]] = (
        "machine", "manager", "driver", "active", "default", "rules", "interval", "jobs", "seen",
        "state", "error",
    )  # fmt: skip

    machine: str
    manager: str
    driver: str
    active: bool
    default: bool
    """Jobs go there where no machine is named."""
    queues: tuple[str, ...]
    """Names of the queues that are its own, as the configuration says; so `nodes`, `accounts`."""
    nodes: tuple[str, ...]
    accounts: tuple[str, ...]
    interval: float
    """Seconds between two lists, at least."""
    jobs: int | None
    """Of the whole manager, arrays as one, as last seen; None where it was never asked."""
    seen: datetime | None
    state: str
    """`ok`, `failed` (see `error`), or empty where it was never asked."""
    error: str

    @property
    def rules(self) -> str:
        """What is its own, as one text; empty where all is."""
        found = {"queues": self.queues, "nodes": self.nodes, "accounts": self.accounts}
        return "; ".join(f"{rule} {','.join(texts)}" for rule, texts in found.items() if texts)


@attrs.frozen(kw_only=True)
class CheckRow:
    """What a check of a queue manager found."""

    columns: ClassVar[tuple[str, ...]] = (
        "manager", "state", "version", "identity", "seconds", "detail",
    )  # fmt: skip

    manager: str
    state: str
    version: str
    identity: str
    seconds: float | None
    """How long the check took."""
    detail: str


@click.group("queue", cls=Group)
def queue_command() -> None:
    """List queue managers, machines and queues, and what they are asked.

    Several machines may share one manager, which then is asked once for all of them.
    """


@queue_command.command("list")
@params.machines_argument
@looks
@click.pass_obj
def list_machines(session: Session, machines: tuple[str, ...], look: Look) -> None:
    """List machines and their queue managers, as configured and as last seen; asks nobody."""
    mesh = session.mesh
    tell_if_none(session)
    queues = mesh.config.queues
    meant = machines_meant(session, machines or [*queues])
    known, chosen = syncs(session), mesh.default("machine").value
    rows = [
        _machine_row(entry, rules, known.get((manager, Job.kind)), chosen)
        for manager, entry in queues.items()
        for rules in [*entry.machines.values()] or [MachineConfig(name=manager)]
        if manager in meant and rules.name in (meant[manager] or {rules.name})
    ]
    show(session, rows, MachineRow, look)


def _machine_row(
    entry: QueueConfig, rules: MachineConfig, sync: Sync | None, chosen: str | None
) -> MachineRow:
    return MachineRow(
        machine=rules.name,
        manager=entry.name,
        driver=entry.driver,
        active=entry.active,
        default=rules.name == chosen,
        queues=rules.queues,
        nodes=rules.nodes,
        accounts=rules.accounts,
        interval=max(entry.interval, entry.floor),
        jobs=sync.count if sync else None,
        seen=sync.refreshed if sync else None,
        state="" if sync is None else "failed" if sync.error else "ok",
        error=sync.error.message if sync and sync.error else "",
    )


@queue_command.command("info")
@click.option("--queue", type=params.QUEUE, metavar="NAMES", multiple=True, help="Only these.")
@batch_listing
@click.pass_obj
def info(
    session: Session,
    /,
    *,
    machines: tuple[str, ...],
    look: Look,
    strict: bool,
    limit: int | None,
    queue: tuple[str, ...],
) -> int:
    """Show the queues of MACHINE (of all): what they allow, how many jobs are in them.

    A job that waits in several queues counts in each. Below stands how many jobs each machine has
    by state, drawn on a terminal; one that belongs to several machines counts at each.
    """
    asked = given(queue=queue)
    code = show_batch(
        session, QueueInfo, machines, look,
        lambda names, sort: session.mesh.queue_info(names, sort=sort, **asked),
        strict=strict, limit=limit,
    )  # fmt: skip
    if look.chosen(session) == "table":
        _tell_totals(session, machines)
    return code


def _tell_totals(session: Session, machines: tuple[str, ...]) -> None:
    """Tell how many jobs machines have by state: as bars on a terminal, else in words."""
    meant = machines_meant(session, machines or None)
    jobs = [_within(job, meant[job.manager]) for job in session.mesh.jobs(machines or None)]
    if sys.stdout.isatty():
        from cloudmesh_sdk.shell.drawing import draw_bars  # rich takes 60 ms

        draw_bars(by_machine(jobs))
    whole = [manager for manager, own in meant.items() if own is None]
    for line in totals(jobs, whole, bars=not sys.stdout.isatty()):
        note(line)


def _within(job: Job, own: Collection[str] | None) -> Job:
    """Return a job at those of its machines that were asked for: of others not all are there."""
    if own is None:
        return job
    return attrs.evolve(job, machines=tuple(name for name in job.machines if name in own))


def totals(jobs: Sequence[Job], managers: Collection[str], *, bars: bool = True) -> Iterator[str]:
    """Yield numbers of jobs by state as lines: of each machine (`bars`), of each shared manager.

    `managers` are those of which all jobs are there.
    """
    if bars:
        yield from (f"{name}: {words(n)}" for name, n in by_machine(jobs).rows.items())
    for manager in sorted({job.manager for job in jobs}.intersection(managers)):
        mine = [job for job in jobs if job.manager == manager]
        if {name for job in mine for name in job.machines} == {manager}:
            continue
        counts: Counter[str] = Counter()
        for job in mine:
            counts[job.state.value] += job.count
        several = sum(job.count for job in mine if len(job.machines) > 1)
        also = f"; {several:,} of them at several machines" if several else ""
        yield f"{manager} in all: {words(in_order(counts))}{also}"


@queue_command.command("load")
@params.machines_argument
@looks
@click.pass_obj
def show_load(session: Session, machines: tuple[str, ...], look: Look) -> None:
    """Show how many questions managers were asked within the last hour, by all who share them.

    Asks nobody. `calls` are commands or requests that the questions took.
    """
    from cloudmesh_sdk.mesh.load import Load  # the mesh has it loaded by now

    tell_if_none(session)
    show(session, session.mesh.queue_load(machines or None), Load, look)


@queue_command.command("check")
@params.machines_argument
@looks
@click.pass_obj
def check(session: Session, machines: tuple[str, ...], look: Look) -> int:
    """Ask queue managers (all) who we are there: credentials, version."""
    tell_if_none(session)
    gathered = session.mesh.check_queues(machines or None)
    rows = [
        CheckRow(
            manager=row.cloud, state=row.state, version=row.version, identity=row.identity,
            seconds=row.seconds, detail=row.detail,
        )
        for row in health_rows(gathered)
    ]  # fmt: skip
    show(session, rows, CheckRow, look)
    tell_sources(gathered, quiet=True)
    return codes.outcome(gathered)
