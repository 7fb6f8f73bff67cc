"""What a store promises of every kind of records: each comes back equal, field by field."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cloudmesh_sdk.models import KINDS, JobState, NodeState, QueueState, Rule, ServerState
from cloudmesh_sdk.store.base import Change, Query, Store
from cloudmesh_sdk.testing.stores import StoreFixtures

MOMENT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)

RULES = (
    Rule(from_port=22, to_port=22, remote="192.0.2.0/24"),
    Rule(direction="egress", protocol="any", remote="::/0"),
)

FULL: Mapping[str, dict[str, Any]] = {
    "servers": {
        "state": ServerState.RUNNING, "flavor": "m1.small", "project": "p-1", "zone": "nova",
    },
    "images": {"architecture": "x86_64", "min_ram": 512, "public": True},
    "flavors": {"vcpus": 2, "ram": 2048, "architectures": ("x86_64", "arm64"), "price": 0.5},
    "keypairs": {"fingerprint": "aa:bb", "public_key": "ssh-ed25519 AAAA"},
    "security_groups": {"description": "to the web", "rules": RULES},
    "networks": {
        "state": "active", "subnets": ("s-1", "s-2"), "external": False, "shared": True,
        "mtu": 1450,
    },
    "subnets": {
        "network": "n-1", "cidr": "10.0.0.0/24", "gateway": "10.0.0.1", "dhcp": True,
        "dns": ("192.0.2.53",),
    },
    "routers": {"state": "active", "external": "n-0"},
    "ports": {
        "state": "down", "network": "n-1", "addresses": ("10.0.0.5", "2001:db8::5"),
        "mac": "fa:16:3e:00:00:01", "device": "i-1",
    },
    "floating_ips": {
        "state": "active", "network": "n-0", "port": "p-1", "private_ip": "10.0.0.5",
        "token": "t-1",
    },
    "volumes": {
        "state": "in-use", "size": 10, "server": "i-1", "device": "/dev/vdb", "type": "ssd",
        "zone": "nova", "bootable": False, "token": "t-2",
    },
    "snapshots": {"state": "available", "size": 10, "volume": "v-1", "token": "t-3"},
    "jobs": {
        "state": JobState.RUNNING, "user": "ann", "account": "p-1", "queues": ("batch", "long"),
        "reason": "Priority", "priority": 2**32 - 1, "nodes": 2, "tasks": 4, "cores": 64,
        "memory": 2048, "gpus": 8, "walltime": 3600, "hosts": "i[001-002]", "array": "12",
        "indices": "3,7-100%4", "throttle": 4, "index": 7, "count": 95, "submitted": MOMENT,
        "started": MOMENT, "ended": MOMENT, "exit_code": 1, "signal": 9,
        "depends": "afterok:11(failed)", "workdir": "/home/ann", "output": "/home/ann/%x.out",
        "error": "/dev/null", "token": "t-4", "machines": ("india", "sierra"),
    },
    "queues": {
        "state": QueueState.DRAINING, "default": True, "totals": {"running": 2, "pending": 7},
        "nodes": 2, "hosts": "i[001-002]", "cores": 64, "memory": 2048, "walltime": 3600,
        "default_walltime": 60, "min_nodes": 1, "max_nodes": 2, "priority": 1,
        "machines": ("india",),
    },
    "nodes": {
        "state": NodeState.MIXED, "queues": ("batch", "long"), "cores": 32, "cores_used": 16,
        "memory": 2048, "memory_used": 1024, "gpus": 4, "load": 15.5, "features": ("a100", "ib"),
        "reason": "fan", "machines": ("india",),
    },
}  # fmt: skip
"""Kind → fields of a record of which much is known."""


def _records(kind: str, now: datetime) -> list[Any]:
    """Return a record of which much is known and one of which only the least is."""
    fields = attrs.fields_dict(KINDS[kind])
    full = dict(FULL[kind])
    least: dict[str, Any] = {}
    if fields.get("created") is not None:
        full["created"] = now
    if "state" in fields and fields["state"].default is attrs.NOTHING:
        least["state"] = full["state"]
    same: dict[str, Any] = {"cloud": "india", "native": {"kind": kind}}
    return [
        KINDS[kind](id="1", name="a", **same, **full),
        KINDS[kind](id="2", name="b", **same, **least),
    ]


class KindsSuite(StoreFixtures):
    """Promises of `View` about all kinds of records."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_comes_back_equal(
        self, store: Store, owner: str, now: datetime, kind: str
    ) -> None:
        rows = _records(kind, now)
        assert store.view.replace(owner, "india", kind, rows, started=now) == Change(new=2)
        assert store.view.find(owner, kind, Query()) == rows
        got = store.view.get(owner, kind, "india", "1")
        assert got is not None
        assert got == rows[0]
        for name in ("token", "machines"):  # what no comparison looks at
            assert getattr(got, name, None) == getattr(rows[0], name, None)
        assert dict(got.native) == {"kind": kind}
        for name in attrs.fields_dict(KINDS[kind]).keys() - {"seen", "native"}:
            assert type(getattr(got, name)) is type(getattr(rows[0], name))

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_is_compared_with_what_was_there(
        self, store: Store, owner: str, now: datetime, kind: str
    ) -> None:
        rows = _records(kind, now)
        store.view.replace(owner, "india", kind, rows, started=now)
        later = now + timedelta(seconds=1)
        told = store.view.replace(owner, "india", kind, _records(kind, now), started=later)
        assert told == Change(same=2)
        changed = [attrs.evolve(rows[0], name="c")]
        later += timedelta(seconds=1)
        told = store.view.replace(owner, "india", kind, changed, started=later)
        assert told == Change(changed=1, gone=1)
        store.view.put(owner, rows[1])
        assert store.view.find(owner, kind, Query(sort=("id",))) == [*changed, rows[1]]

    def test_a_rule_that_changed_is_seen_and_asked_for(
        self, store: Store, owner: str, now: datetime
    ) -> None:
        web, least = _records("security_groups", now)
        store.view.replace(owner, "india", "security_groups", [web, least], started=now)
        closed = attrs.evolve(web, rules=RULES[:1])
        told = store.view.replace(
            owner, "india", "security_groups", [closed, least], started=now + timedelta(seconds=1)
        )
        assert told == Change(changed=1, same=1)

        def found(**query: Any) -> list[str]:
            return [r.id for r in store.view.find(owner, "security_groups", Query(**query))]

        assert found(where={"rules.from_port": 22}) == ["1"]
        assert found(where={"rules.direction": "egress"}) == []
        assert found(where={"rules.0.remote": {"$regex": "^192"}}) == ["1"]
        assert found(sort=("-rules",)) == ["1", "2"]

    def test_states_in_a_cloud_s_own_words_are_found(
        self, store: Store, owner: str, now: datetime
    ) -> None:
        store.view.replace(owner, "india", "volumes", _records("volumes", now), started=now)
        found = store.view.find(owner, "volumes", Query(states=["in-use"], sort=("-state",)))
        assert [row.id for row in found] == ["1"]
        found = store.view.find(owner, "volumes", Query(sort=("-state", "-size")))
        assert [row.id for row in found] == ["1", "2"]
