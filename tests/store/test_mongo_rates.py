"""Rates in MongoDB: one command a place, hardly any where nothing is slowed, a clock set back."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from tests.store.test_mongo_changes import Commands

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.store.mongo import MongoStore, connection, rates

HOUR = 3600.0


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Commands:
    listener = Commands()
    monkeypatch.setattr(connection, "MongoClient", partial(MongoClient, event_listeners=[listener]))
    return listener


@pytest.fixture
def store(server: MongoStore.Settings, listener: Commands) -> Iterator[MongoStore]:
    with MongoStore(server) as opened:
        yield opened


@pytest.fixture
def scope() -> str:
    return f"india/{uuid4().hex[:12]}"


def _asked(listener: Commands) -> list[str]:
    return [command for command, collection in listener.told if collection == "rates"]


def test_a_place_is_one_command(store: MongoStore, listener: Commands, scope: str) -> None:
    store.rates.reserve(scope, 1000, within=math.inf)
    listener.told.clear()
    store.rates.reserve(scope, 1000, within=math.inf)
    assert listener.told == [("findAndModify", "rates")]


def test_where_nothing_is_slowed_the_store_is_hardly_asked(
    store: MongoStore, listener: Commands, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "AGE", HOUR)
    assert {store.rates.slowed(f"{scope}-{number % 9}") for number in range(500)} == {0}
    assert _asked(listener) == ["find"]


def test_operations_of_a_cloud_without_a_rate_ask_for_no_place(
    store: MongoStore, listener: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "AGE", HOUR)
    config = Config.parse("clouds: {india: {driver: memory}}")
    mesh = Mesh(config, store, user=uuid4().hex)
    mesh.start(name="w-[01-20]", cloud="india").complete()
    assert _asked(listener) == ["find"]
    limited = Config.parse("clouds: {delhi: {driver: memory, limits: {rate: 1000}}}")
    listener.told.clear()
    Mesh(limited, store, user=uuid4().hex).start(name="w-[01-20]", cloud="delhi").complete()
    assert set(_asked(listener)) <= {"find", "findAndModify"}
    assert _asked(listener).count("findAndModify") == 20


def test_what_this_process_was_refused_it_knows_at_once(
    store: MongoStore, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "AGE", HOUR)
    assert store.rates.slowed(scope) == 0
    store.rates.throttled(scope, None, ago=0, pace=5, retry_after=None)
    assert store.rates.slowed(scope) == 1


@pytest.mark.parametrize(("ahead", "steps"), [(0, 2), (2 * HOUR, 0)])
def test_a_clock_that_was_set_back_keeps_nobody_waiting(
    store: MongoStore, scope: str, ahead: float, steps: int
) -> None:
    store.rates.throttled(scope, None, ago=0, pace=5, retry_after=200)
    with store._connection.use() as database:
        database["rates"].update_one(
            {"_id": scope},
            {"$inc": dict.fromkeys(("at", "next", "cut", "opens"), ahead)},
        )
    place = store.rates.reserve(scope, 0.01, within=math.inf)
    assert round(place.wait / 100) == steps
    assert place.slowing == 1, "who holds an older place need not know"


def test_a_store_that_is_gone_is_told_of(
    store: MongoStore, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    calls: list[Callable[[], Any]] = [
        lambda: store.rates.slowed(scope),
        lambda: store.rates.reserve(scope, 1, within=1),
        lambda: store.rates.throttled(scope, 1, ago=0, pace=1, retry_after=None),
    ]
    for call in calls:
        with pytest.raises(StoreError):
            call()
