"""The broker is a RabbitMQ of the user's own: loopback only, one user, its password in no `ps`."""

import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from tests.labs.rabbit_lab import RabbitLab

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, PluginError, UnavailableError
from cloudmesh_sdk.services import broker, control, kin, places, program, supervised
from cloudmesh_sdk.services.records import State


def config_of(directory: Path) -> Config:
    return Config.parse(f'store: {{directory: "{directory}/mongo"}}')


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path)


def test_without_a_start_there_is_no_uri(config: Config) -> None:
    with pytest.raises(ConfigError, match="cm service start broker"):
        broker.uri(config)
    assert broker.answers(config) is False


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(broker, "PROGRAM", tmp_path / "rabbitmq-server")
    with pytest.raises(PluginError, match="apt-get install rabbitmq-server"):
        broker.check()


def test_its_secrets_are_its_owners_and_stay(config: Config) -> None:
    where = places.place(config, "broker")
    first = broker.prepare(where)
    assert broker.prepare(where) == first
    assert first.password not in repr(first)
    assert first.cookie not in repr(first)
    held = [p for p in where.root.rglob("*") if p.is_file() and first.password in p.read_text()]
    assert {p.name for p in held} == {"access.json", "rabbitmq.conf", "uri"}
    assert (where.root / "uri").read_text() == broker.uri(config)
    assert {stat.S_IMODE(p.stat().st_mode) for p in held} == {0o600}
    assert stat.S_IMODE((where.root / "home" / ".erlang.cookie").stat().st_mode) == 0o400


def test_two_configurations_have_two_brokers(tmp_path: Path) -> None:
    one, other = (
        broker.prepare(places.place(config_of(tmp_path / name), "broker")) for name in "ab"
    )
    assert one.password != other.password
    assert one.cookie != other.cookie


def test_one_place_has_one_broker(config: Config) -> None:
    where = places.place(config, "broker")
    with program.claim(where), where.lock("process") as second:
        assert second.take() is False
        assert supervised.stranger(where) == kin.myself()
        with pytest.raises(UnavailableError, match=f"pid {os.getpid()}.*systemctl"):
            control.start(config, "broker")
        found = control.status(config, "broker")
        assert (found.state, found.pid) == (State.RUNNING, os.getpid())
    assert control.status(config, "broker").state is State.STOPPED


@pytest.mark.lab
@pytest.mark.timeout(200)
def test_it_listens_on_loopback_and_knows_one_user(rabbit_lab: RabbitLab) -> None:
    kombu = pytest.importorskip("kombu")
    amqp = pytest.importorskip("amqp")
    found = urlsplit(rabbit_lab.uri)
    family = [rabbit_lab.process, *rabbit_lab.process.children(recursive=True)]
    listening = [
        c.laddr.ip for p in family for c in p.net_connections() if c.status == psutil.CONN_LISTEN
    ]
    assert set(listening) <= {"127.0.0.1", "::1"}
    with kombu.Connection(rabbit_lab.uri) as connection:
        connection.connect()
    for login in ("guest:guest", f"{found.username}:wrong"):
        uri = f"amqp://{login}@127.0.0.1:{found.port}{found.path}"
        with kombu.Connection(uri) as connection, pytest.raises(amqp.AccessRefused):
            connection.connect()
    said = " ".join(word for p in family for word in (*p.cmdline(), *p.environ().values()))
    assert found.password
    assert found.password not in said
    root = places.place(rabbit_lab.config, "broker").root
    held = {p.name for p in root.rglob("*") if p.is_file() and _holds(p, found.password)}
    assert held == {"access.json", "rabbitmq.conf", "uri"}


def _holds(path: Path, secret: str) -> bool:
    try:
        return secret.encode() in path.read_bytes()
    except FileNotFoundError:  # the broker is at work
        return False


@pytest.mark.lab
@pytest.mark.timeout(300)
def test_one_that_is_killed_comes_back_with_its_messages(rabbit_lab: RabbitLab) -> None:
    kombu = pytest.importorskip("kombu")
    uri, killed = rabbit_lab.uri, rabbit_lab.process
    before = control.status(rabbit_lab.config, "broker").restarts
    with kombu.Connection(uri, transport_options={"confirm_publish": True}) as connection:
        queue = connection.SimpleQueue("kept")
        queue.put("still here", retry=False)
        killed.kill()
    with kombu.Connection(rabbit_lab.uri) as connection:
        assert kin.until(lambda: back(rabbit_lab, killed.pid), 150)
        queue = connection.SimpleQueue("kept")
        message = queue.get(timeout=10)
        assert message.payload == "still here"
        message.ack()
    assert rabbit_lab.uri == uri
    assert control.status(rabbit_lab.config, "broker").restarts == before + 1


def back(lab: RabbitLab, before: int) -> bool:
    """Tell whether another process is the broker now, and takes clients."""
    now = control.status(lab.config, "broker").pid
    return now not in (None, before) and broker.answers(lab.config)
