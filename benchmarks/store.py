"""What the store costs beside plain PyMongo: CPU of client and server together.

    python benchmarks/store.py --records 100000 --json store.json

Both write the same records to the same embedded server: PyMongo as whole documents with
`insert_many` and no index but `_id`, the store by its `replace`. Every step ends with a
checkpoint, so that work put off by the server is counted where it belongs. Wall times are not
shown: they tell more of the machine's other work.
"""

import argparse
import gc
import json
import os
import platform
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import psutil
from pymongo import MongoClient

from cloudmesh_sdk.models import Server, ServerState
from cloudmesh_sdk.store.base import Query
from cloudmesh_sdk.store.mongo import MongoStore, embedded
from cloudmesh_sdk.store.mongo.places import place, read_json

AIMS = {"first refresh": 1.5, "1 % changed": 0.6, "nothing changed": 0.5, "list as records": 1.1}
"""Step → how much of its reference's CPU it may take."""

OWNER, CLOUD = "albert", "india"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Cost:
    """CPU of one step, in microseconds a record."""

    step: str
    client: float
    server: float
    reference: str = ""

    @property
    def both(self) -> float:
        return self.client + self.server


class Meter:
    """Reads the CPU time of this process and of the server."""

    def __init__(self, server: int, checkpoint: Callable[[], object]) -> None:
        self._processes = (psutil.Process(), psutil.Process(server))
        self._checkpoint = checkpoint

    def measure(
        self, step: str, count: int, work: Callable[[], object], *, reference: str = ""
    ) -> Cost:
        gc.collect()
        self._checkpoint()
        before = self._read()
        work()
        self._checkpoint()
        used = [(b - a) / count * 1e6 for a, b in zip(before, self._read(), strict=True)]
        return Cost(step=step, client=used[0], server=used[1], reference=reference)

    def _read(self) -> list[float]:
        times = [process.cpu_times() for process in self._processes]
        return [time.user + time.system for time in times]


def servers(count: int, seed: int = 1) -> list[Server]:
    """Return records as an OpenStack cloud gives them: 2.3 kB each, native data 1.9 kB."""
    source = random.Random(seed)
    return [_server(number, source) for number in range(count)]


def _server(number: int, source: random.Random) -> Server:
    def code(bits: int = 128) -> str:
        return f"{source.getrandbits(bits):0{bits // 4}x}"

    name, ip = f"albert-{number:06d}", f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    link = "http://india.example.org:8774/v2.1"
    native = {
        "id": code(), "name": name, "status": "ACTIVE", "tenant_id": code(), "user_id": code(),
        "hostId": code(224), "created": "2026-01-01T10:00:00Z", "updated": "2026-01-01T10:00:20Z",
        "addresses": {"private": [
            {"addr": ip, "version": 4, "OS-EXT-IPS:type": "fixed",
             "OS-EXT-IPS-MAC:mac_addr": f"fa:16:3e:{code(8)}:{code(8)}:{code(8)}"},
            {"addr": f"149.165.{number >> 8 & 255}.{number & 255}", "version": 4,
             "OS-EXT-IPS:type": "floating"},
        ]},
        "links": [{"rel": rel, "href": f"{link}/servers/{code()}"} for rel in ("self", "bookmark")],
        "image": {"id": code(), "links": [{"rel": "bookmark", "href": f"{link}/images/{code()}"}]},
        "flavor": {"vcpus": 2, "ram": 4096, "disk": 40, "ephemeral": 0, "swap": 0,
                   "original_name": "m1.medium", "extra_specs": {"hw:cpu_cores": "2"}},
        "OS-EXT-STS:vm_state": "active", "OS-EXT-STS:power_state": 1,
        "OS-EXT-STS:task_state": None, "OS-EXT-AZ:availability_zone": "nova",
        "OS-DCF:diskConfig": "MANUAL", "OS-SRV-USG:launched_at": "2026-01-01T10:00:19.000000",
        "OS-SRV-USG:terminated_at": None, "progress": 0, "accessIPv4": "", "accessIPv6": "",
        "config_drive": "", "key_name": "albert-key", "metadata": {"project": f"fg-{number % 400}"},
        "security_groups": [{"name": "default"}, {"name": "web"}], "description": code(1028),
        "os-extended-volumes:volumes_attached": [{"id": code()}], "host": f"c{number % 100}",
        "OS-EXT-SRV-ATTR:user_data": "***",
    }  # fmt: skip
    return Server(
        cloud=CLOUD, id=str(native["id"]), name=name, state=ServerState.RUNNING,
        image=code(), flavor="m1.medium", key="albert-key", private_ips=(ip,),
        public_ips=(f"149.165.{number >> 8 & 255}.{number & 255}",), zone="nova",
        security_groups=("default", "web"), tags={"project": f"fg-{number % 400}"},
        created=BEGAN, native=native,
    )  # fmt: skip


def plain(record: Server) -> dict[str, Any]:
    """Return a record as the document that somebody with PyMongo alone would write."""
    fields = attrs.asdict(record, recurse=False)
    return {"_id": f"{OWNER}/{CLOUD}/{record.id}", **fields, "state": record.state.value}


@contextmanager
def server() -> Iterator[tuple[MongoStore, MongoClient[dict[str, Any]], int]]:
    """Give a store and a plain client on a fresh embedded server, and the server's process id."""
    with tempfile.TemporaryDirectory(prefix="cm-") as parent:
        directory = Path(parent) / "m"
        settings = MongoStore.Settings(directory=str(directory), linger=0)
        store = MongoStore(settings)
        with store:
            store.view.syncs(OWNER)
            found = embedded.status(directory)
            root = read_json(place(directory).secrets)["root"]
            uri = f"mongodb://root:{quote(root)}@{quote(found.socket, safe='')}"
            with MongoClient[dict[str, Any]](f"{uri}/?directConnection=true") as client:
                yield store, client, found.pid or 0
        embedded.stop(directory, force=True)


def run(records: int) -> Iterator[Cost]:
    """Yield the costs of one round on a fresh server."""
    first = servers(records)
    documents = [plain(record) for record in first]
    step = max(1, records // 100)
    changed = [
        attrs.evolve(r, state=ServerState.STOPPED, native={**r.native, "status": "SHUTOFF"})
        if number % step == 0 and number // step < records // 100
        else r
        for number, r in enumerate(first)
    ]  # fmt: skip
    with server() as (store, client, pid):
        meter = Meter(pid, lambda: client.admin.command("fsync"))
        raw = client["raw"]["servers"]

        def insert() -> None:
            raw.drop()
            for start in range(0, records, 1000):
                raw.insert_many(documents[start : start + 1000])

        def refresh(rows: list[Server], minute: int) -> Callable[[], object]:
            started = BEGAN + timedelta(minutes=minute)
            return lambda: store.view.replace(OWNER, CLOUD, "servers", rows, started=started)

        insert()  # files and pools grow once
        yield meter.measure("raw insert_many", records, insert)
        yield meter.measure(
            "first refresh", records, refresh(first, 1), reference="raw insert_many"
        )
        yield meter.measure(
            "nothing changed", records, refresh(first, 2), reference="raw insert_many"
        )
        yield meter.measure(
            "1 % changed", records, refresh(changed, 3), reference="raw insert_many"
        )
        yield from _lists(meter, store, client, min(records, 10_000))


def _lists(
    meter: Meter, store: MongoStore, client: MongoClient[dict[str, Any]], count: int
) -> Iterator[Cost]:
    rows = client["cloudmesh"]["servers"]
    hidden = {"h": 0, "touched": 0}
    order = [("cloud", 1), ("name", 1), ("id", 1)]
    query = Query(clouds=[CLOUD], limit=count)
    wanted = {"_id": {"$gt": f"{OWNER}/{CLOUD}/"}, "missing": None}
    rounds = 5

    def plain_list() -> None:
        for _ in range(rounds):
            assert len([*rows.find(wanted, hidden).sort(order).limit(count)]) == count

    def objects() -> None:
        with store.documents() as documents:
            found = documents.Server.objects(__raw__=wanted).order_by("cloud", "name", "native_id")
            assert len([*found.limit(count)]) == count

    def ours() -> None:
        for _ in range(rounds):
            assert len(store.view.find(OWNER, "servers", query)) == count

    yield meter.measure(f"raw dicts, {count:,}", count * rounds, plain_list)
    yield meter.measure("MongoEngine documents", count, objects)
    yield meter.measure("list as records", count * rounds, ours, reference="MongoEngine documents")


def middle(rounds: list[list[Cost]]) -> list[Cost]:
    """Return the median of several rounds, step by step."""
    return [
        attrs.evolve(
            costs[0],
            client=statistics.median(cost.client for cost in costs),
            server=statistics.median(cost.server for cost in costs),
        )
        for costs in zip(*rounds, strict=True)
    ]


def table(costs: list[Cost]) -> Iterator[dict[str, Any]]:
    """Yield the lines of the result."""
    by_step = {cost.step: cost for cost in costs}
    for cost in costs:
        ratio = cost.both / by_step[cost.reference].both if cost.reference else None
        yield {
            "step": cost.step, "client_us": round(cost.client, 1),
            "server_us": round(cost.server, 1), "both_us": round(cost.both, 1),
            "ratio": ratio and round(ratio, 2), "aim": AIMS.get(cost.step),
        }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3, help="each on a fresh server; the median")
    parser.add_argument("--json", type=Path, help="write the result there too")
    given = parser.parse_args()
    lines = [*table(middle([[*run(given.records)] for _ in range(given.rounds)]))]
    print(f"{given.records:,} servers, median of {given.rounds}: CPU in microseconds a record")
    print(f"{'':24}{'client':>8}{'server':>8}{'both':>8}{'ratio':>8}{'aim':>8}")
    for line in lines:
        numbers = [line[name] for name in ("client_us", "server_us", "both_us", "ratio", "aim")]
        print(f"{line['step']:24}" + "".join(f"{'' if n is None else n:>8}" for n in numbers))
    missed = [line["step"] for line in lines if line["aim"] and line["ratio"] > line["aim"]]
    print(f"over their aim: {', '.join(missed) or 'none'}")
    if given.json:
        machine = {
            "cpus": os.cpu_count(), "machine": platform.machine(),
            "system": platform.platform(), "python": platform.python_version(),
        }  # fmt: skip
        result = {"records": given.records, "rounds": given.rounds, "machine": machine}
        given.json.write_text(json.dumps({**result, "steps": lines}, indent=2) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
