"""What all stores find alike: the same answers to the same odd questions, or the same refusal."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import Server, ServerState
from cloudmesh_sdk.store.base import Query, Store
from cloudmesh_sdk.store.memory import MemoryStore
from cloudmesh_sdk.testing.stores import StoreFixtures, server

_T = datetime(2026, 1, 1, tzinfo=UTC)
_INDIA = timezone(timedelta(hours=5, minutes=30))
_SCALARS = (
    None, True, False, 0, 1, 1.0, 2, 1.5, -1, "1", "", "a", "b", "A1", "é1", "true", b"x",
    _T, _T + timedelta(hours=1), _T.astimezone(_INDIA),
)  # fmt: skip
_KEYS = ("a", "b", "0", "1", "c.d", "$x", "ä")
_PATHS: tuple[Any, ...] = (
    "name", "state", "image", "flavor", "public_ips", "public_ips.0", "tags", "tags.k",
    ("tags", "k.l"), "created", "missing", "seen", "stale", "zone", "id", "token",
)  # fmt: skip
_SORTS = (
    "name", "-cloud", "public_ips", "-tags", "-image", "created", "-created", "native.a", "-zone",
    "-seen", "state", "-missing", "private_ips",
)  # fmt: skip
_PATTERNS = ("a", "^1$", "[aé]", r"\w1", "(?i)a", r"^\d", ".", r"\bA", "1$|^tr")
_RANGES = ("$gt", "$gte", "$lt", "$lte")


class _Asker:
    """Makes records and questions up; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)  # noqa: S311 - no secret
        self._pick = self._source.choice

    def record(self, number: int, cloud: str) -> Server:
        some = self._source.sample
        return Server(
            cloud=cloud, id=f"i-{number}", name=self._pick("uvw"),
            state=self._pick([*ServerState]), image=self._pick([None, "x", "y"]),
            zone=self._pick([None, "z"]),
            public_ips=tuple(some(["1.2", "2.3", "0.1"], self._source.randint(0, 2))),
            tags={key: self._pick("pq") for key in some(["k", "k.l", "$m"], self._pick([0, 1, 2]))},
            created=self._pick([None, _T + timedelta(microseconds=self._pick(range(5000)))]),
            native=self._mapping(0),
        )  # fmt: skip

    def query(self) -> Query:
        return Query(
            where={self._path(): self._ask() for _ in range(self._pick([1, 1, 2]))},
            missing=self._pick([True, False]),
            sort=tuple(self._source.sample(_SORTS, self._pick([0, 1, 2, 3]))),
            limit=self._pick([None, None, 0, 5]),
        )

    def _mapping(self, depth: int) -> dict[str, Any]:
        return {self._pick(_KEYS): self._value(depth) for _ in range(self._pick(range(5)))}

    def _value(self, depth: int = 1) -> Any:
        kind = self._source.random()
        if depth > 2 or kind < 0.5:
            return self._pick(_SCALARS)
        if kind < 0.75:
            return [self._value(depth + 1) for _ in range(self._pick(range(4)))]
        return self._mapping(depth + 1)

    def _path(self) -> Any:
        if self._pick([True, False, False]):
            return self._pick(_PATHS)
        return ("native", *(self._pick(_KEYS) for _ in range(self._pick([1, 2, 3]))))

    def _ask(self) -> Any:
        if self._pick([True, False, False]):
            return self._pick([self._pick(_SCALARS), {"$eq": self._value()}])
        operators = ["$eq", "$ne", *_RANGES, "$in", "$nin", "$regex", "$exists"]
        chosen = self._source.sample(operators, self._pick([1, 1, 2]))
        return {operator: self._wanted(operator) for operator in chosen}

    def _wanted(self, operator: str) -> Any:
        if operator in ("$in", "$nin"):
            return [self._value() for _ in range(self._pick(range(4)))]
        if operator in _RANGES:
            odd = _T + timedelta(microseconds=self._pick(range(-2000, 6000)))
            return self._pick([1, 1.5, "a", "", odd, odd.astimezone(_INDIA)])
        choices: Mapping[str, Any] = {"$regex": _PATTERNS, "$exists": (True, False)}
        return self._pick(choices.get(operator, _SCALARS))


class MatchingSuite(StoreFixtures):
    """Promises of `Query`: what it means does not depend on the store."""

    @pytest.mark.parametrize("seed", range(3))
    def test_odd_questions_have_one_answer(self, store: Store, owner: str, seed: int) -> None:
        asker, reference = _Asker(seed), MemoryStore()
        for cloud in ("india", "india-2", "sierra"):
            rows = [asker.record(number, cloud) for number in range(40)]
            for view in (store.view, reference.view):
                view.replace(owner, cloud, "servers", rows, started=_T)
                view.replace(owner, cloud, "servers", rows[4:], started=_T + timedelta(days=1))
        found = 0
        for _ in range(250):
            query = asker.query()
            got, expected = (
                [(r.cloud, r.id) for r in view.find(owner, "servers", query)]
                for view in (store.view, reference.view)
            )
            assert got == expected, query
            found += bool(got)
        assert found > 20, "these questions ask nothing"

    @pytest.mark.parametrize(
        ("native", "path", "asked", "fits"),
        [
            (True, "v", 1, False),
            (1, "v", True, False),
            (1, "v", 1.0, True),
            ([[1]], "v", 1, False),
            ([[1]], "v", [1], True),
            ([{"a": 1}, {"b": 2}], "v.a", None, True),
            ([{"a": 1}, {"b": 2}], "v.a", {"$exists": True}, True),
            ([1, 2], "v.a", {"$exists": False}, True),
            ([1, 2], "v.1", 2, True),
            ([[1, 2]], "v.0", 1, False),
            ({"x": 1, "y": 2}, "v", {"$eq": {"y": 2, "x": 1}}, False),
            (None, "v", {"$exists": True}, True),
            (None, "w", {"$exists": True}, False),
            (_T, "v", _T + timedelta(microseconds=7), True),
            (_T, "v", _T.astimezone(_INDIA), True),
            ("ü", "v", {"$regex": r"^\w$"}, False),
        ],
    )
    def test_a_question_means_what_mongodb_means(
        self, store: Store, owner: str, native: Any, path: str, asked: Any, *, fits: bool
    ) -> None:
        store.view.put(owner, server(1, native={"v": native}))
        query = Query(where={f"native.{path}": asked})
        assert len(store.view.find(owner, "servers", query)) == fits

    @pytest.mark.parametrize("asked", ["created", "seen"])
    def test_times_are_found_by_the_clock_as_it_is(
        self, store: Store, owner: str, asked: str
    ) -> None:
        now = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
        store.view.put(owner, server(1, created=now, seen=now, tags={"a.b": "odd"}))
        for where, fits in (
            ({"$gt": now - timedelta(hours=1, microseconds=7)}, True),
            ({"$gt": now + timedelta(hours=1, microseconds=7)}, False),
            ({"$lte": now}, True),
            (now, True),
        ):
            found = store.view.find(owner, "servers", Query(where={asked: where}))
            assert len(found) == fits, where

    def test_missing_is_absent_from_what_is_there(
        self, store: Store, owner: str, now: datetime
    ) -> None:
        store.view.replace(owner, "india", "servers", [server(1), server(2)], started=now)
        later = now + timedelta(seconds=1)
        store.view.replace(owner, "india", "servers", [server(1)], started=later)
        for exists, ids in ((False, ["i-1"]), (True, ["i-2"])):
            query = Query(where={"missing": {"$exists": exists}}, missing=True)
            assert [row.id for row in store.view.find(owner, "servers", query)] == ids

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ({"where": {"created": {"$gt": datetime(2026, 1, 1)}}}, "time zone"),  # noqa: DTZ001
            ({"where": {"native.at": datetime(2026, 1, 1)}}, "time zone"),  # noqa: DTZ001
            ({"where": {"native.at": {"$in": [datetime(2026, 1, 1)]}}}, "time zone"),  # noqa: DTZ001
            ({"where": {"native.n": {"$gt": None}}}, "wants a number"),
            ({"where": {"native.n": {"$lt": [1]}}}, "wants a number"),
            ({"where": {"native.n": {"$gte": True}}}, "wants a number"),
            ({"where": {"native.n": float("nan")}}, "NaN"),
            ({"where": {"native.n": object()}}, "no plain data"),
            ({"where": {"native.n": {"$exists": "no"}}}, "True or False"),
            ({"where": {"native.n": {"$regex": b"x"}}}, "text"),
            ({"where": {"nmae": "x"}}, "did you mean name"),
            ({"sort": ("nmae",)}, "did you mean name"),
            ({"sort": ("-nmae.x",)}, "did you mean name"),
            ({"limit": -1}, "0 or more"),
            ({"clouds": "india"}, "list of names"),
            ({"names": "web"}, "list of names"),
        ],
    )
    def test_what_is_not_promised_is_refused_even_where_nothing_is_stored(
        self, store: Store, owner: str, query: dict[str, Any], words: str
    ) -> None:
        with pytest.raises(StoreError, match=words) as caught:
            store.view.find(owner, "servers", Query(**query))
        assert "\n" not in str(caught.value)

    def test_an_unknown_kind_is_refused(self, store: Store, owner: str) -> None:
        with pytest.raises(StoreError, match="did you mean servers"):
            store.view.find(owner, "server", Query())

    def test_no_operations_are_asked_for_below_zero(self, store: Store, owner: str) -> None:
        with pytest.raises(StoreError, match="0 or more"):
            store.journal.find(owner=owner, limit=-1)
