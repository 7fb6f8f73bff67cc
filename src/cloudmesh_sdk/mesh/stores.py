"""Opening the store that the configuration means."""

from importlib import import_module
from typing import Any

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import PluginError
from cloudmesh_sdk.settings import build
from cloudmesh_sdk.store.base import Store

_OWN = {
    "memory": ("cloudmesh_sdk.store.memory", "MemoryStore"),
    "mongo": ("cloudmesh_sdk.store.mongo", "MongoStore"),
}
"""Our own, found without looking through all installed packages: every command opens one."""


def open_store(name: str, config: Config) -> Store:
    """Return an opened store; raises `ConfigError`, `PluginError`, `StoreError`."""
    kind = _class(name)
    where = config.where.at("store")
    opened: Store = kind(build(kind.Settings, config.store if name == "mongo" else {}, where=where))
    return opened


def _class(name: str) -> Any:
    if name not in _OWN:
        from cloudmesh_sdk import plugins

        return plugins.load("stores", name)
    module, attribute = _OWN[name]
    try:
        return getattr(import_module(module), attribute)
    except ImportError as error:
        raise PluginError(f"the store {name!r} does not import: {error}") from error
