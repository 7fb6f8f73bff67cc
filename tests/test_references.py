"""Secrets by reference: fetched when asked for, never shown."""

import sys
import traceback
from pathlib import Path

import pytest

from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.references import is_reference, resolve


def test_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "s3")
    assert resolve("env:MY_SECRET", where="a.password") == "s3"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigError, match=r"a\.password: the environment variable NOT_SET is not"):
        resolve("env:NOT_SET", where="a.password")


def test_a_file_of_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("s3\n")
    path.chmod(0o600)
    assert resolve(f"file:{path}", where="a") == "s3"


def test_a_file_open_to_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("s3")
    path.chmod(0o640)
    with pytest.raises(ConfigError, match=r"open to others \(mode 640\); chmod 600") as raised:
        resolve(f"file:{path}", where="a")
    assert "s3" not in str(raised.value)


def test_a_command(tmp_path: Path) -> None:
    script = tmp_path / "tell.py"
    script.write_text("print('s3')")
    assert resolve(f"cmd:{sys.executable} {script}", where="a") == "s3"


def test_a_command_that_fails_is_named_without_its_arguments() -> None:
    with pytest.raises(ConfigError, match="the command 'false' failed with 1") as raised:
        resolve("cmd:false --token s3cret", where="a")
    assert "s3cret" not in str(raised.value)
    with pytest.raises(ConfigError, match="'no-such-program' is not there"):
        resolve("cmd:no-such-program x", where="a")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("cmd:'hunter2", r"a\.b: cmd: cannot be followed: No closing quotation"),
        ("cmd:", r"a\.b: cmd: names nothing"),
        ("cmd: ", r"a\.b: cmd: names nothing"),
        ("cmd:''", r"a\.b: the command ''"),
        ("cmd:tell\0me", r"a\.b: cmd: cannot be followed: embedded null byte"),
        ("env:", r"a\.b: env: names nothing"),
        ("env:A\0B", r"a\.b: the environment variable"),
        ("file:a\0b", r"a\.b: file: cannot be followed: embedded null"),
        ("file:~no-such-user/x", r"a\.b: file: cannot be followed: Could not determine home"),
    ],
)
def test_an_odd_reference_is_one_clear_line(reference: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        resolve(reference, where="a.b")
    assert "hunter2" not in str(raised.value)


def test_a_command_that_may_not_be_run_is_named(tmp_path: Path) -> None:
    script = tmp_path / "tell"
    script.write_text("echo s3")
    script.chmod(0o600)
    with pytest.raises(ConfigError, match=r"tell' does not run: Permission denied"):
        resolve(f"cmd:{script} --token s3cret", where="a")


def test_a_secret_that_is_no_text_is_refused_and_nowhere_shown(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"hunter2\xff")
    path.chmod(0o600)
    for reference in (f"file:{path}", f"cmd:cat {path}"):
        with pytest.raises(ConfigError, match="what is there is not UTF-8") as raised:
            resolve(reference, where="a")
        assert "hunter2" not in "".join(traceback.format_exception(raised.value))


def test_references_within_mappings_and_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "s3")
    assert resolve({"a": ["env:MY_SECRET", 1], "b": "plain"}, where="x") == {
        "a": ["s3", 1],
        "b": "plain",
    }


def test_what_is_a_reference() -> None:
    assert is_reference("keyring:rack1")
    assert not is_reference("https://example.org")
    assert not is_reference("env")
    assert not is_reference(3)


class _Backend:
    """A keyring that keeps one secret; its module decides whether it is trusted."""

    def get_password(self, service: str, user: str) -> str | None:
        return "s3" if (service, user) == ("cloudmesh", "rack1") else None


def _use(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    keyring = pytest.importorskip("keyring")
    backend = type("Keyring", (_Backend,), {"__module__": module})()
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    monkeypatch.setattr(keyring, "get_password", backend.get_password)


def test_a_keyring_that_keeps_secrets_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, "keyring.backends.SecretService")
    assert resolve("keyring:rack1", where="a") == "s3"
    with pytest.raises(ConfigError, match="the keyring has no 'rack2' of 'cloudmesh'"):
        resolve("keyring:rack2", where="a")


def test_a_keyring_that_writes_clear_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, "keyrings.alt.file")
    with pytest.raises(ConfigError, match="no keyring that keeps secrets"):
        resolve("keyring:rack1", where="a")
