"""What a cloud's lists promise: all pages, few requests, sound records."""

import inspect
import json
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import attrs
import pytest

from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.models import Flavor, Health, Image, Record, Server, ServerState
from cloudmesh_sdk.options import describe
from cloudmesh_sdk.providers.base import Cloud
from cloudmesh_sdk.testing.clouds import CloudFixtures, Many
from cloudmesh_sdk.testing.suite import wanted

R = TypeVar("R", bound=Record)

LISTS: dict[str, type[Record]] = {"servers": Server, "images": Image, "flavors": Flavor}
"""The lists that every cloud has."""

_PLAIN = (str, int, float, bool, type(None))


def check_plain(value: Any, path: str = "native") -> None:
    """Assert that a value is plain data: it could be kept, sent and compared anywhere."""
    if isinstance(value, dict):
        for key, item in value.items():
            assert isinstance(key, str | int), f"{path}: key {key!r} is no text or number"
            check_plain(item, f"{path}[{key!r}]")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            check_plain(item, f"{path}[{number}]")
    else:
        assert type(value) in _PLAIN, f"{path} is a {type(value).__name__}, no plain data"


def check_record(record: Record, kind: type[Record], cloud: str) -> None:
    """Assert what every record promises: whose it is, who it is, native data, aware times."""
    assert type(record) is kind
    assert record.cloud == cloud
    assert record.id
    assert isinstance(record.id, str)
    assert isinstance(record.name, str)
    assert record.native, f"{record.id}: native is empty"
    native = dict(record.native)
    check_plain(native)
    json.dumps(native)
    for field in attrs.fields(kind):
        value = getattr(record, field.name)
        if isinstance(value, datetime):
            assert value.utcoffset() is not None, f"{record.id}: {field.name} has no time zone"


def check_list(cloud: Cloud, ask: Callable[[], Iterable[R]], kind: type[R]) -> list[R]:
    """Return a list that is sound, is not empty, and costs one request; else assert."""
    list(ask())  # a login may be due
    before = cloud.calls
    rows = list(ask())
    assert cloud.calls - before == 1, f"{kind.kind}: {cloud.calls - before} requests for one page"
    assert rows, f"{kind.kind}: empty, so nothing was tried"
    for row in rows:
        check_record(row, kind, cloud.name)
    ids = [row.id for row in rows]
    assert len(set(ids)) == len(ids), f"{kind.kind}: two records with one id"
    return rows


class ListPromises(CloudFixtures):
    """Promises of a cloud's lists, and of the driver object itself."""

    budget: ClassVar[dict[str, int]] = {"servers": 3, "images": 3, "flavors": 3, "keypairs": 3}
    """List → most requests for two and a half pages, a login included."""

    @pytest.fixture
    def many(self) -> Many:
        """Give a cloud with 2.5 pages of servers (and of what else it pages)."""
        wanted(self, "many", "Many(cloud, counts): a cloud with 2.5 pages of servers")

    def test_paging_is_followed_to_the_end(self, many: Many) -> None:
        assert "servers" in many.counts
        for name, count in many.counts.items():
            ids = [record.id for record in getattr(many.cloud, name)()]
            assert len(set(ids)) == len(ids), f"{name}: the same record came twice"
            assert len(ids) == count, f"{name}: the list is cut or too long"

    def test_lists_stay_within_their_budget(self, many: Many) -> None:
        for name in many.counts:
            before = many.cloud.calls
            list(getattr(many.cloud, name)())
            spent = many.cloud.calls - before
            assert spent >= 2, f"{name}: {spent} requests counted for 2.5 pages"
            assert spent <= self.budget[name], f"{name}: {spent} requests for 2.5 pages"

    def test_opening_sends_nothing(self, cloud: Cloud) -> None:
        assert cloud.calls == 0

    def test_check_names_the_service(self, cloud: Cloud) -> None:
        health = cloud.check()
        assert isinstance(health, Health)
        assert health.service == cloud.name
        assert cloud.calls > 0, "check asked nobody, or does not count"

    def test_records_are_sound(self, cloud: Cloud, started: Callable[..., Server]) -> None:
        started()
        for name, kind in LISTS.items():
            records = list(getattr(cloud, name)())
            assert records, f"{name}: empty, so nothing was tried"
            for record in records:
                check_record(record, kind, cloud.name)
            ids = [record.id for record in records]
            assert len(set(ids)) == len(ids), f"{name}: two records with one id"

    def test_listed_twice_is_equal(self, cloud: Cloud, started: Callable[..., Server]) -> None:
        mine = {self.seen(cloud, started()).id}
        for name in LISTS:
            once, again = ({r.id: r for r in getattr(cloud, name)()} for _ in range(2))
            # others may be at work in the same account: of servers, only ours stands still
            kept = mine if name == "servers" else once.keys() & again.keys()
            assert kept
            for key in kept:
                assert once[key] == again[key]
                assert dict(once[key].native) == dict(again[key].native)

    def test_servers_name_images_and_flavors_as_the_lists_do(
        self, cloud: Cloud, started: Callable[..., Server]
    ) -> None:
        started()
        images = {image.id for image in cloud.images()}
        flavors = {word for flavor in cloud.flavors() for word in (flavor.id, flavor.name)}
        mine = [server for server in cloud.servers() if server.state is ServerState.RUNNING]
        assert {server.image for server in mine} <= images | {None}
        assert {server.flavor for server in mine} <= flavors | {None}

    def test_one_server_is_as_in_the_list(
        self, cloud: Cloud, started: Callable[..., Server]
    ) -> None:
        server = started()
        assert cloud.server(server.id) == self.seen(cloud, server)

    def test_settings_are_described(self, cloud: Cloud) -> None:
        settings = type(cloud).Settings
        for option in describe(settings).values():
            assert option.help, f"{settings.__name__}.{option.name} has no help"
            assert option.help.strip() == option.help
        if fields := attrs.fields(settings):
            blank: object = object.__new__(settings)
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                setattr(blank, fields[0].name, 1)

    def test_secret_settings_have_no_repr(self, cloud: Cloud) -> None:
        settings = type(cloud).Settings
        secret = {option.name for option in describe(settings).values() if option.secret}
        assert [f.name for f in attrs.fields(settings) if f.name in secret and f.repr] == []

    def test_closing_twice_is_no_error(self, cloud: Cloud) -> None:
        with cloud as same:
            assert same is cloud
            list(cloud.flavors())
        cloud.close()

    def test_threads_may_share_it_as_it_says(
        self, cloud: Cloud, started: Callable[..., Server]
    ) -> None:
        server = started()
        parallel = min(type(cloud).parallel, 8)
        assert parallel >= 1
        got: list[list[str]] = []
        wrong: list[CloudmeshError] = []
        before, rounds = cloud.calls, 4

        def look() -> None:
            try:
                for _ in range(rounds):
                    got.append([row.id for row in cloud.servers()])
            except CloudmeshError as error:
                wrong.append(error)

        threads = [threading.Thread(target=look) for _ in range(parallel)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert len(got) == parallel * rounds
        assert all(server.id in ids for ids in got)
        assert cloud.calls - before >= parallel * rounds, "requests were not counted"

    def test_lists_need_no_argument(self, cloud: Cloud) -> None:
        for name in LISTS:
            assert not inspect.signature(getattr(cloud, name)).parameters
