"""What a chaos run came to: what was asked for against what is there and what the mesh knows."""

from collections import Counter

import attrs
from tests.chaos.plan import Plan

from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState, ServerState

_OPEN = (OperationState.PENDING, OperationState.RUNNING, OperationState.UNKNOWN)


@attrs.frozen(kw_only=True)
class Verdict:
    """What became of one cloud."""

    cloud: str
    asked: int
    """Servers that are to be there."""
    there: int
    """Servers that the cloud has."""
    known: int
    """Servers that the mesh knows."""
    doubled: int
    lost: int
    """Servers that were asked for and are not there, or are there and should not be."""
    operations: int
    attempts: int
    failed: int
    """Operations whose user was told that nothing came of them; each was asked for again."""
    stuck: int

    @property
    def good(self) -> bool:
        """Whether nothing is doubled, lost or stuck, and all agree."""
        return self.asked == self.there == self.known and not (
            self.doubled or self.lost or self.stuck
        )


def verdict(mesh: Mesh, plan: Plan, cloud: str) -> Verdict:
    """Look at a cloud, at what the mesh knows of it and at the journal."""
    wanted = plan.staying(cloud)
    names = {*plan.names(cloud)}
    servers = [s for s in mesh.clouds[cloud].servers() if s.name in names]
    there = Counter(s.name for s in servers if s.state is not ServerState.DELETED)
    known = {s.name for s in mesh.servers(cloud) if s.name in names}
    operations = [o for o in mesh.operations(cloud=cloud, limit=None) if o.act != "refresh"]
    return Verdict(
        cloud=cloud,
        asked=len(wanted),
        there=there.total(),
        known=len(known),
        doubled=sum(count - 1 for count in there.values()),
        lost=len({*wanted} ^ {*there}) + len({*wanted} ^ known),
        operations=len(operations),
        attempts=sum(o.attempts for o in operations),
        failed=sum(o.state is OperationState.FAILED for o in operations),
        stuck=sum(o.state in _OPEN for o in operations),
    )


def table(verdicts: list[Verdict]) -> str:
    """Return verdicts as a table, with a line for all."""
    names = [field.name for field in attrs.fields(Verdict)]
    rows = [[str(getattr(each, name)) for name in names] for each in verdicts]
    sums = [str(sum(getattr(each, name) for each in verdicts)) for name in names[1:]]
    lines = [names, *rows, ["all", *sums]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    return "\n".join(
        "  ".join(w.rjust(n) for w, n in zip(line, widths, strict=True)) for line in lines
    )
