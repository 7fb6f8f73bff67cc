"""What all suites of stores share: the fixtures to give, and records to keep."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from cloudmesh_sdk.models import Fault, Server, ServerState
from cloudmesh_sdk.store.base import Store
from cloudmesh_sdk.testing.suite import Suite, wanted

ODD: dict[Any, Any] = {
    "$set": {"$where": 1, "$x": "dollar"},
    "a.b": {"c.d": ["dot"]},
    "OS-EXT-AZ:availability_zone": "nova",
    "ports": {22: "ssh", 443: {"tls": True}},
    "": "empty key",
    "_id": "not ours",
    "größe": "ü\n\t\x7f",
    "numbers": [0, -1, 2**53 + 1, 2**63 - 1, 1.5, True, False, None],
    "nested": [[], {}, [{"deep": [{"deeper": {}}]}]],
}
"""Native data with every kind of key and value that a cloud was seen to send."""

FAULT = Fault(kind="UnavailableError", message="no route", transient=True)


def server(number: int, cloud: str = "india", **fields: Any) -> Server:
    """Return the record of a server for a test; its native data says the number."""
    given = {
        "id": f"i-{number}",
        "name": f"web-{number:03d}",
        "state": ServerState.RUNNING,
        "native": {"id": f"i-{number}", "number": number},
    }
    return Server(cloud=cloud, **{**given, **fields})


class StoreFixtures(Suite):
    """Fixtures of stores; `store` is to be given."""

    @pytest.fixture
    def store(self) -> Store:
        wanted(self, "store", "an open store")

    @pytest.fixture
    def owner(self) -> str:
        """Return a user that no other test is."""
        return f"user-{uuid4().hex[:12]}"

    @pytest.fixture
    def now(self) -> datetime:
        """Return a moment an hour ago, without fractions (some stores keep milliseconds only)."""
        return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
