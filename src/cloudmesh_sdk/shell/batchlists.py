"""Lists of jobs, queues and nodes: shared by all who look, filtered and shown."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.models import Record
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.live import watch
from cloudmesh_sdk.shell.managers import machines_meant
from cloudmesh_sdk.shell.output import Look, looks, note, print_rows, tell_sources
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.shell.where import check_fields, holds, parse

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R", bound=Record)

Asked = Sequence[str] | None
"""Machines and managers by name; None for all."""

_END = 2.0
"""Seconds that a question under way may hold up the end; what comes of it then is lost."""

_OPTIONS: Sequence[Callable[[Any], Any]] = (
    click.option("--strict", is_flag=True, help="A manager that fails makes the exit code not 0."),
    click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many."),
    params.machines_argument,
)


def batch_listing(command: F) -> F:
    """Give a command the options of a list that is asked of queue managers."""
    found = looks(command)
    for option in reversed(_OPTIONS):
        found = option(found)
    return found  # type: ignore[return-value]


def show_batch(
    session: Session,
    kind: type[R],
    machines: Sequence[str],
    look: Look,
    ask: Callable[[Asked, Sequence[str] | None], Gathered[R]],
    *,
    strict: bool,
    limit: int | None,
    keep: Callable[[R], bool] = lambda _: True,
    watched: bool = False,
) -> int:
    """Print what `ask` returns for machines and an order, and return the exit code.

    What the options ask of fields is checked before anybody is asked anything. Where it is to be
    `watched` the list stays, and shows what happens until Ctrl-C.
    """
    check_fields(look.sort, kind, what="--sort")
    check_fields(look.columns, kind, what="--columns")
    where = parse(look.where, kind)
    check_fields(where, kind, what="--where")
    tell_if_none(session)
    asked = tuple(machines) or None

    def read() -> tuple[Gathered[R], list[R]]:
        found = ask(asked, look.sort or None)
        return found, [row for row in found if keep(row) and holds(row, where)]

    found, rows = read()
    if watched:
        tell_sources(found, quiet=True)
        with _fresh(session, asked):
            managers = machines_meant(session, asked)
            return watch(session, kind, lambda: read()[1][:limit], look, clouds=managers)
    print_rows(session, rows[:limit], kind, look)
    tell_sources(found, quiet=look.chosen(session) != "table")
    if limit is not None and len(rows) > limit:
        note(f"{len(rows) - limit:,} more are there (--limit)")
    return codes.of_view(found, strict=strict)


@contextmanager
def _fresh(session: Session, machines: Asked) -> Iterator[None]:
    """Have managers asked for their jobs in a thread, as often as they may be, and no sooner."""
    stop = threading.Event()
    thread = threading.Thread(
        target=session.mesh.keep_jobs_fresh, args=(stop,), kwargs={"machine": machines}, daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_END)


def tell_if_none(session: Session) -> None:
    """Tell a user who has no queue manager yet how one comes to be there."""
    if not session.mesh.config.queues:
        note(f"no queue manager is configured; one stands in {session.path}, below queues:")


def given(**options: Any) -> Mapping[str, Any]:
    """Return options that may be given several times as the mesh takes them: None for none."""
    return {name: value or None for name, value in options.items()}
