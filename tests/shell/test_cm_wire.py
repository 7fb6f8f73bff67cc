"""Looking at the wire: what is sent is shown, what is kept can be played back."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.shell.calling import Cm

from cloudmesh_sdk import wire
from cloudmesh_sdk.config import CloudConfig
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.shell.watching import unkept, watching
from cloudmesh_sdk.wire import Exchange


def exchange(cloud: str, path: str = "/servers") -> Exchange:
    return Exchange(
        cloud=cloud, service="compute", method="GET", url=f"http://{cloud}.test{path}",
        headers={"X-Auth-Token": "***"}, status=200, answer='{"servers": []}',
        at=datetime.now(UTC), elapsed=0.01, request_id="req-1",
    )  # fmt: skip


@pytest.mark.parametrize(
    "line",
    ["vm list --refresh --debug-http --format json", "--debug-http vm list --refresh --format json",
     "vm list --debug-http --format json --refresh"],
)  # fmt: skip
def test_each_exchange_is_shown_on_standard_error(cm: Cm, line: str) -> None:
    result = cm(line)
    assert result.exit_code == 0
    assert len(json.loads(result.output)) == 5
    shown = [text for text in result.error.splitlines() if text.startswith("curl ")]
    assert sorted(text.rpartition("://")[2] for text in shown) == [
        "india/servers", "sierra/servers",
    ]  # fmt: skip
    assert result.error.count("HTTP 200") == 2


def test_looking_ends_with_the_line(cm: Cm) -> None:
    assert "curl " in cm("vm list --refresh --debug-http").error
    assert "curl " not in cm("vm list --refresh").error


def test_what_a_service_says_cannot_command_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watching(None, shows=True)(exchange("india", "/\x1b[2J"))
    told = capsys.readouterr().err
    assert "X-Auth-Token: ***" in told
    assert "\x1b" not in told
    assert r"\x1b[2J" in told


def test_a_line_on_which_nothing_is_sent_says_so(cm: Cm) -> None:
    result = cm("version --debug-http")
    assert result.exit_code == 0
    assert result.error.startswith("nothing was heard on the wire")


def test_a_tape_holds_all_exchanges_and_says_how_it_is_played_back(cm: Cm, tmp_path: Path) -> None:
    tape = tmp_path / "bug.tape"
    result = cm(f"vm list --refresh --record {tape} --format json")
    assert result.exit_code == 0
    assert result.error == (
        f"2 exchanges with india, sierra are in {tape}, secrets masked; cm register NAME "
        f"--driver openstack --set replay={tape} --no-check plays them back\n"
    )
    assert sorted(kept.cloud for kept in wire.read(tape)) == ["india", "sierra"]
    assert tape.stat().st_mode & 0o777 == 0o600
    assert cm(f"refresh india --kind servers --record {tape} --debug-http").exit_code == 0
    assert sorted(kept.cloud for kept in wire.read(tape)) == ["india", "india", "sierra"]


def test_a_tape_begins_with_signing_in() -> None:
    openstack = CloudConfig(name="a", driver="openstack", options={"region_name": "r"})
    assert dict(unkept(openstack).options) == {"region_name": "r", "cache": False}
    memory = CloudConfig(name="b", driver="memory")
    assert unkept(memory) is memory
    broken = CloudConfig(name="c", driver="nothing")
    assert unkept(broken) is broken


def test_a_tape_holds_whole_lists_for_who_has_none_yet(
    cm: Cm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    refresh = Mesh.refresh

    def noted(self: Mesh, *args: object, full: bool = False, **options: object) -> object:
        asked.append(full)
        return refresh(self, *args, full=full, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Mesh, "refresh", noted)
    for line in ("vm list --refresh", f"vm list --refresh --record {tmp_path}/bug.tape",
                 f"refresh --record {tmp_path}/bug.tape"):  # fmt: skip
        assert cm(line).exit_code == 0
    assert asked == [False, True, True]


def test_a_script_has_one_tape(cm: Cm, tmp_path: Path) -> None:
    (tmp_path / "script").write_text("vm list india --refresh\nvm list sierra --refresh\n")
    result = cm(f"script {tmp_path}/script --record {tmp_path}/bug.tape")
    assert result.error.count("secrets masked") == 1
    assert [kept.cloud for kept in wire.read(tmp_path / "bug.tape")] == ["india", "sierra"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("cloudmesh.yaml", "--record adds to no file that is no tape"),
     ("nowhere/bug.tape", "--record: there is no directory"),
     (".", "cannot be read: Is a directory")],
)  # fmt: skip
def test_a_tape_replaces_no_other_file(
    cm: Cm, config: Path, name: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    before = config.read_text()
    result = cm(f"vm list --record {name}")
    assert (result.exit_code, says in result.error) == (2, True)
    assert config.read_text() == before


def test_a_tape_that_cannot_be_written_fails_the_line_and_no_cloud(
    cm: Cm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wire, "write", full)
    result = cm(f"vm list --refresh --record {tmp_path}/bug.tape --format json")
    assert result.exit_code == 1
    assert len(json.loads(result.output)) == 5
    assert "bug.tape cannot be written: No space left on device" in result.error


def test_what_other_threads_tell_reaches_the_line_that_looks(
    cm: Cm, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    servers = Mesh.servers

    def told(self: Mesh, *args: object, **query: object) -> object:
        watch = self.clouds["india"].watch
        assert watch is not None
        thread = threading.Thread(target=watch, args=(exchange("india"),))
        thread.start()
        thread.join()
        return servers(self, *args, **query)  # type: ignore[arg-type]

    monkeypatch.setattr(Mesh, "servers", told)
    assert "curl " in cm("vm list --debug-http").error
    assert capfd.readouterr().err == ""
