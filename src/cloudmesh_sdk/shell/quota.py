"""`cm quota`."""

from collections.abc import Iterable
from typing import ClassVar

import attrs
import click

from cloudmesh_sdk.models import Quota
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.app import Command
from cloudmesh_sdk.shell.output import Look, looks, show, tell_sources
from cloudmesh_sdk.shell.session import Session

_WIDTH = 20
"""Characters of a bar."""

_FILLED, _EMPTY = "█", "░"

_COUNTED = ("cloud", "name", "used", "limit", "part")
"""Columns for programs: numbers, not words and bars."""


@attrs.frozen(kw_only=True)
class QuotaRow:
    """A limit, and how much of it is used."""

    columns: ClassVar[tuple[str, ...]] = ("cloud", "name", "use", "bar")

    cloud: str
    name: str
    used: int | None
    limit: int | None
    """None means unlimited."""
    part: float | None
    """Used of the limit, from 0 to 1 (and above, where a limit was lowered); None: not known."""

    @property
    def use(self) -> str:
        """Used and most: `3 / 10`."""
        used = "?" if self.used is None else self.used
        return f"{used} / {'unlimited' if self.limit is None else self.limit}"

    @property
    def bar(self) -> str:
        """The part that is used, drawn; empty where there is no limit."""
        if self.part is None:
            return ""
        filled = min(_WIDTH, round(self.part * _WIDTH)) or int(self.part > 0)
        return f"{_FILLED * filled}{_EMPTY * (_WIDTH - filled)} {self.part:.0%}"


@click.command("quota", cls=Command)
@params.clouds_argument
@looks
@click.pass_obj
def quota_command(session: Session, clouds: tuple[str, ...], look: Look) -> int:
    """Ask clouds (the active ones) what you may use, and how much of it you do."""
    found = session.mesh.quotas(clouds or None)
    chosen = look.chosen(session)
    if chosen == "csv" and not look.columns:
        look = attrs.evolve(look, columns=_COUNTED)
    show(session, rows_of(found), QuotaRow, look)
    tell_sources(found, quiet=chosen != "table")
    return codes.outcome(found)


def rows_of(quotas: Iterable[Quota]) -> list[QuotaRow]:
    """Return a row for every limit."""
    return [
        QuotaRow(cloud=q.cloud, name=q.name, used=q.used, limit=q.limit, part=_part(q))
        for q in quotas
    ]


def _part(quota: Quota) -> float | None:
    if quota.used is None or quota.limit is None:
        return None
    return quota.used / quota.limit if quota.limit else 1.0
