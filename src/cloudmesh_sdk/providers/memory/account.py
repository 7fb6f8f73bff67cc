"""An account at the memory cloud: requests that are counted, told of and made to fail."""

import bisect
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from cloudmesh_sdk.errors import BackendError, BackendTimeoutError
from cloudmesh_sdk.models import Server
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.providers.memory import documents, records
from cloudmesh_sdk.providers.memory.documents import Document
from cloudmesh_sdk.providers.memory.place import File, Heap, Place
from cloudmesh_sdk.providers.memory.settings import MemorySettings, check
from cloudmesh_sdk.wire import Exchange

R = TypeVar("R")
Look = Callable[[], dict[str, Any]]


class MemoryFault(Exception):  # noqa: N818 - it stands for a foreign library's error
    """The memory cloud's own error, cause of the one that its settings ask for."""


class Account(Cloud):
    """What all parts of the memory cloud have in common."""

    Settings = MemorySettings
    parallel: ClassVar[int] = 16

    def __init__(self, name: str, settings: MemorySettings | None = None) -> None:
        super().__init__(name)
        self._settings = settings = settings or MemorySettings()
        self._lose = settings.lose
        self._lock = threading.Lock()
        self._fault = check(settings, name)
        seed = partial(documents.seed, settings.servers)
        self._place: Place = Heap(seed)
        if settings.file:
            path = Path(settings.file).expanduser()
            self._place = File(path, seed, timeout=settings.timeout)

    @property
    def native(self) -> Place:
        """Where the documents are: `read()` to look, `with change() as tables` to meddle."""
        return self._place

    def __repr__(self) -> str:
        return f"MemoryCloud({self.name!r}, {self._settings!r})"

    def _ready(self) -> str:
        """Return when something that is begun now will be over."""
        return documents.later(self._settings.boot)

    def _answered(self) -> None:
        """Lose the answer to a start, if the settings say so."""
        if self._lose > 0:
            self._lose -= 1
            text = f"{self.name}: no answer to the start"
            raise BackendTimeoutError(text) from MemoryFault("lost")

    def _record(self, row: Document) -> Server:
        return records.server(self.name, documents.shown(row, datetime.now(UTC)))

    def _records(self, kind: str, convert: Callable[[str, Document], R]) -> Iterator[R]:
        return (convert(self.name, row) for row in self._pages(kind))

    def _pages(self, kind: str, look: Look | None = None) -> Iterator[Document]:
        """Yield documents, a call for every page, each after the last id seen.

        They are those of a kind, or those that `look` gives.
        """
        last = ""
        while True:
            self._call("GET", f"/{kind}")
            table = look() if look else self._place.read()[kind]
            ids = list(table)
            begin = bisect.bisect_right(ids, last) if last else 0
            page = ids[begin : begin + self._settings.page]
            yield from (table[number] for number in page)
            if len(page) < self._settings.page:
                return
            last = page[-1]

    def _call(self, method: str, path: str) -> None:
        """Count a request, tell of it, and behave as badly as the settings say."""
        with self._lock:
            self.calls += 1
        begun = time.monotonic()
        try:
            self._suffer()
        except BackendError as error:
            self._tell(method, path, time.monotonic() - begun, error)
            raise
        self._tell(method, path, time.monotonic() - begun)

    def _suffer(self) -> None:
        wait, timeout = self._settings.latency + self._settings.hang, self._settings.timeout
        if wait:
            time.sleep(min(wait, timeout))
        if wait > timeout:
            text = f"{self.name} did not answer within {timeout:g} s"
            raise BackendTimeoutError(text) from MemoryFault("hangs")
        if self._fault:
            kind = self._fault.__name__
            raise self._fault(f"{self.name} was told to fail with {kind}") from MemoryFault(kind)

    def _tell(
        self, method: str, path: str, elapsed: float, error: BackendError | None = None
    ) -> None:
        if self.watch is None:
            return
        told = Exchange(
            cloud=self.name,
            service="memory",
            method=method,
            url=f"memory://{self.name}{path}",
            status=None if error else 200,
            error=str(error or ""),
            at=datetime.now(UTC) - timedelta(seconds=elapsed),
            elapsed=elapsed,
        )
        self.watch(told)
