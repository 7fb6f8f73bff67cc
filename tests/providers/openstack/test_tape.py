"""Watching, recording and replaying a cloud's traffic, without its secrets."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.labs.openstack_endpoint import PASSWORD, PROJECT_ID
from tests.providers.openstack.clients import Opened, client, endpoint, opened

from cloudmesh_sdk.errors import ConfigError, NotFoundError, UnavailableError
from cloudmesh_sdk.providers.openstack import OpenstackCloud
from cloudmesh_sdk.providers.openstack.client import Client
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings
from cloudmesh_sdk.testing.server import LOST, Reply
from cloudmesh_sdk.wire import as_curl, read

__all__ = ["client", "endpoint", "opened"]

CANARY = "canary-4711"
DETAIL = "/compute/v2.1/servers/detail"
CONSOLE = "/compute/v2.1/servers/00000001-x/remote-consoles"


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return tmp_path / "tape.jsonl"


def _replayed(tape: Path, **more: Any) -> Client:
    settings = OpenstackSettings(replay=str(tape), retries=0, **more)
    return Client("india", settings, lambda: None, lambda: None)


def _names(client: Client, **params: object) -> list[str]:
    pages = client.pages("/servers/detail", "servers", params=params or None)
    return [server["name"] for page in pages for server in page]


# --- watching


def test_whoever_watches_hears_of_each_request_signing_in_included(opened: Opened) -> None:
    opened.exchanges = []
    opened().call("GET", "/flavors/detail")
    login, listing = opened.exchanges
    assert (login.service, login.method, login.status) == ("identity", "POST", 201)
    assert login.url.endswith("/v3/auth/tokens")
    assert login.answered["X-Subject-Token"] == "***"
    assert (listing.service, listing.method, listing.status) == ("compute", "GET", 200)
    assert json.loads(listing.answer)["flavors"][0]["name"] == "m1.nano"
    assert listing.headers["X-Auth-Token"] == "***"
    assert len(opened.exchanges) == opened.told
    for exchange in opened.exchanges:
        shown = as_curl(exchange)
        assert PASSWORD not in shown
        assert "gAAAAA" not in shown


def test_a_request_without_an_answer_is_told_too(opened: Opened) -> None:
    opened.exchanges = []
    opened.endpoint.faults[DETAIL].append(LOST)
    with pytest.raises(UnavailableError):
        _names(opened(retries=0))
    assert opened.exchanges[-1].status is None
    assert "Error" in opened.exchanges[-1].error


def test_where_nobody_watches_nothing_is_made(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    monkeypatch.setattr(
        "cloudmesh_sdk.providers.openstack.client.exchange", lambda *a, **k: made.append(a)
    )
    assert len(_names(opened())) == 3
    assert made == []


# --- recording


def _canaries(endpoint_: Any) -> None:
    """Let secrets come back in every field that an answer has."""
    headers = {"Set-Cookie": f"session={CANARY}", "X-Service-Token": CANARY, "Link": PASSWORD}
    endpoint_.faults[CONSOLE].append(
        Reply(
            body={
                "remote_console": {"url": f"http://h/vnc_auto.html?path=%3Ftoken%3D{CANARY}"},
                "user_data": CANARY,
                "echo": [PASSWORD, {PASSWORD: f"x{PASSWORD}x"}],
            },
            headers=headers,
        )
    )


def test_a_tape_has_no_secret_in_any_field(opened: Opened, tape: Path) -> None:
    _canaries(opened.endpoint)
    client = opened(record=str(tape))
    body = {"server": {"name": "a", "user_data": CANARY, "adminPass": CANARY}}
    client.call("POST", "/servers", body=body)
    client.call("POST", "/servers/00000001-x/remote-consoles", body={"echo": PASSWORD})
    client.raw("GET", "/servers", headers={"X-Service-Token": CANARY}, params={"token": CANARY})
    text = tape.read_text()
    for secret in (CANARY, PASSWORD, "gAAAAA", "pYw7Nru3cret"):
        assert secret not in text
    for exchange in read(tape):
        for part in (exchange.body, exchange.answer):
            assert not part or json.loads(part)
    assert tape.stat().st_mode & 0o777 == 0o600


def test_a_tape_begins_with_signing_in_though_a_token_is_kept(opened: Opened, tape: Path) -> None:
    opened(cache=True).call("GET", "/flavors/detail")
    opened(cache=True, record=str(tape)).call("GET", "/flavors/detail")
    assert [e.service for e in read(tape)] == ["identity", "compute"]


def test_a_tape_that_cannot_be_written_is_told_at_once(opened: Opened, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"record: .*none/tape cannot be written: No such file"):
        opened(record=str(tmp_path / "none" / "tape"))


# --- replaying


def test_a_tape_answers_as_the_cloud_did(opened: Opened, tape: Path) -> None:
    opened.endpoint.servers, opened.endpoint.page = 5, 2
    live = opened(record=str(tape))
    pages = list(live.pages("/servers/detail", "servers"))
    made = live.call("POST", "/servers", body={"server": {"name": "a"}})
    with pytest.raises(NotFoundError) as refused:
        live.call("GET", "/servers/0000ffff-x")
    sent = len(opened.endpoint.requests)

    replayed = _replayed(tape)
    assert list(replayed.pages("/servers/detail", "servers")) == pages
    again = replayed.call("POST", "/servers", body={"server": {"name": "a"}})
    assert again == {"server": {**made["server"], "adminPass": "***"}}
    with pytest.raises(NotFoundError) as refused_again:
        replayed.call("GET", "/servers/0000ffff-x")
    assert str(refused_again.value) == str(refused.value)
    assert replayed.project_id() == PROJECT_ID
    assert replayed.has("network")
    assert len(opened.endpoint.requests) == sent


def test_answers_come_in_order_and_the_last_read_stays(opened: Opened, tape: Path) -> None:
    live = opened(record=str(tape))
    for name in ("a", "b"):
        opened.endpoint.faults[DETAIL].append(Reply(body={"servers": [{"name": name}]}))
        _names(live)
    live.call("POST", "/servers", body={})
    replayed = _replayed(tape)
    assert [_names(replayed) for _ in range(4)] == [["a"], ["b"], ["b"], ["b"]]
    replayed.call("POST", "/servers", body={})
    with pytest.raises(UnavailableError, match=r"lacks this.*POST http://.*/servers is not on"):
        replayed.call("POST", "/servers", body={})


def test_what_changed_since_is_asked_at_other_moments(opened: Opened, tape: Path) -> None:
    _names(opened(record=str(tape)), **{"changes-since": "2026-11-22T22:00:00Z"})
    assert len(_names(_replayed(tape), **{"changes-since": "2027-01-01T00:00:00Z"})) == 3
    with pytest.raises(UnavailableError, match="lacks this"):
        _names(_replayed(tape))


def test_of_a_tape_whole_lists_are_asked_again_and_again(opened: Opened, tape: Path) -> None:
    _names(opened(record=str(tape)))
    replayed = OpenstackCloud("india", OpenstackSettings(replay=str(tape)))
    assert replayed.complete_every == 0
    assert [len(list(replayed.servers())) for _ in range(2)] == [3, 3]


def test_a_token_on_a_tape_never_runs_out(opened: Opened, tape: Path) -> None:
    opened.endpoint.life = -3600
    live = opened(record=str(tape))
    live.call("GET", "/flavors/detail")
    assert _replayed(tape).call("GET", "/flavors/detail")["flavors"]


def test_what_failed_fails_again(opened: Opened, tape: Path) -> None:
    opened.endpoint.faults[DETAIL].append(LOST)
    with pytest.raises(UnavailableError):
        _names(opened(record=str(tape), retries=0))
    with pytest.raises(UnavailableError, match="as recorded"):
        _names(_replayed(tape))


def test_a_missing_answer_is_not_asked_for_again(opened: Opened, tape: Path) -> None:
    opened(record=str(tape)).project_id()
    client = _replayed(tape)
    with pytest.raises(UnavailableError, match=r"GET .*/flavors is not on"):
        client.call("GET", "/flavors", budget=client.budget())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "replay: .*tape.jsonl cannot be read: No such file"),
        ("garbage", "replay: .*tape.jsonl, line 1: no exchange stands there"),
        ("", "tape.jsonl has no answer of Keystone with a catalog"),
    ],
)
def test_a_tape_that_is_none_is_told(tape: Path, content: str | None, message: str) -> None:
    if content is not None:
        tape.write_text(content)
    with pytest.raises(ConfigError, match=message):
        _replayed(tape)


def test_threads_write_whole_lines(opened: Opened, tape: Path) -> None:
    client = opened(record=str(tape))
    client.project_id()
    threads = [threading.Thread(target=_names, args=(client,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(read(tape))) == 9


def test_of_a_tape_with_several_clouds_each_hears_its_own(opened: Opened, tape: Path) -> None:
    _names(opened(record=str(tape)))
    text = tape.read_text()
    tape.write_text(text + text.replace('"india"', '"sierra"').replace("node-0", "peak-0"))
    assert _names(_replayed(tape))[0] == "node-00000"
