"""The embedded MongoDB of a configuration: start, stop, status."""

import os
from pathlib import Path

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.settings import build
from cloudmesh_sdk.store.mongo import embedded
from cloudmesh_sdk.store.mongo.embedded import Status
from cloudmesh_sdk.store.mongo.places import place
from cloudmesh_sdk.store.mongo.store import MongoStore

__all__ = ["Status", "log", "start", "status", "stop"]


def start(config: Config) -> Status:
    """Start the embedded server, where it does not run, and return how it is.

    It stays for the configured time without users. Raises `StoreError`; `ConfigError` where the
    configuration names a MongoDB by URI, which is not ours to start.
    """
    directory, settings = _embedded(config)
    return embedded.start(
        directory, mongod=settings.mongod, linger=settings.linger, timeout=settings.timeout
    )


def stop(config: Config, *, force: bool = False) -> Status:
    """Stop the embedded server and return how it is; raises `StoreError` where it is in use."""
    directory, _ = _embedded(config)
    return embedded.stop(directory, force=force)


def status(config: Config) -> Status:
    """Return how the embedded server is; raises `ConfigError` where a URI is configured."""
    directory, _ = _embedded(config)
    return embedded.status(directory)


def log(config: Config) -> Path:
    """Return where the server's log is; raises `ConfigError` where a URI is configured."""
    directory, _ = _embedded(config)
    return place(directory, create=False).log


def _embedded(config: Config) -> tuple[str, MongoStore.Settings]:
    settings: MongoStore.Settings = build(
        MongoStore.Settings, config.store, where=config.where.at("store")
    )
    if settings.uri or os.environ.get("CLOUDMESH_MONGO_URI"):
        raise ConfigError("a MongoDB of your own is configured by URI; it is not ours to manage")
    return settings.directory or str(embedded.default_directory()), settings
