"""The configured services: the driver of each is imported and opened when first asked for."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import ClassVar, Generic, TypeVar

from cloudmesh_sdk import plugins
from cloudmesh_sdk.config import CloudConfig, Entry, QueueConfig
from cloudmesh_sdk.driver import Driver, guarded
from cloudmesh_sdk.errors import CloudmeshError, ConfigError, near
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.queues.base import Queue
from cloudmesh_sdk.settings import build
from cloudmesh_sdk.wire import Watch

D = TypeVar("D", bound=Driver)


class Drivers(Mapping[str, D], Generic[D]):
    """Drivers by the name of their service."""

    plugins: ClassVar[str] = ""
    """The kind of plug-ins that drivers are looked for in."""

    noun: ClassVar[str] = ""
    """What such a service is called."""

    def __init__(self, config: Mapping[str, Entry]) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {name: threading.Lock() for name in config}
        self._open: dict[str, D] = {}
        self._places: dict[str, threading.BoundedSemaphore] = {}
        self._watch: Watch | None = None

    def __getitem__(self, name: str) -> D:
        """Return an opened driver; raises `ConfigError` or `PluginError` where that fails."""
        self.require(name)
        with self._locks[name]:
            if name not in self._open:
                self._open[name] = self._opened(name)
            return self._open[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)

    def __contains__(self, name: object) -> bool:
        return name in self._config

    def require(self, name: str) -> None:
        """Raise `ConfigError` with near names where no service has this name."""
        if name not in self._config:
            hint = near(name, self._config, what="configured")
            raise ConfigError(f"there is no {self.noun} {name!r}; {hint}")

    def driver(self, name: str) -> str:
        """Return the name of a service's driver."""
        return self._config[name].driver

    @contextmanager
    def use(self, name: str) -> Iterator[D]:
        """Lend a driver to one thread; waits while as many use it as it serves at once."""
        driver = self[name]
        with self._lock:
            place = self._places.setdefault(name, threading.BoundedSemaphore(driver.parallel))
        with place, guarded(name):
            yield driver

    def watch(self, watch: Watch | None) -> None:
        """Let `watch` hear the exchanges of all drivers, those too that are opened later."""
        self._watch = watch
        for driver in list(self._open.values()):
            driver.watch = watch

    def close(self) -> None:
        """Close the drivers that were opened, all of them; raises what one of them raised."""
        opened, self._open = self._open, {}
        with ExitStack() as stack:
            for name, driver in opened.items():
                stack.enter_context(guarded(name))
                stack.callback(driver.close)

    def _opened(self, name: str) -> D:
        """Open a driver; whatever is wrong with its entry must not end what others do."""
        try:
            return self._make(name)
        except CloudmeshError:
            raise
        except Exception as error:
            entry = self._config[name]
            where = entry.where.at(entry.section, name)
            text = f"{where}: it cannot be opened: {type(error).__name__}: {error}"
            raise ConfigError(text) from error

    def _make(self, name: str) -> D:
        entry = self._config[name]
        try:
            driver = plugins.load(self.plugins, entry.driver)
        except CloudmeshError as error:
            where = entry.where.at(entry.section, name, "driver")
            raise type(error)(f"{where}: {error}") from error
        where = entry.where.at(entry.section, name)
        made: D = driver(name, build(driver.Settings, entry.resolved(), where=where))
        made.watch = self._watch
        return made


class Clouds(Drivers[Cloud]):
    """Drivers by the name of their cloud."""

    plugins = "providers"
    noun = "cloud"

    def __init__(self, config: Mapping[str, CloudConfig]) -> None:
        super().__init__(config)


class Queues(Drivers[Queue]):
    """Drivers by the name of their queue manager."""

    plugins = "queues"
    noun = "queue manager"

    def __init__(self, config: Mapping[str, QueueConfig]) -> None:
        super().__init__(config)
