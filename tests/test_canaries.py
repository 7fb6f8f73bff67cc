"""A canary in every secret field of every driver appears nowhere, whatever goes wrong."""

import http.server
import json
import logging
import os
import shlex
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import bson
import psutil
import pytest
import yaml
from tests.canaries import canary, find_in

from cloudmesh_sdk import plugins
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.options import describe
from cloudmesh_sdk.store.mongo.store import MongoStore

pytestmark = pytest.mark.timeout(300)

DRIVERS = [(kind, name) for kind in ("providers", "queues") for name in plugins.names(kind)]
BROKER = canary("broker")
MAPPINGS = {"args", "options", "auth"}
"""Secret options that hold several words; the canary is one of them."""


class Rude(http.server.BaseHTTPRequestHandler):
    """Refuses everything, and says what it was told, headers and body, in the answer."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        said = b"you said: " + bytes(str(self.headers), "latin-1") + body
        if "json" in str(self.headers.get("Accept")) and "auth" not in self.path:
            said = json.dumps({"error": {"message": said.decode(errors="replace")}}).encode()
        self.send_response(401, "no")
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - names of the base class

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def rude() -> Iterator[str]:
    """Give the URL of a server that repeats what it is told."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rude) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def fields(kind: str, name: str) -> list[str]:
    """Return the secret options of a driver."""
    options = describe(plugins.load(kind, name).Settings)
    return [word for word, option in options.items() if option.secret]


BESIDE: Mapping[str, Mapping[str, Any]] = {
    "ec2": {"access_key": "AKIA", "region": "us-east-1", "endpoint": "{url}", "retries": 1},
    "openstack": {"auth_url": "{url}/v3/auth", "username": "albert", "project_name": "demo"},
    "libcloud": {"provider": "dummy"},
    "slurm": {"url": "{url}", "user": "albert"},
}
"""What a driver needs beside its secrets to go where it is refused."""


def entry(kind: str, name: str, url: str, way: str, home: Path) -> tuple[dict[str, Any], set[str]]:
    """Return an entry whose secrets are canaries, given in a way: plain, env or file."""
    known = describe(plugins.load(kind, name).Settings)
    found: dict[str, Any] = {"driver": name}
    for word, value in BESIDE.get(name, {}).items():
        if word in known:
            found[word] = value.format(url=url) if isinstance(value, str) else value
    planted = set()
    for word in fields(kind, name):
        secret = canary(name, word, way)
        planted.add(secret)
        told = given(secret, way, home)
        found[word] = {"password": told} if word in MAPPINGS else told
    return found, planted


def given(secret: str, way: str, home: Path) -> str:
    """Return a secret as the configuration is told of it."""
    name = f"SECRET_{abs(hash(secret))}"
    if way == "env":
        os.environ[name] = secret
        return f"env:{name}"
    if way == "file":
        path = home / "secrets" / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text(secret)
        path.chmod(0o600)
        return f"file:{path}"
    return secret


class World:
    """A configuration full of canaries, and `cm` in it."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.secrets: set[str] = set()
        self.clouds: list[str] = []
        self.queues: list[str] = []
        config: dict[str, Any] = {
            "profile": {"username": "albert"},
            "store": {"directory": str(home / "mongo"), "linger": 5},
            "clouds": {"good": {"driver": "memory"}}, "queues": {},
            "tasks": {"broker": f"amqp://albert:{quote(BROKER)}@127.0.0.1:1/"},
        }  # fmt: skip
        self.secrets.add(BROKER)
        for kind, name in DRIVERS:
            for way in ("plain", "env", "file"):
                made, planted = entry(kind, name, url, way, home)
                if not planted and way != "plain":
                    continue
                self.secrets |= planted
                label = f"{name}-{way}"
                section, names = (
                    ("clouds", self.clouds) if kind == "providers" else ("queues", self.queues)
                )
                if section == "queues":
                    label += "-q"
                config[section][label] = made
                names.append(label)
        self.path = home / "cloudmesh.yaml"
        self.path.write_text(yaml.safe_dump(config))
        self.path.chmod(0o600)
        self.said: list[tuple[str, str]] = []

    def cm(self, *line: str) -> None:
        """Run a command line, and keep what it says; most fail, none with a bug."""
        words = [sys.executable, "-c", "from cloudmesh_sdk.shell.start import main; exit(main())"]
        done = subprocess.run(
            [*words, *line],
            env={**os.environ, "CLOUDMESH_CONFIG": str(self.path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        self.said.append((shlex.join(line), done.stdout + done.stderr))

    def leaks(self, where: str, data: bytes | str) -> Mapping[str, str]:
        return find_in(where, data, self.secrets)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Everything that goes wrong, done once, with what was said and who was seen meanwhile."""
    before = dict(os.environ)
    with rude() as url:
        found = World(tmp_path_factory.mktemp("w"), url)
        try:
            yield found
        finally:
            os.environ.clear()
            os.environ.update(before)


@pytest.fixture(scope="module")
def lived(world: World) -> tuple[World, bytes]:
    """The world after many commands, and all command lines that were seen at that time."""
    seen: set[bytes] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            for process in psutil.process_iter(["cmdline"]):
                seen.add("\0".join(process.info["cmdline"] or ()).encode(errors="replace"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        live(world)
    finally:
        over.set()
        watcher.join()
    assert any(b"mongod" in line for line in seen), "somebody was seen"
    return world, b"\n".join(seen)


def live(world: World) -> None:
    """Ask and act with everything that leads to errors."""
    world.cm("--debug", "refresh", *world.clouds)
    world.cm("--debug-http", "refresh", *world.clouds)
    world.cm("--record", str(world.home / "tape.jsonl"), "refresh", *world.clouds)
    world.cm("cloud", "list", "--format", "json")
    for cloud in world.clouds:
        if cloud.endswith("plain"):
            world.cm("--debug", "cloud", "info", cloud)
            world.cm("--debug", "vm", "start", "web", "--cloud", cloud, "--image", "i",
                     "--flavor", "f", "--user-data", str(user_data(world)))  # fmt: skip
    world.cm("vm", "start", "good", "--cloud", "good", "--user-data", str(user_data(world)))
    for queue in world.queues:
        if queue.endswith("plain-q"):
            world.cm("--debug", "queue", "info", queue)
            world.cm("--debug", "job", "submit", "--queue", queue, "true")
    world.cm("--debug", "vm", "start", "later", "--cloud", "good", "--async")
    world.cm("service", "status")
    world.cm("doctor")
    world.cm("op", "list", "--format", "json")
    world.cm("vm", "list", "--format", "json")


def user_data(world: World) -> Path:
    """Return a file for the first boot with a canary."""
    path = world.home / "user-data"
    secret = canary("user-data")
    path.write_text(f"#cloud-config\npassword: {secret}\n")
    world.secrets.add(secret)
    return path


def test_every_driver_with_secrets_was_planted(world: World) -> None:
    planted = {(kind, name) for kind, name in DRIVERS if fields(kind, name)}
    assert {name for _, name in planted} >= {"ec2", "openstack", "libcloud", "memory", "slurm"}
    assert len(world.secrets) >= 3 * sum(len(fields(*driver)) for driver in planted) - 3


def test_nothing_that_is_printed_has_a_canary(lived: tuple[World, bytes]) -> None:
    world, _ = lived
    leaks = {k: v for line, text in world.said for k, v in world.leaks(f"cm {line}", text).items()}
    assert leaks == {}
    assert sum(bool(text) for _, text in world.said) == len(world.said)
    bugs = [text for _, text in world.said if "this is a bug" in text]
    assert bugs == []


def test_no_command_line_has_a_canary(lived: tuple[World, bytes]) -> None:
    world, seen = lived
    assert world.leaks("ps", seen) == {}


def test_the_store_has_no_canary(lived: tuple[World, bytes]) -> None:
    world, _ = lived
    store = MongoStore(MongoStore.Settings(directory=str(world.home / "mongo"), linger=5))
    leaks: dict[str, str] = {}
    rows = 0
    with store, store._connection.use() as database:
        for name in database.list_collection_names():
            for row in database[name].find():
                rows += 1
                leaks |= world.leaks(f"collection {name}", bson.encode(row))
    assert leaks == {}
    assert rows > 10


def test_no_file_has_a_canary(lived: tuple[World, bytes]) -> None:
    world, _ = lived
    ours = {world.path, world.home / "user-data"}
    leaks: dict[str, str] = {}
    tape = world.home / "tape.jsonl"
    for path in world.home.rglob("*"):
        if path.is_file() and path not in ours and path.parent.name != "secrets":
            leaks |= world.leaks(str(path), path.read_bytes())
    assert leaks == {}
    assert tape.stat().st_size > 0


def test_no_error_repr_or_log_has_a_canary(world: World, caplog: pytest.LogCaptureFixture) -> None:
    texts: list[str] = []
    config = Config.load(world.path)
    texts += [repr(config), str(config), *config.warnings]
    with caplog.at_level(logging.DEBUG), Mesh.open("memory", config=config) as mesh:
        texts += [repr(mesh), repr(mesh.config.clouds), repr(mesh.config.queues)]
        for name in world.clouds:
            try:
                driver = mesh.clouds[name]
                texts += [repr(driver), repr(vars(driver).get("_settings"))]
                driver.check()
                list(driver.servers())
            except CloudmeshError as error:
                texts += ["".join(traceback.format_exception(error)), repr(error)]
        found = mesh.refresh(world.clouds)
        texts += [repr(found), repr(found.errors), repr(mesh.operations())]
    texts += [record.getMessage() for record in caplog.records]
    texts += [str(record.exc_info) for record in caplog.records]
    leaks = {k: v for text in texts for k, v in world.leaks("a text", text).items()}
    assert leaks == {}


def test_the_uri_of_a_store_is_shown_without_its_password() -> None:
    secret = canary("uri").replace("%", "").replace("'", "").replace('"', "").replace("&", "")
    uri = f"mongodb://albert:{secret}@127.0.0.1:1/?serverSelectionTimeoutMS=300"
    config = Config.parse(f"store: {{uri: '{uri}', timeout: 1}}\nclouds: {{a: {{driver: memory}}}}")
    with pytest.raises(CloudmeshError) as caught:
        Mesh.open("mongo", config=config)
    texts = ["".join(traceback.format_exception(caught.value)), repr(config), str(config.warnings)]
    assert {k for text in texts for k in find_in("a text", text, [secret])} == set()
