"""Moments at which plug-ins may speak: the only module that knows pluggy.

A plug-in is a module or object with functions of these names marked `@hookimpl`, announced by an
entry point in the group `cloudmesh.hooks`. Hooks are called in the caller's thread, after the
result is in the store. A hook that raises is logged; it undoes and stops nothing.
"""

import logging
import sys
from collections.abc import Iterable
from importlib.metadata import EntryPoint
from typing import Any

import pluggy

from cloudmesh_sdk.errors import PluginError
from cloudmesh_sdk.models import Operation, Server, ServerRequest

_LOG = logging.getLogger(__name__)

hookspec = pluggy.HookspecMarker("cloudmesh")
hookimpl = pluggy.HookimplMarker("cloudmesh")


@hookspec
def server_started(server: Server) -> None:
    """Hear that a server was started; it may not be running yet."""


@hookspec
def server_deleted(server: Server) -> None:
    """Hear that a server was deleted."""


@hookspec
def operation_changed(operation: Operation) -> None:
    """Hear that an operation has a new state (see `OperationState`)."""


@hookspec
def refreshed(cloud: str, kind: str, new: int, changed: int, gone: int) -> None:
    """Hear that a kind of records of a cloud was refreshed; the numbers count records."""


@hookspec(firstresult=True)
def choose_cloud(candidates: list[str], request: ServerRequest | None) -> str | None:
    """Pick the cloud of a new server when neither the call nor a default names one.

    `candidates` are the active clouds; the first answer that is not None wins.
    """


@hookspec
def add_commands() -> Any:
    """Return a click command (or a list of them) to add to the `cm` shell."""


def tell(hook: Any, **what: Any) -> None:
    """Call a hook that only hears; a plug-in that fails is logged and stops nothing."""
    try:
        hook(**what)
    except Exception as error:  # noqa: BLE001 - told; the act itself is done already
        _LOG.error("a plug-in failed to hear %s: %s: %s", hook.name, type(error).__name__, error)
        _LOG.debug("where it failed", exc_info=error)


def sound(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Return the plug-ins that import and fit; the others are logged and stop nothing."""
    fitting = []
    for point in points:
        try:
            manager([point])
        except PluginError as error:
            _LOG.error("left out: %s", error)
        else:
            fitting.append(point)
    return fitting


def manager(points: Iterable[EntryPoint] = ()) -> pluggy.PluginManager:
    """Return a manager that knows the hooks above and the plug-ins behind the entry points.

    Raises `PluginError` where a plug-in does not import or implements a hook that is not here.
    """
    result = pluggy.PluginManager("cloudmesh")
    result.add_hookspecs(sys.modules[__name__])
    for point in points:
        try:
            result.register(point.load(), name=point.name)
        except Exception as error:
            raise PluginError(f"hook plug-in {point.name} does not import: {error}") from error
    try:
        result.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(f"a hook plug-in does not fit: {error}") from error
    return result
