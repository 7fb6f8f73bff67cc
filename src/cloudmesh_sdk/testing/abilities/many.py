"""What a cloud promises that starts many servers at once, and that tells what changed."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from cloudmesh_sdk.errors import (
    BackendTimeoutError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
)
from cloudmesh_sdk.models import Server, ServerRequest, ServerState
from cloudmesh_sdk.providers.base import Cloud, ListsChanges, StartsMany
from cloudmesh_sdk.testing.clouds import GONE, CloudFixtures, cost, flavor_words, order
from cloudmesh_sdk.testing.listing import check_record
from cloudmesh_sdk.testing.suite import wanted

Ordered = Callable[..., ServerRequest]
StartedMany = Callable[..., Sequence[Server]]


class ManySuite(CloudFixtures):
    """Promises of `StartsMany`."""

    @pytest.fixture
    def crowded(self) -> Cloud:
        """Give a cloud whose account has room for one server more, or two, but not for three."""
        wanted(self, "crowded", "a cloud whose account has no room for three servers more")

    @pytest.fixture
    def crowd(self, cloud: Cloud, ordered: Ordered) -> Iterator[StartedMany]:
        """Start so many servers with the given fields of a request; they are deleted at last."""
        made: dict[str, Server] = {}

        def crowd(count: int, **fields: Any) -> Sequence[Server]:
            assert isinstance(cloud, StartsMany)
            request = ordered(**fields)
            servers = cloud.start_many(request, cloud.names_of_many(request.name, count))
            made.update({server.id: server for server in servers})
            return servers

        yield crowd
        for server in made.values():
            cloud.delete(server)

    def test_names_of_many_are_told_before(self, cloud: Cloud) -> None:
        assert isinstance(cloud, StartsMany)
        names = list(cloud.names_of_many("kit", 12))
        assert len(set(names)) == 12
        assert all("kit" in name for name in names)
        assert list(cloud.names_of_many("kit", 12)) == names
        assert cloud.calls == 0

    def test_many_start_as_they_were_asked_for(
        self, cloud: Cloud, crowd: StartedMany, image: str, flavor: str
    ) -> None:
        assert isinstance(cloud, StartsMany)
        name, token = f"kit-{uuid4().hex[:12]}", uuid4().hex
        servers = crowd(3, name=name, token=token, tags={"owner": "ann"})
        names = list(cloud.names_of_many(name, 3))
        assert [server.name for server in servers] == names
        for server in servers:
            row = self.until(cloud, server, ServerState.RUNNING)
            check_record(row, Server, cloud.name)
            assert (row.name, row.image) == (server.name, image)
            assert row.flavor in flavor_words(cloud, flavor)
            assert row.tags["owner"] == "ann"
            assert row.token in (token, None)
        assert sorted(_alive(cloud, names)) == sorted(server.id for server in servers)

    def test_five_start_by_three_requests_at_most(self, cloud: Cloud, ordered: Ordered) -> None:
        assert isinstance(cloud, StartsMany)
        request, servers = ordered(), list[Server]()
        names = cloud.names_of_many(request.name, 5)
        try:
            assert cost(cloud, lambda: servers.extend(cloud.start_many(request, names))) <= 3
            assert len(servers) == 5
        finally:
            for server in servers:
                cloud.delete(server)

    def test_one_token_starts_one_set(self, cloud: Cloud, crowd: StartedMany) -> None:
        assert isinstance(cloud, StartsMany)
        name, token = f"kit-{uuid4().hex[:12]}", uuid4().hex
        first = [server.id for server in crowd(3, name=name, token=token)]
        for number in first:
            self.until(cloud, cloud.server(number), ServerState.RUNNING)
        assert [server.id for server in crowd(3, name=name, token=token)] == first
        assert sorted(_alive(cloud, cloud.names_of_many(name, 3))) == sorted(first)
        other = [server.id for server in crowd(3, name=name)]
        assert not {*other} & {*first}

    def test_a_token_finds_its_set(self, cloud: Cloud, crowd: StartedMany) -> None:
        assert isinstance(cloud, StartsMany)
        token = uuid4().hex
        servers = crowd(3, token=token)
        for server in servers:
            self.seen(cloud, server)
        assert {s.id for s in cloud.find_many(token)} == {s.id for s in servers}
        assert list(cloud.find_many(uuid4().hex)) == []

    @pytest.mark.parametrize("field", ["image", "flavor"])
    def test_many_of_what_is_not_there_are_refused(
        self, cloud: Cloud, crowd: StartedMany, field: str
    ) -> None:
        assert isinstance(cloud, StartsMany)
        name = f"kit-{uuid4().hex[:12]}"
        with pytest.raises((NotFoundError, InvalidRequestError)):
            crowd(3, name=name, **{field: self.absent})
        assert _alive(cloud, cloud.names_of_many(name, 3)) == []

    def test_many_start_all_or_none(self, crowded: Cloud) -> None:
        assert isinstance(crowded, StartsMany)
        request = order(crowded)
        names = crowded.names_of_many(request.name, 3)
        with pytest.raises(QuotaError):
            crowded.start_many(request, names)
        assert _alive(crowded, names) == []

    def test_many_whose_answer_was_lost_are_not_started_twice(self, lossy: Cloud) -> None:
        assert isinstance(lossy, StartsMany)
        request = order(lossy)
        names = lossy.names_of_many(request.name, 3)
        try:
            servers = lossy.start_many(request, names)
        except (BackendTimeoutError, UnavailableError):
            servers = lossy.start_many(request, names)
        try:
            for server in servers:
                self.seen(lossy, server)
            assert [server.name for server in servers] == list(names)
            assert sorted(_alive(lossy, names)) == sorted(server.id for server in servers)
        finally:
            for server in servers:
                lossy.delete(server)


class ChangeSuite(CloudFixtures):
    """Promises of `ListsChanges`."""

    @pytest.fixture
    def telling(self, cloud: Cloud) -> ListsChanges:
        """Return the cloud as one that tells what changed."""
        assert isinstance(cloud, ListsChanges)
        return cloud

    def test_nothing_new_costs_one_request(self, cloud: Cloud, telling: ListsChanges) -> None:
        list(telling.changes(datetime.now(UTC)))  # a login may be due
        soon = datetime.now(UTC)
        assert cost(cloud, lambda: list(telling.changes(soon))) == 1
        assert telling.complete_every > 0

    def test_a_start_a_stop_and_an_end_are_told(
        self, cloud: Cloud, telling: ListsChanges, started: Callable[..., Server]
    ) -> None:
        since = datetime.now(UTC)
        server = started()
        self._told(telling, since, server, ServerState.RUNNING)
        since = datetime.now(UTC)
        cloud.stop(server)
        self._told(telling, since, server, ServerState.STOPPED)
        since = datetime.now(UTC)
        cloud.delete(server)
        self._told(telling, since, server, ServerState.DELETED)

    def test_what_changed_is_told_as_the_list_tells_it(
        self, cloud: Cloud, telling: ListsChanges, started: Callable[..., Server]
    ) -> None:
        since = datetime.now(UTC)
        server = started(tags={"owner": "ann"})
        row = self._told(telling, since, server, ServerState.RUNNING)
        check_record(row, Server, cloud.name)
        assert row == self.seen(cloud, server)

    def test_an_old_list_and_its_changes_are_the_new_list(
        self, cloud: Cloud, telling: ListsChanges, started: Callable[..., Server]
    ) -> None:
        stopped, deleted = started(), started()
        since = datetime.now(UTC)
        old = {row.id: row for row in cloud.servers()}
        new = started()
        cloud.stop(stopped)
        cloud.delete(deleted)
        self.until(cloud, stopped, ServerState.STOPPED)
        self._told(telling, since, deleted, ServerState.DELETED)
        changes = {row.id: row for row in telling.changes(since)}
        merged = {key: row for key, row in {**old, **changes}.items() if row.state not in GONE}
        now = {row.id: row for row in cloud.servers() if row.state not in GONE}
        mine = {stopped.id, deleted.id, new.id}  # others may be at work in the same account
        assert {k: r for k, r in merged.items() if k in mine} == {
            key: row for key, row in now.items() if key in mine
        }

    def test_since_is_a_moment_not_a_text(
        self, telling: ListsChanges, started: Callable[..., Server]
    ) -> None:
        since = datetime.now(UTC) - timedelta(minutes=1)
        server = started()
        for hours in (-11, 14):
            there = since.astimezone(timezone(timedelta(hours=hours)))
            assert server.id in [row.id for row in telling.changes(there)]

    def _told(
        self, telling: ListsChanges, since: datetime, server: Server, state: ServerState
    ) -> Server:
        def told() -> list[Server]:
            return [row for row in telling.changes(since) if row.id == server.id]

        def holds(rows: list[Server]) -> bool:
            return [row.state for row in rows] == [state]

        return self.eventually(told, holds, f"{server.name} is told to be {state}")[0]


def _alive(cloud: Cloud, names: Sequence[str]) -> list[str]:
    rows = [row for row in cloud.servers() if row.name in names]
    return [row.id for row in rows if row.state not in GONE]
