"""Native data comes back equal from MongoDB, whatever a cloud may send."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import bson
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.masking import hidden
from cloudmesh_sdk.models import Server, ServerState
from cloudmesh_sdk.store.base import Query
from cloudmesh_sdk.store.mongo import MongoStore
from cloudmesh_sdk.store.mongo.escape import EXACT, MARK, pack, unpack

OWNER = "natives"
NOW = datetime(2026, 3, 1, tzinfo=UTC)

_texts = st.text(alphabet=st.characters(exclude_categories=()), max_size=8) | st.sampled_from(
    ["", "$set", "a.b", ".", "$", "_id", "\0", MARK, f"{MARK}i1", f"{MARK}x24;", "\ud800", "0"]
)
_times = st.datetimes(
    min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - naive ones too
    timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30))]),
)  # fmt: skip
_keys = _texts | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _texts | _times
    | st.binary(max_size=8) | st.dates() | st.decimals(allow_nan=False) | st.uuids(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def record(native: dict[Any, Any], number: int = 1) -> Server:
    return Server(
        cloud="india", id=f"i-{number}", name="web", state=ServerState.RUNNING, native=native
    )


@pytest.fixture(scope="module")
def store(server: MongoStore.Settings) -> Iterator[MongoStore]:
    opened = MongoStore(server)
    with opened:
        yield opened


@given(native=st.dictionaries(_keys, _values, max_size=5))
@settings(max_examples=300, deadline=None)
def test_what_is_packed_is_unpacked_equal(native: dict[Any, Any]) -> None:
    document = bson.decode(pack({"_id": "x", "n": native}), EXACT)
    assert unpack(document, "n") == native


@given(native=st.dictionaries(_keys, _values, max_size=5))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_stored_is_found_equal(store: MongoStore, native: dict[Any, Any]) -> None:
    store.view.replace(OWNER, "india", "servers", [record(native)], started=NOW)
    (found,) = store.view.find(OWNER, "servers", Query())
    assert dict(found.native) == hidden(native)  # keys that name a secret may be among them


@pytest.mark.parametrize(
    "value",
    [
        2**63, -(2**63) - 1, 10**40, 2**53 + 1, -0.0, float("inf"),
        datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=UTC), datetime(2026, 1, 1),  # noqa: DTZ001
        datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
        date(2026, 1, 1), Decimal("1.10"), UUID(int=1), b"\0\xff", "\ud83d", "a\0b", True, None,
    ],
)  # fmt: skip
def test_values_keep_their_type(value: Any) -> None:
    document = bson.decode(pack({"n": {"v": value, "": [value]}}), EXACT)
    found = unpack(document, "n")
    assert found == {"v": value, "": [value]}
    assert type(found["v"]) is type(value)
    if isinstance(value, datetime):
        assert found["v"].tzinfo == value.tzinfo


def test_tuples_come_back_as_lists() -> None:
    document = bson.decode(pack({"n": {"v": (1, (2,))}}), EXACT)
    assert unpack(document, "n") == {"v": [1, [2]]}


@pytest.mark.parametrize("odd", [object(), {1, 2}, {("a", "b"): 1}, print])
def test_what_is_no_plain_data_is_refused_by_name(store: MongoStore, odd: Any) -> None:
    with pytest.raises(StoreError, match="cannot be stored"):
        store.view.put(OWNER, record({"odd": odd}))


def test_native_nested_too_deeply_is_refused(store: MongoStore) -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"d": deep}
    with pytest.raises(StoreError):
        store.view.put(OWNER, record(deep))


@pytest.mark.parametrize("how", ["put", "replace"])
def test_native_of_more_than_16_mb_is_refused_in_one_line(store: MongoStore, how: str) -> None:
    row = record({"description": "x" * 17_000_000})
    put, replace = store.view.put, store.view.replace
    keep: Callable[[], object] = {
        "put": lambda: put(OWNER, row),
        "replace": lambda: replace(f"{OWNER}-2", "india", "servers", [row], started=NOW),
    }[how]
    with pytest.raises(StoreError) as caught:
        keep()
    assert "16 MB" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("native", "path", "asked"),
    [
        ({"a.b": {"$c": 1}}, ("native", "a.b", "$c"), 1),
        ({"": {"": 2}}, ("native", "", ""), 2),
        ({22: {True: "x"}}, ("native", 22, True), "x"),
        ({"list": [{"k.k": 5}]}, r"native.list.k\.k", 5),
        ({"list": ["a", "b"]}, ("native", "list", 1), "b"),
        ({None: 1}, ("native", None), 1),
        ({1.5: "f"}, ("native", 1.5), "f"),
        ({MARK: {"x": 1}}, ("native", MARK, "x"), 1),
        ({"big": 2**70}, "native.big", 2**70),
        ({"at": NOW}, "native.at", {"$gte": NOW}),
        ({"a": {"$x": [1]}}, "native.a", {"$eq": {"$x": [1]}}),
    ],
)
def test_odd_paths_find_their_record_alone(
    store: MongoStore, native: dict[Any, Any], path: Any, asked: Any
) -> None:
    rows = [record({"other": 1}, 0), record(native, 1)]
    store.view.replace(OWNER, "india", "servers", rows, started=NOW)
    found = store.view.find(OWNER, "servers", Query(where={path: asked}))
    assert [row.id for row in found] == ["i-1"]


def test_tags_with_odd_keys_are_found(store: MongoStore) -> None:
    row = Server(
        cloud="india", id="i-1", name="web", state=ServerState.RUNNING,
        tags={"kubernetes.io/cluster": "owned", "$x": "1"},
    )  # fmt: skip
    store.view.put("tags", row)
    query = Query(where={("tags", "kubernetes.io/cluster"): "owned", ("tags", "$x"): "1"})
    assert store.view.find("tags", "servers", query) == [row]
