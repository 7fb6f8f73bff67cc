"""Tokens between processes: shared, encrypted, renewed, never in the way."""

import logging
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.labs.openstack_endpoint import PASSWORD, USER
from tests.providers.openstack.clients import Opened, client, endpoint, opened

from cloudmesh_sdk.errors import AuthError
from cloudmesh_sdk.providers.openstack.cache import Cache, folder
from cloudmesh_sdk.providers.openstack.client import Client

__all__ = ["client", "endpoint", "opened"]

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from cloudmesh_sdk.providers.openstack.client import Client
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings
settings = OpenstackSettings(
    auth_url=sys.argv[1], username=sys.argv[2], password=sys.argv[3], project_name="physics"
)
client = Client("india", settings, lambda: None, lambda: None)
print(len(client.call("GET", "/servers/detail")["servers"]), client.skew is not None)
client.close()
"""


@pytest.fixture
def kept(opened: Opened) -> Opened:
    """Open clients that keep their tokens."""
    import attrs

    opened.usual = attrs.evolve(opened.usual, cache=True)
    return opened


def _list(client: Client) -> None:
    client.call("GET", "/servers/detail")


def _entries() -> list[Path]:
    return [path for path in folder().iterdir() if path.name != "key"]


def test_two_processes_share_one_login(kept: Opened) -> None:
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, kept.endpoint.url, USER, PASSWORD],
            cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert done.stdout.split() == ["3", "True"]
    assert kept.endpoint.logins == 1
    assert kept.endpoint.requests.count("GET /compute/v2.1/servers/detail") == 2


def test_what_is_kept_is_for_its_owner_and_tells_nothing(kept: Opened) -> None:
    client = kept()
    _list(client)
    token = kept.endpoint.server.requests[-1].headers["x-auth-token"].encode()
    assert folder().stat().st_mode & 0o777 == 0o700
    for path in folder().iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        content = path.read_bytes() + path.name.encode()
        for told in (token, PASSWORD.encode(), USER.encode(), b"catalog", b"physics"):
            assert told not in content


def test_a_changed_password_is_another_entry(kept: Opened) -> None:
    _list(kept())
    with pytest.raises(AuthError):
        _list(kept(password="another-one"))
    kept.endpoint.password = "another-one"
    _list(kept(password="another-one"))
    assert kept.endpoint.logins == 3


def test_another_user_project_or_keystone_is_another_entry(kept: Opened) -> None:
    _list(kept())
    for other in ({"username": "eve"}, {"project_name": "chemistry"}, {"user_domain_id": "d"}):
        _list(kept(**other))
    assert kept.endpoint.logins == 4


@pytest.mark.parametrize(("passed", "logins"), [(3_400, 1), (3_500, 2), (4_000, 2)])
def test_a_token_is_renewed_two_minutes_before_its_end(
    kept: Opened, monkeypatch: pytest.MonkeyPatch, passed: int, logins: int
) -> None:
    _list(kept())
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=passed)
    monkeypatch.setattr(
        "keystoneauth1._utils.from_utcnow", lambda seconds: later + timedelta(seconds=seconds)
    )
    kept.endpoint.life = 10_000
    _list(kept())
    assert kept.endpoint.logins == logins


def test_a_clock_that_is_hours_ahead_costs_no_logins(
    kept: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    ours = SimpleNamespace(time=lambda: time.time() + 7_200, monotonic=time.monotonic)
    monkeypatch.setattr("cloudmesh_sdk.providers.openstack.answers.time", ours)
    monkeypatch.setattr(
        "keystoneauth1._utils.from_utcnow", lambda seconds: now + timedelta(seconds=7_200 + seconds)
    )
    _list(kept())
    _list(kept())
    assert kept.endpoint.logins == 1


def test_a_kept_token_that_is_refused_is_renewed_once(kept: Opened) -> None:
    _list(kept())
    kept.endpoint.expire()
    _list(kept())
    _list(kept())
    assert kept.endpoint.logins == 2


def test_cache_false_keeps_nothing(kept: Opened) -> None:
    for _ in range(2):
        _list(kept(cache=False))
    assert kept.endpoint.logins == 2
    assert not folder().exists()


@pytest.mark.parametrize("garbled", [b"", b"{}", b"\x00" * 500, None])
def test_a_garbled_file_is_ignored_and_written_anew(
    kept: Opened, garbled: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    _list(kept())
    (entry,) = _entries()
    entry.write_bytes(entry.read_bytes()[:-1] if garbled is None else garbled)
    with caplog.at_level(logging.DEBUG):
        _list(kept())
    assert "not one of ours, or garbled" in caplog.text
    _list(kept())
    assert kept.endpoint.logins == 2


def test_a_lost_or_broken_key_costs_a_login(kept: Opened) -> None:
    _list(kept())
    for broken in (b"", b"short", b"\x00" * 32):
        (folder() / "key").write_bytes(broken)
        _list(kept())
    (folder() / "key").unlink()
    _list(kept())
    _list(kept())
    assert kept.endpoint.logins == 5


def test_a_place_that_cannot_be_written_is_no_error(
    kept: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    _list(kept())
    _list(kept())
    assert kept.endpoint.logins == 2


def test_a_place_that_others_may_enter_is_closed(kept: Opened) -> None:
    folder().mkdir(parents=True)
    folder().chmod(0o755)
    _list(kept())
    assert folder().stat().st_mode & 0o777 == 0o700


def test_microversions_and_skew_are_kept_too(kept: Opened) -> None:
    kept.endpoint.microversions = ("2.1", "2.79")
    _list(kept())
    before = len(kept.endpoint.requests)
    client = kept()
    assert client.skew is not None
    _list(client)
    assert client.microversion() == "2.79"
    assert len(kept.endpoint.requests) == before + 1


def test_a_clock_that_was_set_is_known_to_the_next_process(
    kept: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    _list(kept())
    ahead = time.time() + 3600
    ours = SimpleNamespace(time=lambda: ahead)
    monkeypatch.setattr("cloudmesh_sdk.providers.openstack.answers.time", ours)
    _list(kept())
    later = kept()
    assert later.skew is not None
    assert abs(later.skew - 3600) < 10
    assert kept.endpoint.logins == 1


def test_a_cloud_that_was_renewed_is_asked_for_more_some_day(kept: Opened) -> None:
    kept.endpoint.microversions = ("2.1", "2.79")
    _list(kept())
    kept.endpoint.microversions = ("2.1", "2.104")
    kept.endpoint.expire()  # a login by a process that only heard of it
    _list(kept())
    client = kept()
    _list(client)
    assert client.microversion() == "2.96"


def test_what_one_configuration_asks_for_is_not_taken_for_the_cloud_s_own(kept: Opened) -> None:
    _list(kept(compute_api_version="2.60"))
    assert kept().microversion() == "2.96"


def test_the_microversions_of_one_region_say_nothing_of_another(kept: Opened) -> None:
    kept.endpoint.regions = ["RegionOne", "RegionTwo"]
    kept.endpoint.microversions = ("2.1", "2.79")
    _list(kept(region_name="RegionOne"))
    assert kept(region_name="RegionOne").microversion() == "2.79"
    assert kept(region_name="RegionTwo").microversion() == "2.96"


def test_a_plug_in_without_tokens_meets_an_older_nova(kept: Opened) -> None:
    kept.endpoint.microversions = ("2.1", "2.79")
    url = f"{kept.endpoint.server.url}/compute/v2.1"
    kept.endpoint._tokens.add("tok1")
    _list(kept(auth_type="admin_token", token="tok1", auth={"endpoint": url}))


def _cache(place: Path, **identity: Any) -> Cache:
    return Cache(place, {"user": "u", **identity}, {"password": "p"})


def test_many_writers_leave_one_whole_entry(tmp_path: Path) -> None:
    def write(number: int) -> None:
        _cache(tmp_path / "c").write({"number": number, "more": "x" * 10_000})

    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = _cache(tmp_path / "c").read()
    assert found is not None
    assert found["number"] in range(16)
    assert len(list((tmp_path / "c").iterdir())) == 2  # entry and key, nothing left over


def test_what_was_dropped_is_gone(tmp_path: Path) -> None:
    cache = _cache(tmp_path)
    cache.drop()
    cache.write({"a": 1})
    assert _cache(tmp_path).read() == {"a": 1}
    assert _cache(tmp_path, user="v").read() is None
    cache.drop()
    assert cache.read() is None


def test_a_writer_that_dies_leaves_the_old_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = _cache(tmp_path)
    cache.write({"a": 1})

    def die(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", die)
    cache.write({"a": 2})
    assert cache.read() == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_kept_token_of_another_keystoneauth_costs_a_login(
    kept: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    _list(kept())
    monkeypatch.setattr(Cache, "read", lambda _: {"state": '{"odd": 1}', "skew": 0.0})
    _list(kept())
    assert kept.endpoint.logins == 2
