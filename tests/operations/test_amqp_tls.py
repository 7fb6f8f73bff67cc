"""A broker behind TLS, set up by the page Hosting: who is let in, and what the others are told."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from tests.canaries import find_in
from tests.labs.rabbit_tls import TlsRabbit, running_rabbit, told
from tests.labs.tls import Authority

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, StoreError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.announcing import application, check_broker
from cloudmesh_sdk.mesh.hosting import worker_main
from cloudmesh_sdk.models import OperationState
from cloudmesh_sdk.operations.amqp.publish import Publisher
from cloudmesh_sdk.services import control

PATIENCE = 60.0
CM = [sys.executable, "-c", "from cloudmesh_sdk.shell.start import main; exit(main())"]

Configured = Callable[..., Config]

pytestmark = pytest.mark.timeout(200)


@pytest.fixture(scope="module")
def rabbit() -> Iterator[TlsRabbit]:
    with running_rabbit() as rabbit:
        yield rabbit


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that the broker's certificate is not of."""
    return Authority(tmp_path_factory.mktemp("stranger") / "ca", "strangers")


@pytest.fixture
def configured(rabbit: TlsRabbit, tmp_path_factory: pytest.TempPathFactory) -> Configured:
    """Writes a cloudmesh.yaml as the page tells it, with the URI in a file of its own."""
    place = tmp_path_factory.mktemp("t")

    def write(uri: str = "", **tasks: str) -> Config:
        secret, path = place / "broker.uri", place / "cloudmesh.yaml"
        secret.touch(0o600)
        secret.write_text(uri or rabbit.uri())
        given = {"broker": f"file:{secret}", "cafile": str(rabbit.authority.certificate)}
        said = {name: value for name, value in {**given, **tasks}.items() if value}
        path.write_text(
            "profile: {username: albert}\n"
            f"store: {{directory: {place}/mongo, linger: 0}}\n"
            f"clouds: {{india: {{driver: memory, file: {place}/india.json}}}}\n"
            f"tasks: {json.dumps({**said, 'concurrency': 2})}\n"
        )
        return Config.load(path)

    return write


def place_of(config: Config) -> Path:
    assert config.path is not None
    return config.path.parent


def written(config: Config, password: str) -> dict[str, str]:
    """Return where below a configuration its password stands, but for the file of its URI."""
    files = [p for p in place_of(config).rglob("*") if p.is_file() and p.name != "broker.uri"]
    found: dict[str, str] = {}
    for path in files:
        found |= find_in(str(path), path.read_bytes(), [password])
    return found


def test_a_worker_runs_operations_over_tls_as_the_page_tells_it(
    configured: Configured, rabbit: TlsRabbit
) -> None:
    config = configured()
    with Mesh.open("mongo", config=config) as mesh:
        control.start(config, "worker")
        try:
            mesh.refresh()
            (operation,) = mesh.later.start(cloud="india", name=["over-tls"])
            (done,) = mesh.wait_operations([operation], timeout=PATIENCE).complete()
            assert done.state is OperationState.DONE
            assert [server.name for server in mesh.clouds["india"].servers()] == ["over-tls"]
            seen = rabbit.ctl("-q", "list_connections", "ssl", "user", "vhost").splitlines()
            assert {*seen[1:]} == {"true\tcloudmesh\tcloudmesh"}
        finally:
            control.stop(config, "worker")
        assert written(config, rabbit.password) == {}


REFUSED = {
    "password": ({"password": "wr@ng-geheim"}, "refused the user name or password"),
    "user": ({"user": "guest"}, "refused the user name or password"),
    "vhost": ({"vhost": "other"}, "does not let this user in: .*vhost other not found"),
    "host": ({"host": "127.0.0.1"}, "not trusted: .*not valid for '127.0.0.1'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_worker_that_is_refused_ends_and_says_why(
    what: str, configured: Configured, rabbit: TlsRabbit
) -> None:
    other, words = REFUSED[what]
    config = configured(rabbit.uri(**other))
    with pytest.raises(ConfigError, match=f"the broker at .*{words}") as caught:
        worker_main(config)
    assert "geheim" not in f"{caught.value!r} {caught.value.__cause__!r}"


ADVICE = {
    "password": "look at user and password",
    "user": "look at user and password",
    "vhost": "rabbitmqctl list_permissions",
    "host": "it must fit the host in the URI",
}


@pytest.mark.parametrize("what", REFUSED)
def test_who_looks_at_a_broker_that_refuses_is_told_what_to_do(
    what: str, configured: Configured, rabbit: TlsRabbit
) -> None:
    other, words = REFUSED[what]
    with pytest.raises(ConfigError, match=f"the broker at .*{words}.*; .*{ADVICE[what]}") as caught:
        check_broker(configured(rabbit.uri(**other)))
    assert "geheim" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_who_looks_at_a_broker_is_told_that_its_certificate_was_verified(
    configured: Configured, stranger: Authority
) -> None:
    health = check_broker(configured())
    assert health.version.startswith("RabbitMQ ")
    assert health.version.endswith("TLS verified")
    assert (health.identity, health.warnings) == ("cloudmesh in cloudmesh", ())
    for cafile in (str(stranger.certificate), ""):
        with pytest.raises(ConfigError, match=r"not trusted: .*; tasks\.cafile names who"):
            check_broker(configured(cafile=cafile))


def test_a_certificate_that_nobody_we_know_signed_is_refused(
    configured: Configured, stranger: Authority
) -> None:
    for cafile in (str(stranger.certificate), ""):  # another's, then those of the system
        with pytest.raises(ConfigError, match="not trusted: self-signed certificate in"):
            worker_main(configured(cafile=cafile))


def test_a_verified_connection_is_not_lent_to_who_trusts_another(
    configured: Configured, stranger: Authority
) -> None:
    apps = [application(configured(cafile=cafile)) for cafile in ("", str(stranger.certificate))]
    mine = application(configured())
    assert Publisher(mine).waiting("albert") in (False, True)
    keys = {app.connection_for_write().__eqhash__() for app in (mine, *apps)}
    assert len(keys) == 3


def test_a_worker_that_the_store_refuses_ends_and_one_that_finds_none_waits(
    configured: Configured,
    rabbit: TlsRabbit,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = configured(rabbit.uri(password="wr@ng-geheim"))
    monkeypatch.setenv("CLOUDMESH_MONGO_URI", "mongodb://a:b@localhost/?tlsCAFile=/nowhere/ca.pem")
    with pytest.raises(StoreError, match="a file that the URI names cannot be used"):
        worker_main(attrs.evolve(config, store={}))
    monkeypatch.setenv("CLOUDMESH_MONGO_URI", "mongodb://a:b@127.0.0.1:1/")
    with pytest.raises(ConfigError, match=r"the broker at .*refused the user name"):
        worker_main(attrs.evolve(config, store={"timeout": 0.2}))
    assert "127.0.0.1:1 does not answer; is it running?; it is waited for" in caplog.text


def test_cm_tells_in_one_line_and_starts_nothing(configured: Configured, rabbit: TlsRabbit) -> None:
    config = configured(rabbit.uri(password="wr@ng-geheim"))
    words = ["--config", str(config.path), "service", "start", "worker"]
    done = subprocess.run([*CM, *words], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert "worker does not start: " in line
    assert "refused the user name or password; see" in line
    assert "Traceback" not in control.log(config, "worker").read_text()
    assert written(config, "wr@ng-geheim") == {}
    assert find_in("cm", done.stdout + done.stderr, ["wr@ng-geheim"]) == {}


def test_who_asks_is_told_once_and_what_was_asked_for_waits(
    configured: Configured, rabbit: TlsRabbit, caplog: pytest.LogCaptureFixture
) -> None:
    config = configured(rabbit.uri(password="wr@ng-geheim"))
    with Mesh.open("mongo", config=config) as mesh:
        mesh.refresh()
        (operation,) = mesh.later.start(cloud="india", name=["waits"])
        assert mesh.operation(operation.id).state is OperationState.PENDING
        (line,) = [r.getMessage() for r in caplog.records if "broker" in r.getMessage()]
        assert "refused the user name or password; 1 operations wait" in line
        assert "geheim" not in caplog.text
        mesh.cancel_operation(operation.id)


def test_files_that_are_no_certificates_are_named(
    configured: Configured, rabbit: TlsRabbit, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing of that kind")
    ours = str(rabbit.authority.certificate)
    for tasks, words in (
        ({"cafile": "/nowhere/ca.pem"}, "tasks.cafile /nowhere/ca.pem .*No such file"),
        ({"cafile": str(bad)}, f"tasks.cafile {bad} cannot be used: it is no PEM"),
        ({"certfile": str(bad)}, f"tasks.certfile {bad} cannot be used: it is no PEM"),
        ({"certfile": ours, "keyfile": str(bad)}, f"tasks.certfile .*its key: {bad}"),
    ):
        with pytest.raises(ConfigError, match=words):
            application(configured(**tasks))
    with pytest.raises(ConfigError, match="which encrypts nothing; write amqps://"):
        application(configured(rabbit.uri(scheme="amqp")))
    with pytest.raises(ConfigError, match=r"tasks\.keyfile: .*with its certificate alone"):
        configured(keyfile=str(bad))


def refusal(config: Config, caplog: pytest.LogCaptureFixture) -> str:
    """Return what a worker says that is not let in; "" where it is."""
    caplog.clear()
    try:
        Publisher(application(config)).check()
    except ConfigError as error:
        return str(error)
    return caplog.text


def test_a_broker_that_wants_certificates_lets_in_who_has_one(
    configured: Configured,
    rabbit: TlsRabbit,
    stranger: Authority,
    caplog: pytest.LogCaptureFixture,
) -> None:
    certificate, key = rabbit.authority.issue("albert")
    both = rabbit.authority.directory / "both.pem"
    both.touch(0o600)
    both.write_text(certificate.read_text() + key.read_text())
    foreign, other = stranger.issue("bertha")
    rabbit.stop()
    rabbit.start(told("ini", "listeners.tcp"), told("ini", "ssl_options.verify"))
    for own in ({"certfile": str(certificate), "keyfile": str(key)}, {"certfile": str(both)}):
        assert refusal(configured(**own), caplog) == ""
    for less, words in (
        ({}, "certificate required"),
        ({"certfile": str(foreign), "keyfile": str(other)}, "unknown ca"),
    ):
        # TLS 1.3: which of the two is seen depends on who is quicker
        told_us = refusal(configured(**less), caplog)
        assert re.search(f"on TLS: {words}|does not take our tasks.certfile", told_us), told_us
