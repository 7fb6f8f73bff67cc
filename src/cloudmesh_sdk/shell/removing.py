"""Giving things up: asked about first, then done one by one, whatever becomes of the others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.fanout import Gathered, Source
from cloudmesh_sdk.models import Record
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.output import note, tell_sources
from cloudmesh_sdk.shell.session import Session

R = TypeVar("R", bound=Record)


def remove(
    session: Session,
    act: str,
    records: Sequence[R],
    do: Callable[[R], object],
    *,
    done: str,
    yes: bool,
) -> int:
    """Ask whether an act on records is meant, do it, tell what is `done` and return the exit code.

    Where there is one record its error is raised; of several, those that fail are told.
    """
    if not params.agreed(session, params.question(act, records), yes=yes):
        note(f"nothing to {act}, then")
        return codes.OK
    session.acted = True
    sources: dict[str, Source] = {}
    for record in {(record.cloud, record.id): record for record in records}.values():
        name = f"{record.cloud}:{record.name or record.id}"
        try:
            do(record)
        except CloudmeshError as error:
            if len(records) == 1:
                raise
            sources[f"{name} ({record.id})"] = Source(name=name, error=error)
        else:
            sources[f"{name} ({record.id})"] = Source(name=name)
            note(f"{name} is {done}")
    found: Gathered[object] = Gathered((), sources)
    tell_sources(found, quiet=True)
    return codes.outcome(found)
