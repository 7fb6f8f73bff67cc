"""OpenStack: us, plain requests, python-novaclient, openstacksdk, libcloud, on the same cloud.

On the lab of the tests (a real Keystone, Nova, Neutron, Glance) with some hundred servers in a
project of their own: a list with details, the life of one server (create, ACTIVE, delete, gone),
and whole commands, ours and `openstack`. Then a list of 10,000 from recorded answers. Every client
runs in fresh processes, all requests of a process are counted in `http.client`, processor time is
of the client alone and includes its login; the best of several rounds counts.

    python benchmarks/openstack.py --json benchmarks/results/openstack.json

The peers go into an environment of their own (`.nox/openstack-peers`), made when missing.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

HERE = Path(__file__).parent
ROOT = HERE.parent
CLIENTS = HERE / "peers" / "openstack_clients.py"
PEERS = ("novaclient", "openstacksdk", "libcloud")
PACKAGES = ("python-novaclient", "openstacksdk", "python-openstackclient", "apache-libcloud")
PROJECT = "benchmark"
AT_ONCE = 50
"""Servers that one request makes: more would only wait in the lab's queue."""


# the peers, and what a process costs


def peers() -> str:
    """Return the Python of an environment that has the other clients, made when missing."""
    place = ROOT / ".nox" / "openstack-peers"
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        print(f"installing {', '.join(PACKAGES)}", file=sys.stderr)
        venv.create(place, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
        (place / "ready").touch()
    return str(python)


def cost(command: list[str], env: Mapping[str, str]) -> dict[str, Any]:
    """Run a command; return its processor time, peak memory, requests and bytes, and its output."""
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as log:
        counting = {**env, "PYTHONPATH": str(HERE / "counting"), "COUNT_REQUESTS": log.name}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        said = subprocess.run(command, capture_output=True, text=True, env=counting, check=False)
        wall = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wire = [json.loads(line) for line in log.read().splitlines()]
    if said.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{said.stdout}\n{said.stderr}")
    asked = [entry for entry in wire if "method" in entry]
    return {
        "process_cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "process_wall": wall,
        "requests": len(asked),
        "asked": [f"{e['method']} :{e['port']}{e['url']}" for e in asked],
        "bytes": sum(entry.get("bytes") or 0 for entry in wire if "status" in entry),
        "output": said.stdout,
    }


def each(
    task: str, names: Mapping[str, str], env: Mapping[str, str], rounds: int
) -> dict[str, dict[str, Any]]:
    """Let every client do a task in turns; return each one's round of least processor time."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, python in names.items():
            found = cost([python, str(CLIENTS), name, task], env)
            runs[name].append({**found, **json.loads(found.pop("output"))})
    return {name: min(done, key=lambda run: run["cpu"]) for name, done in runs.items()}


# the lab


class Admin:
    """Enough of the lab's administration to have a project with many servers."""

    def __init__(self, auth_url: str, password: str) -> None:
        self.url = auth_url
        self.password = password
        self.session = requests.Session()
        self.catalog = self._login("admin", "admin")

    def _login(self, user: str, project: str) -> dict[str, str]:
        domain = {"id": "default"}
        who = {"name": user, "domain": domain, "password": self.password}
        body = {
            "identity": {"methods": ["password"], "password": {"user": who}},
            "scope": {"project": {"name": project, "domain": domain}},
        }
        answer = requests.post(f"{self.url}/auth/tokens", json={"auth": body}, timeout=60)
        answer.raise_for_status()
        self.session.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
        return {
            entry["type"]: end["url"]
            for entry in answer.json()["token"]["catalog"]
            for end in entry["endpoints"]
            if end["interface"] == "public"
        }

    def ask(self, method: str, url: str, **options: Any) -> Any:
        answer = self.session.request(method, url, timeout=600, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _named(self, kind: str, name: str, **more: str) -> str:
        found = self.ask("GET", f"{self.url}/{kind}s", params={"name": name})[f"{kind}s"]
        body = {kind: {"name": name, "domain_id": "default", **more}}
        made = found[0] if found else self.ask("POST", f"{self.url}/{kind}s", json=body)[kind]
        return str(made["id"])

    def project(self) -> None:
        """Be a member of a project of our own from now on."""
        project = self._named("project", PROJECT)
        user = self._named("user", PROJECT, password=self.password)
        for role in ("member", "reader"):
            (found,) = self.ask("GET", f"{self.url}/roles", params={"name": role})["roles"]
            self.ask("PUT", f"{self.url}/projects/{project}/users/{user}/roles/{found['id']}")
        self.catalog = self._login(PROJECT, PROJECT)
        self.session.headers["X-OpenStack-Nova-API-Version"] = "2.96"

    def place(self) -> dict[str, str]:
        """Return ids of image, flavor and network to start on."""
        images = self.ask("GET", f"{self.catalog['image']}/v2/images", params={"name": "tiny"})
        flavors = self.ask("GET", f"{self.catalog['compute']}/flavors")["flavors"]
        networks = self.ask(
            "GET", f"{self.catalog['network']}/v2.0/networks", params={"name": "shared"}
        )
        return {
            "image": images["images"][0]["id"],
            "flavor": next(flavor["id"] for flavor in flavors if flavor["name"] == "m1.nano"),
            "network": networks["networks"][0]["id"],
        }

    def fill(self, count: int, place: Mapping[str, str]) -> int:
        """Have so many servers; return how many there are."""
        url = self.catalog["compute"]
        while len(have := self.ask("GET", f"{url}/servers/detail")["servers"]) < count:
            body = {
                "name": f"many-{len(have):04d}", "imageRef": place["image"],
                "flavorRef": place["flavor"], "networks": "none", "min_count": AT_ONCE,
                "max_count": AT_ONCE, "metadata": {"use": "benchmark"},
            }  # fmt: skip
            self.ask("POST", f"{url}/servers", json={"server": body})
            self._settle(url)
        return len(have)

    def _settle(self, url: str) -> None:
        end = time.monotonic() + 600
        while self.ask("GET", f"{url}/servers", params={"status": "BUILD"})["servers"]:
            if time.monotonic() > end:
                raise SystemExit("the lab does not get its servers started")
            time.sleep(2)


def environment(admin: Admin, place: Mapping[str, str]) -> dict[str, str]:
    """Return the `OS_*` of our project, and what the life of a server needs."""
    given = {
        "OS_AUTH_URL": admin.url, "OS_USERNAME": PROJECT, "OS_PASSWORD": admin.password,
        "OS_PROJECT_NAME": PROJECT, "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default", "OS_REGION_NAME": "RegionOne",
        "OS_IDENTITY_API_VERSION": "3",
    }  # fmt: skip
    return {**os.environ, **given, **{f"BENCH_{k.upper()}": v for k, v in place.items()}}


# whole commands


@contextmanager
def home(env: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give an environment with a home and a configuration of its own, the store running."""
    with tempfile.TemporaryDirectory(prefix="cm-") as folder:
        config = Path(folder) / "cloudmesh.yaml"
        auth = {
            "driver": "openstack", "auth_url": env["OS_AUTH_URL"], "username": env["OS_USERNAME"],
            "password": "env:OS_PASSWORD", "project_name": env["OS_PROJECT_NAME"],
            "region_name": env["OS_REGION_NAME"],
        }  # fmt: skip
        config.write_text(json.dumps({"clouds": {"lab": auth}}))
        own = {**env, "HOME": folder, "CLOUDMESH_CONFIG": str(config)}
        for name in ("CONFIG", "DATA", "CACHE", "STATE", "RUNTIME"):
            own[f"XDG_{name}_{'DIR' if name == 'RUNTIME' else 'HOME'}"] = folder
        subprocess.run([*CM, "service", "start"], env=own, check=True, capture_output=True)
        try:
            yield own
        finally:
            subprocess.run([*CM, "service", "stop"], env=own, check=True, capture_output=True)


CM = [str(Path(sys.executable).parent / "cm")]


def commands(python: str, env: Mapping[str, str], rounds: int) -> dict[str, dict[str, Any]]:
    """Return what whole commands cost, each the best of several rounds."""
    theirs = [str(Path(python).parent / "openstack"), "server", "list"]
    listing = [*CM, "vm", "list", "--refresh"]
    kinds = ("first refresh", "nothing changed", "from the store")
    mine: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    others: list[dict[str, Any]] = []
    for _ in range(rounds):
        with home(env) as own:
            for kind, command in zip(kinds, (listing, listing, listing[:-1]), strict=True):
                mine[kind].append(cost(command, own))
        others.append(cost(theirs, env))
    best: Callable[[Any], Any] = lambda runs: min(runs, key=lambda run: run["process_cpu"])  # noqa: E731
    found = {f"cm vm list, {kind}": best(runs) for kind, runs in mine.items()}
    return {**found, "openstack server list": best(others)}


# telling


def tell_clients(title: str, results: Mapping[str, dict[str, Any]]) -> None:
    print(f"\n{title}")
    print(f"{'client':13} {'servers':>7} {'requests':>8} {'cpu/server':>11} {'cpu':>7} {'wall':>7}"
          f" {'import':>7} {'modules':>7} {'RSS':>8} {'ours/its':>9}")  # fmt: skip
    mine = results["cloudmesh"]
    for name, run in results.items():
        count = run["servers"] or 1
        run["cpu_per_server_us"] = run["cpu"] / count * 1e6
        run["ours_to_its"] = (mine["cpu"] / (mine["servers"] or 1)) / (run["cpu"] / count)
        print(f"{name:13} {run['servers'] or '':>7} {run['requests']:8}"
              f" {run['cpu_per_server_us']:8.0f} us {run['cpu']:6.2f}s {run['wall']:6.2f}s"
              f" {run['open_cpu']:6.2f}s {run['modules']:7} {run['rss_mib']:4.0f} MiB"
              f" {run['ours_to_its']:8.3f}x")  # fmt: skip


def tell_commands(results: Mapping[str, dict[str, Any]]) -> None:
    print(f"\n{'whole process':30} {'cpu':>7} {'wall':>7} {'requests':>8} {'bytes':>10}"
          f" {'its/peer':>9}")  # fmt: skip
    peer = results["openstack server list"]["process_cpu"]
    for name, run in results.items():
        run.pop("output")
        run["to_peer"] = run["process_cpu"] / peer
        print(f"{name:30} {run['process_cpu']:6.2f}s {run['process_wall']:6.2f}s"
              f" {run['requests']:8} {run['bytes']:10,} {run['to_peer']:8.3f}x")  # fmt: skip


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"


def on_the_lab(count: int, rounds: int, python: str) -> dict[str, Any]:
    """Run what needs a real cloud, and tell it."""
    from tests.labs.openstack_lab import running_lab  # the lab is the tests'

    with running_lab() as lab:
        admin = Admin(lab.auth_url, lab.password)
        admin.project()
        place = admin.place()
        have = admin.fill(count, place)
        env = environment(admin, place)
        names = {"cloudmesh": sys.executable, "requests": sys.executable}
        names |= dict.fromkeys(PEERS, python)
        listed = each("list", names, env, rounds)
        tell_clients(f"list of {have} servers with details, from a real cloud", listed)
        whole = commands(python, env, rounds)  # before others change what a refresh would find
        tell_commands(whole)
        life = each("life", names, env, 1)
        tell_clients("create, ACTIVE, delete, gone: one server", life)
    return {"servers": have, "list": listed, "life": life, "commands": whole}


def recorded(count: int, rounds: int, python: str) -> dict[str, Any]:
    """List many servers from recorded answers, and tell it."""
    from tests.labs.openstack_endpoint import PASSWORD, PROJECT as PHYSICS, REGION, USER, served

    names = {"cloudmesh": sys.executable, "requests": sys.executable}
    names |= dict.fromkeys(("novaclient", "libcloud"), python)  # openstacksdk would take minutes
    with served(servers=count, page=1000) as url:
        parts = urlsplit(url)
        given = {
            "OS_AUTH_URL": f"{parts.scheme}://{parts.netloc}/v3", "OS_USERNAME": USER,
            "OS_PASSWORD": PASSWORD, "OS_PROJECT_NAME": PHYSICS, "OS_REGION_NAME": REGION,
            "OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default",
        }  # fmt: skip
        listed = each("list", names, {**os.environ, **given}, rounds)
    tell_clients(f"list of {count} servers in pages of 1000, recorded answers", listed)
    return listed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=300, help="servers on the lab")
    parser.add_argument("--many", type=int, default=10_000, help="servers in recorded answers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    python = peers()
    print(f"{machine()}; best of {options.rounds} fresh processes")
    results = {
        "machine": machine(),
        "recorded": recorded(options.many, options.rounds, python),
        "lab": on_the_lab(options.count, options.rounds, python),
    }
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
