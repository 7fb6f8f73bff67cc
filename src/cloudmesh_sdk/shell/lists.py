"""Lists from the store: at once, with their age; `--refresh` asks the clouds first."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs
import click

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.models import Record
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.live import watch
from cloudmesh_sdk.shell.output import Look, looks, note, print_rows, tell_sources
from cloudmesh_sdk.shell.progress import progress
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.shell.where import check_fields, parse

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Sequence[Callable[[Any], Any]] = (
    click.option("--refresh", is_flag=True, help="Ask the clouds first."),
    click.option("--strict", is_flag=True, help="A cloud that fails makes the exit code not 0."),
    click.option("--name", "names", metavar="NAMES", multiple=True, help="Names or hostlists."),
    click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many."),
    click.option("--missing", is_flag=True, help="Also what its cloud lists no more."),
    params.clouds_argument,
)


def listing(command: F) -> F:
    """Give a command the options of a list that comes from the store."""
    found = looks(command)
    for option in reversed(_OPTIONS):
        found = option(found)
    return found  # type: ignore[return-value]


def show_view(
    session: Session,
    kind: type[Record],
    clouds: Sequence[str],
    look: Look,
    *,
    refresh: bool,
    strict: bool,
    names: Sequence[str] = (),
    full: bool = False,
    watched: bool = False,
    **query: Any,
) -> int:
    """Print records of a kind as last seen (or as they are now) and return the exit code.

    Where it is to be `watched` the list stays, and shows what happens until Ctrl-C. `full` asks
    for whole lists where a refresh would ask only for what changed.
    """
    check_fields(look.sort, kind, what="--sort")
    check_fields(look.columns, kind, what="--columns")
    where = parse(look.where, kind)
    check_fields(where, kind, what="--where")
    asked = tuple(clouds) or session.mesh.active
    if not asked:
        note("no cloud is active; cm cloud list shows those there are, cm register adds one")
    now = ask(session, asked, [kind.kind], full=full) if refresh or full else None
    if now is None and (new := _never_asked(session, asked, kind)):
        ask(session, new, [kind.kind])  # the list would ask them too, but show no progress

    def read() -> Gathered[Any]:
        found: Gathered[Any] = getattr(session.mesh, kind.kind)(
            clouds[0] if len(clouds) == 1 else asked,  # one named alone says what it does not have
            where=where,
            sort=look.sort or None,
            name=names or None,
            **query,
        )
        return found

    if watched:
        check_fields(look.columns, kind, what="--columns")
        return watch(session, kind, read, look, clouds=asked)
    rows = read()
    print_rows(session, rows, kind, look)
    if query.get("limit"):
        _recount(session, rows, kind)
    tell_sources(rows, quiet=look.chosen(session) != "table")
    return codes.outcome(now) if now is not None else codes.of_view(rows, strict=strict)


def _recount(session: Session, rows: Gathered[Any], kind: type[Record]) -> None:
    """Count all that each cloud has, not only what the limit let through."""
    mesh = session.mesh
    counts = {s.cloud: s.count for s in mesh.store.view.syncs(mesh.user) if s.kind == kind.kind}
    for name, source in rows.sources.items():
        rows.sources[name] = attrs.evolve(source, count=counts.get(name, source.count))


def _never_asked(session: Session, clouds: Sequence[str], kind: type[Record]) -> list[str]:
    """Return the clouds of which nothing is known, for people who wait before a terminal."""
    if not session.watched():
        return []
    from cloudmesh_sdk.mesh.viewing import never_asked  # the mesh has it loaded by now

    mesh = session.mesh
    known = [cloud for cloud in clouds if cloud in mesh.config.clouds]
    return never_asked(mesh.store.view.syncs(mesh.user), kind.kind, known)


def ask(
    session: Session,
    clouds: Sequence[str],
    kinds: Sequence[str] | None,
    *,
    deadline: float | None = None,
    full: bool = False,
) -> Gathered[Any]:
    """Refresh clouds with a bar; `full` asks for whole lists, not only for what changed.

    So does a tape: who plays it back has no list that changes could be added to.
    """
    with progress(session, "refresh", len(clouds)) as done:
        return session.mesh.refresh(
            clouds,
            kinds,
            told=lambda answer: done(answer.name, answer.error is not None),
            deadline=deadline,
            full=full or session.recorded(),
        )
