"""Logging in by SSH: keys, known hosts, configuration; what is wrong is said in one line."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.labs.sshd_lab import Sshd, agent, free_port, keygen
from tests.labs.sshd_proxy import proxy

from cloudmesh_sdk.errors import AuthError, BackendError, UnavailableError, UnsupportedError
from cloudmesh_sdk.queues.batch.ssh import Ssh, link, login


def said(sshd: Sshd, **settings: Any) -> bytes:
    """Return what a command says over a way of its own."""
    ssh = Ssh(sshd.settings(**settings))
    try:
        return ssh.run(["echo", "in"], timeout=30).out
    finally:
        ssh.close()


def refused(sshd: Sshd, **settings: Any) -> BackendError:
    """Return the error of a login."""
    with pytest.raises(BackendError) as error:
        said(sshd, **settings)
    assert "\n" not in str(error.value)
    return error.value


def test_a_host_that_is_not_known_is_not_trusted(shared_sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known").touch()
    error = refused(shared_sshd, known_hosts=str(tmp_path / "known"))
    assert isinstance(error, AuthError)
    user = shared_sshd.settings().user
    assert f"ssh -p {shared_sshd.port} {user}@127.0.0.1" in str(error)
    assert "ssh-keyscan" in str(error)


def test_a_port_that_is_none_is_told(shared_sshd: Sshd) -> None:
    error = refused(shared_sshd, port=99_999)
    assert not error.transient
    assert "99999 is no port; 1 to 65535 are" in str(error)


def test_a_host_with_another_key_than_before_is_not_trusted(
    shared_sshd: Sshd, tmp_path: Path
) -> None:
    keygen(tmp_path / "other")
    words = (tmp_path / "other.pub").read_text().split()[:2]
    known = tmp_path / "known"
    known.write_text(f"[127.0.0.1]:{shared_sshd.port} {' '.join(words)}\n")
    error = refused(shared_sshd, known_hosts=str(known))
    assert isinstance(error, AuthError)
    assert "another than the known one" in str(error)


def test_wanting_no_file_of_known_hosts_does_not_mean_that_all_are_trusted(
    shared_sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config = tmp_path / "config"
    config.write_text("UserKnownHostsFile none\nStrictHostKeyChecking no\n")
    error = refused(shared_sshd, known_hosts=None, ssh_config=str(config))
    assert isinstance(error, AuthError)


def test_the_users_own_known_hosts_are_looked_at(
    shared_sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text(shared_sshd.known_hosts.read_text())
    assert said(shared_sshd, known_hosts=None) == b"in\n"
    assert said(shared_sshd, known_hosts="~/.ssh/known_hosts") == b"in\n"


def test_a_key_that_is_not_known_there_is_told(shared_sshd: Sshd, tmp_path: Path) -> None:
    keygen(tmp_path / "other")
    error = refused(shared_sshd, identity=str(tmp_path / "other"))
    assert isinstance(error, AuthError)
    assert f"the key {tmp_path / 'other'} does not let us in there" in str(error)


def test_a_login_without_any_key_is_told(
    shared_sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    error = refused(shared_sshd, identity=None)
    assert isinstance(error, AuthError)
    assert "no key of your agent" in str(error)


def locked(sshd: Sshd, tmp_path: Path, passphrase: str = "open sesame") -> Path:
    """Return a key with a passphrase that is let in."""
    path = tmp_path / "locked"
    keygen(path, passphrase)
    with (sshd.directory / "authorized_keys").open("a") as file:
        file.write((tmp_path / "locked.pub").read_text())
    return path


def test_an_encrypted_key_needs_an_agent_which_is_told(shared_sshd: Sshd, tmp_path: Path) -> None:
    key = locked(shared_sshd, tmp_path)
    error = refused(shared_sshd, identity=str(key))
    assert isinstance(error, AuthError)
    assert f"ssh-add {key}" in str(error)


def test_the_users_agent_is_asked(
    shared_sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = locked(shared_sshd, tmp_path)
    with agent(tmp_path, (key, "open sesame")) as place:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        assert said(shared_sshd, identity=None) == b"in\n"
        assert said(shared_sshd, identity=str(key)) == b"in\n"


@pytest.mark.parametrize("option", ["identity", "known_hosts", "ssh_config"])
def test_a_file_that_is_not_there_is_named(option: str, shared_sshd: Sshd, tmp_path: Path) -> None:
    path = str(tmp_path / "none")
    error = refused(shared_sshd, **{option: path})
    assert isinstance(error, AuthError)
    assert f"{option}: there is no file {path}" in str(error)


def test_a_key_that_is_none_is_told(shared_sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("nothing of the kind")
    error = refused(shared_sshd, identity=str(tmp_path / "key"))
    assert isinstance(error, AuthError)
    assert f"the key {tmp_path / 'key'} cannot be read" in str(error)


def test_a_configuration_that_cannot_be_read_is_told(shared_sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("Port many\n")
    error = refused(shared_sshd, ssh_config=str(tmp_path / "config"), port=None)
    assert isinstance(error, UnsupportedError)
    assert "line 1" in str(error)


def test_the_ssh_configuration_says_what_a_name_means(shared_sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host india\n  HostName 127.0.0.1\n  Port {shared_sshd.port}\n"
        f"  User {shared_sshd.settings().user}\n  IdentityFile {shared_sshd.key}\n"
        f"  UserKnownHostsFile {shared_sshd.known_hosts} {tmp_path}/none\n"
    )
    plain = {"port": None, "user": None, "identity": None, "known_hosts": None}
    assert said(shared_sshd, host="india", ssh_config=str(config), **plain) == b"in\n"
    ssh = Ssh(shared_sshd.settings(host="india", user=None))
    assert ssh.where == "india"


def test_a_machine_behind_another_is_reached_through_it(
    shared_sshd: Sshd, sshd: Sshd, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    with proxy(shared_sshd.port) as gate:
        shared_sshd.trust(gate.port)
        config.write_text(
            f"Host gate\n  HostName 127.0.0.1\n  Port {gate.port}\n"
            f"  IdentityFile {shared_sshd.key}\n  UserKnownHostsFile {shared_sshd.known_hosts}\n"
            "Host inner\n  HostName 127.0.0.1\n  ProxyJump gate\n"
        )
        assert said(sshd, host="inner", ssh_config=str(config)) == b"in\n"
        assert gate.connections == 1


def test_nobody_at_the_port_is_a_place_that_cannot_be_reached(shared_sshd: Sshd) -> None:
    begun = time.monotonic()
    error = refused(shared_sshd, port=free_port())
    assert isinstance(error, UnavailableError)
    assert "cannot be reached by SSH" in str(error)
    assert time.monotonic() - begun < 10


def test_a_name_that_means_no_machine_is_told(shared_sshd: Sshd) -> None:
    error = refused(shared_sshd, host="no-such-host.invalid")
    assert isinstance(error, UnavailableError)
    assert "no-such-host.invalid" in str(error)


@contextmanager
def server(says: bytes, *, stays: bool) -> Iterator[int]:
    """Give the port of something that is no SSH server."""
    over = threading.Event()

    def serve(door: socket.socket) -> None:
        while not over.is_set():
            try:
                client, _ = door.accept()
            except OSError:
                return
            with client:
                client.sendall(says)
                if stays:
                    over.wait(30)

    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=serve, args=(door,))
        thread.start()
        yield door.getsockname()[1]
        over.set()
        door.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    "says",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n" + b"\xff" * 5_000, b"\0" * 99],
)
def test_what_speaks_no_ssh_is_a_place_that_cannot_be_reached(
    says: bytes, shared_sshd: Sshd
) -> None:
    with server(says, stays=False) as port:
        error = refused(shared_sshd, port=port)
    assert isinstance(error, UnavailableError)
    assert "cannot be reached by SSH" in str(error)


def test_who_says_nothing_is_not_waited_for_longer_than_a_login_may_take(
    shared_sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "PATIENCE", 0.5)
    with server(b"", stays=True) as port:
        error = refused(shared_sshd, port=port)
    assert isinstance(error, UnavailableError)
    assert "did not let us in within 0.5 s" in str(error)


def test_many_who_want_in_at_once_share_one_attempt_and_its_failure(shared_sshd: Sshd) -> None:
    errors: list[BackendError] = []
    with server(b"no\r\n", stays=False) as port, proxy(port) as counted:
        ssh = Ssh(shared_sshd.settings(port=counted.port))

        def attempt() -> None:
            with pytest.raises(UnavailableError) as error:
                ssh.run(["true"], timeout=30)
            errors.append(error.value)

        threads = [threading.Thread(target=attempt) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ssh.close()
        assert len({id(error) for error in errors}) == 8
        assert len({str(error) for error in errors}) == 1
        assert counted.connections == 1


def test_a_login_that_failed_is_tried_again_after_a_rest(
    shared_sshd: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(link, "REST", 0.0)
    keygen(tmp_path / "late")
    ssh = Ssh(shared_sshd.settings(identity=str(tmp_path / "late")))
    with pytest.raises(AuthError):
        ssh.run(["true"], timeout=30)
    with (shared_sshd.directory / "authorized_keys").open("a") as file:
        file.write((tmp_path / "late.pub").read_text())
    assert ssh.run(["echo", "in"], timeout=30).out == b"in\n"
    ssh.close()
