"""A cloud that lives in memory (or in a file): the reference driver, for tests and try-outs.

It behaves as a good real cloud does: pages, boot times, idempotent starts, odd native keys. Its
settings make it behave as a bad one: slow, hanging, refusing, losing answers.
"""

import bisect
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import attrs

from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    near,
)
from cloudmesh_sdk.models import (
    Flavor,
    Health,
    Image,
    Keypair,
    Quota,
    Rule,
    SecurityGroup,
    Server,
    ServerRequest,
)
from cloudmesh_sdk.providers.base import (
    Cloud,
    HasConsole,
    HasKeypairs,
    HasQuotas,
    HasSecurityGroups,
    HasSuspend,
)
from cloudmesh_sdk.providers.memory import records
from cloudmesh_sdk.providers.memory.place import File, Heap, Place, Tables
from cloudmesh_sdk.providers.memory.settings import MemorySettings, check

R = TypeVar("R")


class MemoryFault(Exception):  # noqa: N818 - it stands for a foreign library's error
    """The memory cloud's own error, cause of the one that its settings ask for."""


class MemoryCloud(Cloud, HasKeypairs, HasSecurityGroups, HasConsole, HasQuotas, HasSuspend):
    """An account at a cloud that exists only here.

    Every object is a cloud of its own unless `file` is given: objects and processes that name the
    same file share one cloud.
    """

    Settings = MemorySettings
    parallel = 16

    def __init__(self, name: str, settings: MemorySettings | None = None) -> None:
        super().__init__(name)
        self._settings = settings = settings or MemorySettings()
        self._lose = settings.lose
        self._lock = threading.Lock()
        self._fault = check(settings, name)
        seed = partial(records.seed, settings.servers)
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

    def check(self) -> Health:
        self._call()
        self._place.read()
        return Health(service=self.name, version="memory 1", identity="you")

    def servers(self) -> Iterator[Server]:
        for row in self._pages("servers"):
            yield records.server(self.name, records.shown(row, datetime.now(UTC)))

    def images(self) -> Iterator[Image]:
        return self._records("images", records.image)

    def flavors(self) -> Iterator[Flavor]:
        return self._records("flavors", records.flavor)

    def server(self, id: str) -> Server:  # noqa: A002
        self._call()
        return self._record(_row(self._place.read(), "servers", id, self.name))

    def find(self, token: str) -> Server | None:
        self._call()
        tables = self._place.read()
        row = tables["servers"].get(tables["tokens"].get(token, ""))
        return None if row is None else self._record(row)

    def start(self, request: ServerRequest) -> Server:
        self._call()
        with self._place.change() as tables:
            row = self._known(tables, request.token) or self._born(tables, request)
        if self._lose > 0:
            self._lose -= 1
            raise BackendTimeoutError(f"{self.name}: no answer to the start") from MemoryFault(
                "lost"
            )
        return self._record(row)

    def delete(self, server: Server) -> None:
        self._call()
        with self._place.change() as tables:
            row = tables["servers"].pop(server.id, None)
            if row is not None:
                tables["deleted"][server.id] = {**row, "status": "DELETED"}

    def stop(self, server: Server) -> None:
        self._move(server, "SHUTOFF")

    def resume(self, server: Server) -> None:
        self._move(server, "RESUMING", unless=("ACTIVE", "BUILD", "REBOOT"))

    def reboot(self, server: Server) -> None:
        self._move(server, "REBOOT", only=("ACTIVE", "REBOOT"))

    def suspend(self, server: Server) -> None:
        self._move(server, "SUSPENDED", only=("ACTIVE", "SUSPENDED"))

    def console(self, server: Server) -> str:
        row = self.server(server.id).native
        booted = f"cloudmesh memory cloud {self.name}\n{row['name']} login: "
        return "" if row["status"] == "BUILD" else booted

    def quotas(self) -> Iterator[Quota]:
        self._call()
        tables = self._place.read()
        used = [tables["flavors"][row["flavor"]["id"]] for row in tables["servers"].values()]
        limits = {
            "servers": (len(used), self._settings.quota),
            "vcpus": (sum(flavor["vcpus"] for flavor in used), None),
            "ram": (sum(flavor["ram"] for flavor in used), None),
        }
        for name, (count, limit) in limits.items():
            native = {"name": name, "in_use": count, "limit": -1 if limit is None else limit}
            yield Quota(cloud=self.name, name=name, used=count, limit=limit, native=native)

    def keypairs(self) -> Iterator[Keypair]:
        return self._records("keypairs", records.keypair)

    def upload_key(self, name: str, public_key: str) -> Keypair:
        mark = records.fingerprint(public_key)
        self._call()
        with self._place.change() as tables:
            known = tables["keypairs"].get(name)
            if known and known["fingerprint"] != mark:
                raise ConflictError(f"{self.name} has another key named {name}; delete it first")
            row = known or {"name": name, "public_key": public_key.strip(), "fingerprint": mark}
            tables["keypairs"] = dict(sorted({**tables["keypairs"], name: row}.items()))
        return records.keypair(self.name, row)

    def delete_key(self, name: str) -> None:
        self._call()
        with self._place.change() as tables:
            tables["keypairs"].pop(name, None)

    def security_groups(self) -> Iterator[SecurityGroup]:
        return self._records("groups", records.security_group)

    def create_security_group(self, name: str, description: str) -> SecurityGroup:
        self._call()
        with self._place.change() as tables:
            if name in _names(tables["groups"]):
                raise ConflictError(f"{self.name} has a security group named {name} already")
            number = f"sg-{_next(tables, 'group'):08x}"
            row = tables["groups"][number] = records.group(number, name, description)
        return records.security_group(self.name, row)

    def delete_security_group(self, group: SecurityGroup) -> None:
        self._call()
        with self._place.change() as tables:
            tables["groups"].pop(group.id, None)

    def allow(self, group: SecurityGroup, rule: Rule) -> None:
        self._rules(group, lambda rules: [*rules, rule] if rule not in rules else rules)

    def revoke(self, group: SecurityGroup, rule: Rule) -> None:
        self._rules(group, lambda rules: [known for known in rules if known != rule])

    def _rules(self, group: SecurityGroup, change: Callable[[list[Rule]], list[Rule]]) -> None:
        self._call()
        with self._place.change() as tables:
            row = _row(tables, "groups", group.id, self.name)
            rules = change([Rule(**entry) for entry in row["security_group_rules"]])
            entries = [attrs.asdict(known) for known in rules]
            tables["groups"][group.id] = {**row, "security_group_rules": entries}

    def _known(self, tables: Tables, token: str) -> dict[str, Any] | None:
        """Return the server that this token made, even one that is deleted by now."""
        number = tables["tokens"].get(token, "")
        return tables["servers"].get(number) or tables["deleted"].get(number)

    def _born(self, tables: Tables, request: ServerRequest) -> dict[str, Any]:
        _row(tables, "images", request.image, self.name)
        _row(tables, "flavors", request.flavor, self.name)
        if request.key is not None:
            _row(tables, "keypairs", request.key, self.name)
        groups = _names(tables["groups"]) | set(tables["groups"])
        if unknown := set(request.security_groups) - groups:
            raise InvalidRequestError(
                f"{self.name} has no security group {min(unknown)}; {near(min(unknown), groups)}"
            )
        quota = self._settings.quota
        if quota is not None and len(tables["servers"]) >= quota:
            raise QuotaError(f"{self.name} allows {quota} servers and has as many")
        number, ready = _next(tables, "server"), records.later(self._settings.boot)
        row = records.born(request, number, ready=ready, now=records.later(0))
        tables["servers"][row["id"]] = row
        tables["tokens"][request.token] = row["id"]
        return row

    def _move(
        self,
        server: Server,
        status: str,
        *,
        only: tuple[str, ...] = (),
        unless: tuple[str, ...] = (),
    ) -> None:
        self._call()
        with self._place.change() as tables:
            row = _row(tables, "servers", server.id, self.name)
            found = records.shown(row, datetime.now(UTC))["status"]
            if only and found not in only:
                raise ConflictError(f"{server.name} is {found}; that needs {' or '.join(only)}")
            if found not in unless:
                ready = records.later(self._settings.boot)
                tables["servers"][server.id] = records.moved(row, status, ready)

    def _record(self, row: dict[str, Any]) -> Server:
        return records.server(self.name, records.shown(row, datetime.now(UTC)))

    def _records(self, kind: str, convert: Callable[[str, dict[str, Any]], R]) -> Iterator[R]:
        return (convert(self.name, row) for row in self._pages(kind))

    def _pages(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield the documents of a kind, a call for every page, each after the last id seen."""
        last = ""
        while True:
            self._call()
            table = self._place.read()[kind]
            ids = list(table)
            begin = bisect.bisect_right(ids, last) if last else 0
            page = ids[begin : begin + self._settings.page]
            yield from (table[number] for number in page)
            if len(page) < self._settings.page:
                return
            last = page[-1]

    def _call(self) -> None:
        """Count a request, and behave as badly as the settings say."""
        with self._lock:
            self.calls += 1
        wait, timeout = self._settings.latency + self._settings.hang, self._settings.timeout
        if wait:
            time.sleep(min(wait, timeout))
        if wait > timeout:
            text = f"{self.name} did not answer within {timeout:g} s"
            raise BackendTimeoutError(text) from MemoryFault("hangs")
        if self._fault:
            kind = self._fault.__name__
            raise self._fault(f"{self.name} was told to fail with {kind}") from MemoryFault(kind)


def _row(tables: Tables, kind: str, number: str, cloud: str) -> dict[str, Any]:
    row: dict[str, Any] | None = tables[kind].get(number)
    if row is None:
        hint = near(number, tables[kind])
        raise NotFoundError(f"{cloud} has no {kind.removesuffix('s')} with id {number}; {hint}")
    return row


def _names(table: dict[str, Any]) -> set[str]:
    return {row["name"] for row in table.values()}


def _next(tables: Tables, counter: str) -> int:
    tables["last"][counter] += 1
    return int(tables["last"][counter])
