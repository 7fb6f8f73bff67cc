"""Who runs what is left to a worker: one that runs, one that is started for it, or this process."""

from typing import TYPE_CHECKING

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.services import control
from cloudmesh_sdk.services.records import State
from cloudmesh_sdk.services.worker import has_broker
from cloudmesh_sdk.shell.output import note
from cloudmesh_sdk.shell.session import Session

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh.later import Later

_WORKER = "worker"


def later(session: Session) -> "Later":
    """Return where acts are left: this process runs them only where no other can."""
    if session.read_config().tasks.embedded:
        attend(session)  # it is told at once of what waits, so it must be there before
    asked = session.mesh.later
    return asked if _alone(session) else asked.elsewhere


def attend(session: Session) -> None:
    """See that a worker runs; one that is started here is told of."""
    config = session.read_config()
    if _alone(session) or (has_broker(config) and not config.tasks.embedded):
        return
    started = (*control.missing(config, _WORKER), _WORKER)
    try:
        if control.status(config, _WORKER).state is State.RUNNING:
            return
        control.start(config, _WORKER)
    except CloudmeshError as error:
        note(f"it waits until a worker runs, and none could be started: {error}")
        return
    for name in started:
        note(f"a {name} was started for it, and stays: cm service stop {name} ends it")


def _alone(session: Session) -> bool:
    """Tell whether no other process can see what waits, or none is to be started."""
    return session.store == "memory" or session.embedded
