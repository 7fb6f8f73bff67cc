"""Finding drivers by name: the only module that knows stevedore.

Kinds are `providers`, `queues`, `provisioners`, `launchers`, `stores` and `hooks`; the entry-point
group of a kind is `cloudmesh.<kind>`. `CLOUDMESH_PLUGINS=""` leaves out all that is not our own.
"""

import os
from importlib.metadata import EntryPoint
from typing import Any

import attrs
from stevedore import NamedExtensionManager

from cloudmesh_sdk.errors import CloudmeshError, PluginError, near

KINDS = ("providers", "queues", "provisioners", "launchers", "stores", "hooks")
"""Kinds of plug-ins; the entry-point group is `cloudmesh.<kind>`."""

_OWN = "cloudmesh_sdk."


@attrs.frozen(kw_only=True)
class Plugin:
    """One installed plug-in; `error` says why it does not import, where that was tried."""

    kind: str
    name: str
    target: str
    """`module:Class` of the entry point."""
    error: str = ""


def entry_points(kind: str) -> list[EntryPoint]:
    """Return the entry points of a kind without importing any."""
    found = NamedExtensionManager[Any](
        f"cloudmesh.{kind}", [], on_missing_entrypoints_callback=None
    ).list_entry_points()
    if os.environ.get("CLOUDMESH_PLUGINS") == "":
        found = [point for point in found if point.value.startswith(_OWN)]
    unique = {(point.name, point.value): point for point in found}
    return sorted(unique.values(), key=lambda point: (point.name, point.value))


def names(kind: str) -> list[str]:
    """Return the names of all installed drivers of a kind, importing none of them."""
    return sorted({point.name for point in entry_points(kind)})


def load(kind: str, name: str) -> Any:
    """Import one driver and return its class.

    Raises `PluginError`: no such name (with near names), two of one name, or it does not import
    (with the extra to install).
    """
    found = [point for point in entry_points(kind) if point.name == name]
    if not found:
        hint = near(name, names(kind), what="installed")
        raise PluginError(f"no driver named {name!r} among {kind}; {hint}")
    if len(found) > 1:
        both = ", ".join(point.value for point in found)
        raise PluginError(f"several plug-ins call themselves {name!r} ({both}); uninstall one")
    return _import(kind, found[0])


def check(kind: str) -> list[Plugin]:
    """Import every plug-in of a kind and say which do not; one broken plug-in hides no other."""
    plugins = []
    for point in entry_points(kind):
        try:
            _import(kind, point)
        except CloudmeshError as error:
            problem = str(error)
        else:
            problem = ""
        plugins.append(Plugin(kind=kind, name=point.name, target=point.value, error=problem))
    return plugins


def _import(kind: str, point: EntryPoint) -> Any:
    try:
        return point.load()
    except ImportError as error:
        extra = f"; try: pip install 'cloudmesh-sdk[{point.name}]'"
        hint = extra if point.value.startswith(_OWN) else ""
        raise PluginError(f"{point.name} ({kind}) does not import: {error}{hint}") from error
    except Exception as error:
        raise PluginError(
            f"{point.name} ({kind}) does not import: {type(error).__name__}: {error}"
        ) from error
