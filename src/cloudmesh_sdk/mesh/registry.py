"""The configured clouds: each is imported and opened when first asked for."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cloudmesh_sdk import plugins
from cloudmesh_sdk.config import CloudConfig
from cloudmesh_sdk.errors import BackendError, CloudmeshError, ConfigError, near
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.settings import build


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Turn an exception of a driver that is none of ours into a `BackendError`, cause kept.

    A driver that trips over an answer must not end what the other clouds are doing.
    """
    try:
        yield
    except CloudmeshError:
        raise
    except Exception as error:
        text = f"{name}: the driver failed: {type(error).__name__}: {error}"
        raise BackendError(text) from error


class Clouds(Mapping[str, Cloud]):
    """Drivers by the name of their cloud."""

    def __init__(self, config: Mapping[str, CloudConfig]) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {name: threading.Lock() for name in config}
        self._open: dict[str, Cloud] = {}
        self._places: dict[str, threading.BoundedSemaphore] = {}

    def __getitem__(self, name: str) -> Cloud:
        """Return an opened driver; raises `ConfigError` or `PluginError` where that fails."""
        self.require(name)
        with self._locks[name]:
            if name not in self._open:
                self._open[name] = self._make(name)
            return self._open[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)

    def __contains__(self, name: object) -> bool:
        return name in self._config

    def require(self, name: str) -> None:
        """Raise `ConfigError` with near names where no cloud has this name."""
        if name not in self._config:
            hint = near(name, self._config, what="configured")
            raise ConfigError(f"there is no cloud {name!r}; {hint}")

    @contextmanager
    def use(self, name: str) -> Iterator[Cloud]:
        """Lend a driver to one thread; waits while as many use it as it serves at once."""
        cloud = self[name]
        with self._lock:
            place = self._places.setdefault(name, threading.BoundedSemaphore(cloud.parallel))
        with place, guarded(name):
            yield cloud

    def close(self) -> None:
        """Close the drivers that were opened."""
        for cloud in self._open.values():
            cloud.close()
        self._open.clear()

    def _make(self, name: str) -> Cloud:
        entry = self._config[name]
        try:
            driver = plugins.load("providers", entry.driver)
        except CloudmeshError as error:
            where = entry.where.at("clouds", name, "driver")
            raise type(error)(f"{where}: {error}") from error
        where = entry.where.at("clouds", name)
        made: Cloud = driver(name, build(driver.Settings, entry.options, where=where))
        return made
