"""A MongoDB behind TLS and passwords, named by URI: who is let in, and what the others are told."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import bson
import pytest
from tests.canaries import find_in
from tests.labs.mongo_tls import TlsMongo, running_mongo
from tests.labs.tls import Authority

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState, What

PATIENCE = 30.0
WRONG = "wr@ng-geheim"
CM = [sys.executable, "-c", "from cloudmesh_sdk.shell.start import main; exit(main())"]

Configured = Callable[..., Path]

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def mongo() -> Iterator[TlsMongo]:
    with running_mongo() as mongo:
        yield mongo


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that the server's certificate is not of."""
    return Authority(tmp_path_factory.mktemp("stranger") / "ca", "strangers")


@pytest.fixture
def configured(mongo: TlsMongo, tmp_path: Path) -> Configured:
    """Writes a cloudmesh.yaml as the page Hosting tells it, with the URI in a file of its own."""

    def write(timeout: float = 60, **other: str) -> Path:
        secret, path = tmp_path / "store.uri", tmp_path / "cloudmesh.yaml"
        secret.touch(0o600)
        secret.write_text(mongo.uri(**other))
        path.write_text(
            "profile: {username: albert}\n"
            f'store: {{uri: "file:{secret}", timeout: {timeout}}}\n'
            f"clouds: {{india: {{driver: memory, servers: 2, file: {tmp_path}/india.json}}}}\n"
        )
        return path

    return write


def cm(path: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "XDG_DATA_HOME": str(path.parent / "data")}
    return subprocess.run(
        [*CM, "--config", str(path), *words], env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_cm_lists_and_acts_over_tls(configured: Configured, mongo: TlsMongo) -> None:
    path = configured()
    assert cm(path, "refresh").returncode == 0
    listed = json.loads(cm(path, "vm", "list", "--format", "json").stdout)
    assert [one["name"] for one in listed] == ["seed-0001", "seed-0002"]
    assert cm(path, "vm", "start", "over-tls").returncode == 0
    (operation,) = json.loads(cm(path, "op", "list", "--format", "json").stdout)
    assert (operation["target"], operation["state"]) == ("over-tls", "done")
    with mongo.root() as client:
        rows = [row for name in client["cloudmesh"].list_collection_names()
                for row in client["cloudmesh"][name].find()]  # fmt: skip
    assert any(row.get("target") == "over-tls" for row in rows)
    for row in rows:
        assert find_in("a row", bson.encode(row), [mongo.password]) == {}


def test_changes_are_heard_over_tls(configured: Configured) -> None:
    config = Config.load(configured())
    with Mesh.open("mongo", config=config) as mesh, Mesh.open("mongo", config=config) as other:
        mesh.refresh()
        with mesh.watch("operations", timeout=PATIENCE) as heard:
            other.start(cloud="india", name="heard")
            told = next(heard)
            assert (told.what, told.kind, told.name) == (What.NEW, "operations", "heard")
            assert not heard._listener.looks


REFUSED = {
    "password": ({"password": WRONG}, "refused the user name or password"),
    "host": ({"host": "127.0.0.1"}, "not trusted: .*not valid for '127.0.0.1'"),
    "authorities": ({"tlsCAFile": ""}, "not trusted: self-signed certificate"),
    "plain": ({"tls": "", "tlsCAFile": ""}, "closes every connection; does it want tls=true"),
    "no file": ({"tlsCAFile": "/nowhere/ca.pem"}, "the URI names cannot be used: .*tlscafile"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_who_is_not_let_in_is_told_why(what: str, configured: Configured) -> None:
    other, words = REFUSED[what]
    # one that closes connections may be about to start, so it is waited for; a refusal is told soon
    timeout = 1 if what == "plain" else 60
    with pytest.raises(StoreError, match=f"the MongoDB at .*{words}") as caught:
        Mesh.open("mongo", config=Config.load(configured(timeout, **other)))
    assert "\n" not in str(caught.value)
    assert caught.value.lasting is (what != "plain")
    assert "geheim" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_cm_tells_in_one_line(configured: Configured, stranger: Authority) -> None:
    done = cm(configured(tlsCAFile=str(stranger.certificate)), "vm", "list")
    assert (done.returncode != 0, done.stdout) == (True, "")
    (line,) = done.stderr.splitlines()
    assert "shows a certificate that is not trusted: self-signed certificate" in line


def test_a_worker_that_is_not_let_in_says_why_and_no_password(configured: Configured) -> None:
    path = configured(password=WRONG)
    done = cm(path, "service", "start", "worker")
    (line,) = done.stderr.splitlines()
    assert "worker does not start: StoreError: the MongoDB at localhost:" in line
    assert "refused the user name or password; see" in line
    (log,) = (path.parent / "data").rglob("worker.log")
    assert "refused the user name" in log.read_text()
    assert "Traceback" not in log.read_text()
    assert find_in("cm", done.stdout + done.stderr + log.read_text(), [WRONG]) == {}


def test_a_certificate_of_ones_own_is_shown_and_one_that_is_none_is_told(
    configured: Configured, mongo: TlsMongo, stranger: Authority
) -> None:
    def shows(path: Path) -> Config:
        return Config.load(configured(1, tlsCertificateKeyFile=str(path)))

    mine = mongo.client_certificate(mongo.authority)
    with Mesh.open("mongo", config=shows(mine)) as mesh:
        assert mesh.operations(state=[OperationState.FAILED]) == []
    with pytest.raises(StoreError, match="certificate that the URI names cannot be used"):
        Mesh.open("mongo", config=shows(mongo.authority.certificate))
    foreign = mongo.client_certificate(stranger)
    with pytest.raises(StoreError, match=r"closes every .*, or another tlsCertificateKeyFile\?"):
        Mesh.open("mongo", config=shows(foreign))
