"""Listing EC2's servers: us, boto3 and libcloud, on the same recorded pages.

A thousand servers are made at moto's server, one a reservation, and its answer is recorded; larger
counts repeat those with other ids. A server in a process of its own replays the pages (moto itself
costs some 6 ms of processor time an instance, which would hide the clients) under the namespace
that EC2 sends. Each client runs in fresh processes; the best of several rounds counts.

    python benchmarks/ec2_list.py --json benchmarks/results/ec2_list.json
"""

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

PAGE = 1000
MADE = 1000
REGION = "us-east-1"
KEYS = ("AKIABENCHBENCHBENCH1", "a-secret")
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
_RESERVATION = re.compile(
    r"<item>\s*<reservationId>.*?</instancesSet>.*?</item>(?=\s*(?:<item>\s*<reservationId>|</reservationSet>))",
    re.S,
)
_ID = re.compile(r"(i|r|eni|vol|eni-attach)-([0-9a-f]{17})")


# recording


def ask_moto(url: str, action: str, **params: str) -> str:
    scope = f"{KEYS[0]}/20260101/{REGION}/ec2/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
    body = urlencode({"Action": action, "Version": "2016-11-15", **params}).encode()
    request = urllib.request.Request(url, data=body, headers={"Authorization": signed})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return str(answer.read().decode())


def record(made: int) -> list[str]:
    """Return the reservations, as XML, of so many servers made at moto."""
    from tests.labs.moto_server import moto_server  # the clients' processes need no moto

    with moto_server() as url:
        image = re.search(r"<imageId>(.*?)<", ask_moto(url, "DescribeImages"))
        assert image
        for number in range(made):
            tags = {"Name": f"bench-{number:04d}", "team": "blue", "cloudmesh:token": f"{number}"}
            params = {"ImageId": image[1], "InstanceType": "t3.micro", "MinCount": "1"}
            params |= {"MaxCount": "1", "TagSpecification.1.ResourceType": "instance"}
            for place, (key, value) in enumerate(tags.items(), 1):
                params[f"TagSpecification.1.Tag.{place}.Key"] = key
                params[f"TagSpecification.1.Tag.{place}.Value"] = value
            ask_moto(url, "RunInstances", **params)
        answer = ask_moto(url, "DescribeInstances", MaxResults="1000")
    found = _RESERVATION.findall(answer)
    assert len(found) == made, f"made {made} servers, recorded {len(found)}"
    return found


def pages(recorded: list[str], count: int) -> list[bytes]:
    """Return `count` servers in pages, repeating what was recorded with other ids."""
    whole = [
        item if turn == 0 else _ID.sub(rf"\1-{turn:02x}\g<2>", item)
        for turn in range(-(-count // len(recorded)))
        for item in recorded
    ][:count]
    found = []
    for start in range(0, count, PAGE):
        more = f"<nextToken>{start + PAGE}</nextToken>" if start + PAGE < count else ""
        items = "".join(whole[start : start + PAGE])
        found.append(
            f'<DescribeInstancesResponse xmlns="{NAMESPACE}"><requestId>r</requestId>'
            f"<reservationSet>{items}</reservationSet>{more}</DescribeInstancesResponse>".encode()
        )
    return found


# replaying


def replay(folder: Path) -> None:
    """Serve the pages of a folder on loopback; prints the URL. `/_calls` tells the requests."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # the replayer's alone

    kept = [file.read_bytes() for file in sorted(folder.iterdir())]
    empty = f'<DescribeAddressesResponse xmlns="{NAMESPACE}"><addressesSet/>'.encode()
    empty += b"</DescribeAddressesResponse>"
    calls: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def do_GET(self) -> None:
            if self.path == "/_calls":
                self._send(json.dumps(calls).encode())
                calls.clear()
            else:
                self._answer(urlsplit(self.path).query)

        def _answer(self, query: str) -> None:
            params = parse_qs(query)
            calls.append(params["Action"][0])
            page = int(params.get("NextToken", ["0"])[0]) // PAGE
            self._send(kept[page] if calls[-1] == "DescribeInstances" else empty)

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/xml;charset=UTF-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


@contextmanager
def replayed(folder: Path) -> Iterator[str]:
    command = [sys.executable, __file__, "--replay", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


# the clients: each opens, then lists


def ours(url: str) -> Callable[[], int]:
    from cloudmesh_sdk.providers.ec2 import Ec2Cloud, Ec2Settings  # what is measured

    cloud = Ec2Cloud("aws", Ec2Settings(endpoint=url, access_key=KEYS[0], secret_key=KEYS[1]))
    return lambda: len(list(cloud.servers()))


def boto3(url: str) -> Callable[[], int]:
    import boto3 as library  # what is measured

    client = library.client(
        "ec2",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=KEYS[0],
        aws_secret_access_key=KEYS[1],
    )

    def listed() -> int:
        answers = client.get_paginator("describe_instances").paginate(
            PaginationConfig={"PageSize": PAGE}
        )
        reservations = [r for answer in answers for r in answer["Reservations"]]
        return len([i for reservation in reservations for i in reservation["Instances"]])

    return listed


def libcloud(url: str) -> Callable[[], int]:
    from libcloud.compute.drivers.ec2 import EC2NodeDriver  # what is measured

    place = urlsplit(url)
    driver: Any = EC2NodeDriver(  # type: ignore[no-untyped-call]
        *KEYS,
        secure=False,
        host=place.hostname,
        port=place.port,
        region=REGION,
        signature_version="4",  # its default, 2, is not accepted by newer regions, nor by moto
    )
    return lambda: len(driver.list_nodes())


CLIENTS = {"cloudmesh": ours, "boto3": boto3, "libcloud": libcloud}


def measure(client: str, url: str) -> dict[str, float]:
    """Return what one list costs in this fresh process."""
    begun = time.process_time()
    listed = CLIENTS[client](url)
    opened = time.process_time()
    wall = time.perf_counter()
    count = listed()
    return {
        "open_cpu": opened - begun,
        "cpu": time.process_time() - opened,
        "wall": time.perf_counter() - wall,
        "servers": count,
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def best(url: str, rounds: int) -> dict[str, dict[str, Any]]:
    """Return each client's round of least processor time, and the requests that its list sends.

    The clients take turns, so that a busy minute of the machine meets them all.
    """
    env = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true"}
    runs: dict[str, list[dict[str, Any]]] = {client: [] for client in CLIENTS}
    for _ in range(rounds):
        for client, done in runs.items():
            command = [sys.executable, __file__, "--client", client, "--url", url]
            said = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
            with urllib.request.urlopen(f"{url}/_calls") as answer:
                requests = len(json.load(answer))
            done.append({**json.loads(said.stdout), "requests": requests})
    return {client: min(done, key=lambda run: run["cpu"]) for client, done in runs.items()}


def report(results: dict[str, dict[str, Any]], count: int) -> None:
    print(f"\n{count} servers in pages of {PAGE}")
    print(f"{'client':10} {'listed':>6} {'requests':>8} {'cpu/server':>11} {'cpu':>7} {'wall':>7}"
          f" {'open cpu':>8} {'RSS':>8} {'ours/its':>9}")  # fmt: skip
    mine = results["cloudmesh"]["cpu"] / results["cloudmesh"]["servers"]
    for client, run in results.items():
        each = run["cpu"] / run["servers"]
        run["cpu_per_server_us"] = each * 1e6
        run["ours_to_its"] = mine / each
        note = "" if run["servers"] == count else f"  (lists {run['servers']} of {count})"
        print(f"{client:10} {run['servers']:6} {run['requests']:8} {each * 1e6:8.0f} us"
              f" {run['cpu']:6.2f}s {run['wall']:6.2f}s {run['open_cpu']:7.2f}s"
              f" {run['rss_mib']:4.0f} MiB {mine / each:8.2f}x{note}")  # fmt: skip


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"


def run(counts: list[int], rounds: int, target: Path | None, folder: Path) -> None:
    begun = time.perf_counter()
    recorded = record(MADE)
    print(f"{machine()}; {MADE} servers made at moto in {time.perf_counter() - begun:.0f} s;"
          " larger counts repeat them with other ids; best of"
          f" {rounds} fresh processes")  # fmt: skip
    results: dict[str, Any] = {"machine": machine(), "rounds": rounds, "counts": {}}
    for count in counts:
        place = folder / str(count)
        place.mkdir()
        for number, page in enumerate(pages(recorded, count)):
            (place / f"{number:04d}.xml").write_bytes(page)
        with replayed(place) as url:
            results["counts"][count] = best(url, rounds)
        report(results["counts"][count], count)
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(results, indent=1) + "\n")


def main() -> None:
    import tempfile  # the clients' processes do without

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 3000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--replay", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.replay:
        replay(options.replay)
    elif options.client:
        print(json.dumps(measure(options.client, options.url)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            run(options.counts, options.rounds, options.json, Path(folder))


if __name__ == "__main__":
    main()
