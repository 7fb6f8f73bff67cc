"""What finding in a store's view promises: filters, paths with odd keys, operators, order."""

import itertools
from typing import Any

import pytest

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.models import ServerState
from cloudmesh_sdk.store.base import Query, Store
from cloudmesh_sdk.testing.stores import server
from cloudmesh_sdk.testing.views import ViewSuite


class QuerySuite(ViewSuite):
    """Promises of `View.find`: filters, paths, order."""

    @pytest.fixture(autouse=True)
    def rows(self, request: pytest.FixtureRequest) -> None:
        """Fill the view that the promises of this class ask."""
        if request.function.__name__.startswith("test_find_"):
            listed = request.getfixturevalue("listed")
            states = itertools.cycle((ServerState.RUNNING, ServerState.STOPPED))
            rows = [
                server(n, state=state, flavor=f"f{n}", tags={"n.n": str(n)}, native=_native(n))
                for n, state in zip(range(1, 6), states, strict=False)
            ]
            listed(*rows)
            listed(server(1, "sierra", native={"solo": 1}), cloud="sierra")

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({}, "12345s"),
            ({"clouds": ["india"]}, "12345"),
            ({"clouds": []}, ""),
            ({"names": ["web-002", "i-4"]}, "24"),
            ({"states": ["stopped"]}, "24"),
            ({"states": ["running"], "clouds": ["india"], "names": ["web-001"]}, "1"),
            ({"sort": ("-name", "cloud")}, "54321s"),
            ({"sort": ("-cloud", "name")}, "s12345"),
            ({"sort": ("-cloud", "-name"), "limit": 3}, "s54"),
            ({"limit": 0}, ""),
            ({"limit": 2}, "12"),
        ],
    )
    def test_find_filters_and_sorts(
        self, store: Store, owner: str, query: dict[str, Any], expected: str
    ) -> None:
        assert self._found(store, owner, **query) == expected

    @pytest.mark.parametrize(
        ("path", "asked", "expected"),
        [
            ("native.number", 3, "3"),
            ("native.number", {"$eq": 3}, "3"),
            ("native.number", {"$ne": 3, "$exists": True}, "1245"),
            ("native.number", {"$gt": 3}, "45"),
            ("native.number", {"$gte": 3}, "345"),
            ("native.number", {"$lt": 3}, "12"),
            ("native.number", {"$lte": 3}, "123"),
            ("native.number", {"$gt": 1, "$lt": 4}, "23"),
            ("native.number", {"$in": [1, 5, 9]}, "15"),
            ("native.number", {"$nin": [1, 5, 9], "$exists": True}, "234"),
            ("native.number", {"$exists": False}, "s"),
            ("native.word", {"$regex": "^w[12]$"}, "12"),
            ("native.OS-EXT-AZ:availability_zone", "zone-2", "2"),
            (r"native.a\.b.c\.d", 4, "4"),
            ("native.$x.$y", 5, "5"),
            (("native", "ports", 22), "ssh-1", "1"),
            (("native", "a.b", "c.d"), 2, "2"),
            ("flavor", "f3", "3"),
            ("name", {"$regex": "00[45]"}, "45"),
            (r"tags.n\.n", "2", "2"),
            (("tags", "n.n"), {"$in": ["1", "3"]}, "13"),
        ],
    )
    def test_find_asks_by_path(
        self, store: Store, owner: str, path: str | tuple[Any, ...], asked: Any, expected: str
    ) -> None:
        assert self._found(store, owner, where={path: asked}) == expected

    def test_find_joins_all_that_is_asked(self, store: Store, owner: str) -> None:
        where: dict[str, Any] = {"native.number": {"$gte": 2}, "native.word": {"$regex": "w[123]"}}
        assert self._found(store, owner, where=where, states=["running"]) == "3"

    @pytest.mark.parametrize(
        "where",
        [
            {"native.number": {"$where": "1"}},
            {"native.number": {"$regex": "("}},
            {"native.number": {"$in": 3}},
            {"no_such_field": 1},
            {"": 1},
        ],
    )
    def test_find_refuses_what_makes_no_sense(
        self, store: Store, owner: str, where: dict[str | tuple[Any, ...], Any]
    ) -> None:
        with pytest.raises(StoreError):
            list(store.view.find(owner, "servers", Query(where=where)))

    def test_find_refuses_to_sort_by_what_is_no_field(self, store: Store, owner: str) -> None:
        with pytest.raises(StoreError):
            list(store.view.find(owner, "servers", Query(sort=("no_such_field",))))

    @staticmethod
    def _found(store: Store, owner: str, **query: Any) -> str:
        rows = store.view.find(owner, "servers", Query(**query))
        return "".join("s" if row.cloud == "sierra" else row.id[2:] for row in rows)


def _native(number: int) -> dict[Any, Any]:
    return {
        "number": number,
        "word": f"w{number}",
        "OS-EXT-AZ:availability_zone": f"zone-{number}",
        "a.b": {"c.d": number},
        "$x": {"$y": number},
        "ports": {22: f"ssh-{number}"},
    }
