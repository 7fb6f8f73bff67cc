"""The programs of a chaos run, each of which may be killed at any moment and begun anew.

    python -m tests.chaos.part client|worker|refresher CONFIG STARTS CLOUD...

A client asks for what the plan wants and nobody asked for yet, half of it by itself and half left
to a worker, and ends when all of it is done. Before it asks it looks into the journal: what may
have been done is never asked for again.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from tests.chaos.plan import Plan, told

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.hosting import worker_main
from cloudmesh_sdk.models import Operation, OperationState

AT_ONCE = 6
"""How many servers a client asks for together."""

_NOTHING = (OperationState.FAILED, OperationState.CANCELLED)
_STEP = 0.2


def client(plan: Plan) -> bool:
    """Ask for what lacks, once; tell whether all is done."""
    with Mesh.open("mongo", config=plan.read()) as mesh:
        done = True
        for cloud in plan.clouds:
            done &= ask(mesh, plan, cloud)
        return done


def ask(mesh: Mesh, plan: Plan, cloud: str) -> bool:
    """Ask for what lacks at one cloud."""
    asked = mesh.operations(cloud=cloud, limit=None)
    starts, deletes = live(asked, "start"), live(asked, "delete")
    lacking = [name for name in plan.names(cloud) if name not in starts]
    for number, names in enumerate(batches(lacking)[:2]):
        if number % 2:
            mesh.start(name=names, cloud=cloud)
        else:
            mesh.later.elsewhere.start(name=names, cloud=cloud)
    ready = [name for name in plan.leaving(cloud) if is_done(starts.get(name))]
    leaving = [name for name in ready if name not in deletes]
    if leaving:
        mesh.later.elsewhere.delete(leaving[:AT_ONCE], cloud=cloud)
    over = all(is_done(starts.get(name)) for name in plan.names(cloud))
    return over and all(is_done(deletes.get(name)) for name in plan.leaving(cloud))


def live(asked: Sequence[Operation], act: str) -> Mapping[str, Operation]:
    """Return the operations of an act that did not come to nothing, by target."""
    return {o.target: o for o in asked if o.act == act and o.state not in _NOTHING}


def is_done(operation: Operation | None) -> bool:
    """Tell whether there is such an operation, and it is done."""
    return operation is not None and operation.state is OperationState.DONE


def batches(names: Sequence[str]) -> list[list[str]]:
    """Return names in lists of `AT_ONCE`."""
    return [list(names[first : first + AT_ONCE]) for first in range(0, len(names), AT_ONCE)]


def worker(plan: Plan) -> bool:
    """Run what waits, or what a broker gives out, until told to stop."""
    if plan.read().tasks:
        worker_main(plan.read())
        return True
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Mesh.open("mongo", config=plan.read()) as mesh:
        mesh.serve(stop)
    return True


def refresher(plan: Plan) -> bool:
    """Ask all clouds for their servers, again and again."""
    with Mesh.open("mongo", config=plan.read()) as mesh:
        while True:
            mesh.refresh(kinds=["servers"])
            time.sleep(_STEP)


PROGRAMS: Mapping[str, Callable[[Plan], bool]] = {
    "client": client, "worker": worker, "refresher": refresher,
}  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Run a program until it says that it is done; what fails is told, and tried again."""
    name, *rest = arguments
    plan = told(rest)
    while True:
        try:
            if PROGRAMS[name](plan):
                return 0
        except CloudmeshError as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        time.sleep(_STEP)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
