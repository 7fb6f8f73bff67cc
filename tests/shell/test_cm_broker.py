"""What `cm doctor` says of the broker and its workers; the broker is a real one."""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.labs.rabbit_lab import RabbitLab
from tests.shell.calling import Cm
from tests.shell.test_cm_start import loaded

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.announcing import check_broker
from cloudmesh_sdk.models import Worker
from cloudmesh_sdk.shell.result import run
from cloudmesh_sdk.shell.session import Session

Write = Callable[[str], Path]

pytestmark = pytest.mark.timeout(200)


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of an embedded MongoDB that stays up between the tests."""
    place = tmp_path_factory.mktemp("m") / "mongo"
    with Mesh.open("mongo", config=Config.parse(f"store: {{directory: {place}, linger: 0}}")):
        yield place


@pytest.fixture
def write(mongo: Path, tmp_path: Path) -> Write:
    """Writes a cloudmesh.yaml that names a broker, its URI in a file, and a store of its own."""

    def written(uri: str) -> Path:
        secret, path = tmp_path / "broker.uri", tmp_path / "cloudmesh.yaml"
        secret.touch(0o600)
        secret.write_text(uri)
        broker = uri if uri == "embedded" else f"file:{secret}"
        path.write_text(
            "profile: {username: albert}\n"
            f"store: {{directory: {mongo}, database: {tmp_path.name}, linger: 0}}\n"
            f'tasks: {{broker: "{broker}"}}\n'
        )
        return path

    return written


@pytest.fixture
def doctor() -> Iterator[Callable[[Path], tuple[int, dict[str, list[dict[str, Any]]]]]]:
    """Runs `cm doctor`; gives its exit code, and its rows by what they are about."""
    sessions = []

    def call(path: Path) -> tuple[int, dict[str, list[dict[str, Any]]]]:
        session = Session(config=str(path), embedded=True)
        sessions.append(session)
        done = run("doctor --format json", session=session)
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in json.loads(done.output):
            rows.setdefault(row["what"], []).append(row)
        assert "geheim" not in done.output + done.error
        return done.exit_code, rows

    yield call
    for session in sessions:
        session.close()


Doctor = Callable[[Path], tuple[int, dict[str, list[dict[str, Any]]]]]


def test_a_broker_that_lets_us_in_and_a_worker_are_fine(
    rabbit_lab: RabbitLab, write: Write, doctor: Doctor
) -> None:
    path, uri = write(rabbit_lab.uri), urlsplit(rabbit_lab.uri)
    now = datetime.now(UTC)
    with Mesh.open("mongo", config=Config.load(path)) as mesh:
        worker = Worker(id="hub/7/1", host="hub", pid=7, concurrency=24, running=3, since=now)
        mesh.store.workers.beat(worker, lease=60)
        code, rows = doctor(path)
    (broker,) = rows["broker"]
    assert (code, broker["name"], broker["state"]) == (0, "amqp", "ok")
    for word in ("RabbitMQ ", f"127.0.0.1:{uri.port}", "cloudmesh in cloudmesh"):
        assert word in broker["detail"]
    assert uri.password
    assert uri.password not in json.dumps(rows)
    (told,) = rows["worker"]
    assert (told["name"], told["state"]) == ("hub:7", "ok")
    assert told["detail"] == "runs 3 operations, 24 at most"


def test_without_a_worker_the_doctor_warns_and_says_how_to_start_one(
    rabbit_lab: RabbitLab, write: Write, doctor: Doctor
) -> None:
    code, rows = doctor(write(rabbit_lab.uri))
    (worker,) = rows["worker"]
    assert (code, rows["broker"][0]["state"], worker["state"]) == (0, "ok", "warning")
    assert "--async waits" in worker["detail"]
    assert "cm service start worker" in worker["detail"]


def test_a_password_that_crosses_a_network_in_the_clear_is_warned_of(
    rabbit_lab: RabbitLab, write: Write, doctor: Doctor
) -> None:
    uri = rabbit_lab.uri.replace("127.0.0.1", "127.1")  # the same host, by a name we do not know
    code, rows = doctor(write(uri))
    (broker,) = rows["broker"]
    assert (code, broker["state"]) == (0, "warning")
    assert "unencrypted; amqps:// encrypts" in broker["detail"]


def test_a_wrong_password_is_told_and_not_shown(
    rabbit_lab: RabbitLab, write: Write, doctor: Doctor
) -> None:
    uri = urlsplit(rabbit_lab.uri)
    path = write(uri._replace(netloc=f"cloudmesh:geheim@127.0.0.1:{uri.port}").geturl())
    code, rows = doctor(path)
    (broker,) = rows["broker"]
    assert (code, broker["state"]) == (1, "broken")
    assert broker["detail"] == (
        f"the broker at 127.0.0.1:{uri.port} refused the user name or password; "
        "look at user and password in the URI that tasks.broker names"
    )
    assert rows["worker"], "the store is asked all the same"


def test_a_virtual_host_that_there_is_not_is_told(
    rabbit_lab: RabbitLab, write: Write, doctor: Doctor
) -> None:
    code, rows = doctor(write(urlsplit(rabbit_lab.uri)._replace(path="/other").geturl()))
    (broker,) = rows["broker"]
    assert (code, broker["state"]) == (1, "broken")
    assert "vhost other not found" in broker["detail"]


def test_a_closed_port_is_told_with_what_to_look_at(write: Write, doctor: Doctor) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = taken.getsockname()[1]
        code, rows = doctor(write(f"amqp://cloudmesh:geheim@127.0.0.1:{port}/cloudmesh"))
    (broker,) = rows["broker"]
    assert (code, broker["state"]) == (1, "broken")
    assert broker["detail"].startswith(f"the broker at 127.0.0.1:{port} does not answer: ")
    assert "look whether it runs there" in broker["detail"]


def test_an_embedded_broker_that_does_not_run_is_no_fault(write: Write, doctor: Doctor) -> None:
    code, rows = doctor(write("embedded"))
    (broker,) = rows["broker"]
    assert (code, broker["name"], broker["state"]) == (0, "embedded", "warning")
    assert "cm service start worker" in broker["detail"]


def test_an_embedded_broker_that_runs_is_asked(rabbit_lab: RabbitLab, doctor: Doctor) -> None:
    path = rabbit_lab.directory / "hosted.yaml"  # beside its own, which has the same store
    own = (rabbit_lab.directory / "cloudmesh.yaml").read_text()
    path.write_text(f"{own}tasks: {{broker: embedded}}\n")
    _, rows = doctor(path)
    (broker,) = rows["broker"]
    assert (broker["name"], broker["state"]) == ("embedded", "ok")


def test_without_a_broker_nothing_is_said_of_it(cm: Cm) -> None:
    found = {row["what"] for row in json.loads(cm("doctor --format json").output)}
    assert found.isdisjoint({"broker", "worker"})


@pytest.mark.parametrize(
    "uri", ["amqp://u:ge/heim@h/v", "amqp://u:g[eheim@h/v", "http://u:geheim@h/", "geheim"]
)
def test_a_uri_that_cannot_be_read_is_told_without_a_part_of_it(write: Write, uri: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_broker(Config.load(write(uri)))
    known = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert "heim" not in f"{known!r}"


def test_the_doctor_needs_no_celery_and_a_list_nothing_that_talks_to_a_broker(
    environment: dict[str, str], config: Path, rabbit_lab: RabbitLab
) -> None:
    secret = config.with_name("broker.uri")
    secret.touch(0o600)
    secret.write_text(rabbit_lab.uri)
    config.write_text(f'{config.read_text()}tasks: {{broker: "file:{secret}"}}\n')
    asked = loaded(environment, "--store", "memory", "doctor")
    listed = loaded(environment, "--store", "memory", "vm", "list")
    assert "kombu.connection" in asked
    assert not [name for name in asked if name.partition(".")[0] == "celery"]
    tops = {name.partition(".")[0] for name in listed}
    assert tops.isdisjoint({"amqp", "kombu", "celery"})
