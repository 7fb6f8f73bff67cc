"""Logging in by SSH: what asyncssh is told, and what its errors mean."""

import contextlib
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncssh

from cloudmesh_sdk.errors import AuthError, BackendError, UnavailableError, UnsupportedError

PATIENCE = 20.0
"""Seconds that a login may take."""

KEEPALIVE = 10.0
"""Seconds of silence after which the other side is asked whether it lives."""

_UNANSWERED = 2
"""How many such questions may be left without an answer."""

_SYSTEM_HOSTS = "/etc/ssh/ssh_known_hosts"


def where(settings: Any) -> str:
    """Return a place for people: `albert@login.india`."""
    return f"{settings.user}@{settings.host}" if settings.user else str(settings.host)


async def log_in(settings: Any) -> asyncssh.SSHClientConnection:
    """Log in; raises our errors. A host that is not known is not trusted."""
    try:
        _look_at_files(settings)
        options = await asyncssh.SSHClientConnectionOptions.construct(**_told(settings))
        known = _known_hosts(options.known_hosts)
        link = await asyncssh.connect(**{**_told(settings), "known_hosts": known})
    except (asyncssh.Error, OSError, ValueError, OverflowError, TimeoutError) as error:
        raise _meant(settings, error) from error
    _forget_unsent(link)
    return link


def _told(settings: Any) -> dict[str, Any]:
    """Return what asyncssh is told; the rest comes from the user's configuration and agent."""
    given = {
        "host": settings.host,
        "username": settings.user,
        "port": settings.port,
        "known_hosts": _file(settings.known_hosts),
        "config": None if settings.ssh_config is None else [_file(settings.ssh_config)],
        "client_keys": None if settings.identity is None else [_file(settings.identity)],
    }
    return {
        **{name: value for name, value in given.items() if value is not None},
        "ignore_encrypted": True,  # the agent may have such a key open
        "connect_timeout": PATIENCE,
        "login_timeout": PATIENCE,
        "keepalive_interval": KEEPALIVE,
        "keepalive_count_max": _UNANSWERED,
    }


def _file(path: str | None) -> str | None:
    return None if path is None else str(Path(path).expanduser())


def _look_at_files(settings: Any) -> None:
    """Raise `AuthError` for a file of the settings that is not there: asyncssh says too little."""
    for option in ("identity", "known_hosts", "ssh_config"):
        path = _file(getattr(settings, option))
        if path is not None and not Path(path).is_file():
            raise AuthError(f"{option}: there is no file {path}")


def _known_hosts(files: Any) -> Any:
    """Return the files of known hosts that are there; without any set the usual two.

    Without any asyncssh looks into `~/.ssh/known_hosts`. That no file is wanted at all
    (`UserKnownHostsFile none`) does not mean that every host is trusted.
    """
    if isinstance(files, str):
        return files
    wanted: Sequence[str] = files or ("~/.ssh/known_hosts", _SYSTEM_HOSTS)
    paths = [Path(path).expanduser() for path in wanted]
    return [str(path) for path in paths if path.is_file()] or b""


def _forget_unsent(link: asyncssh.SSHClientConnection) -> None:
    """Have the kernel drop what it has not sent when the connection is closed.

    Else a command that we gave up could still go out when a broken network comes back.
    """
    wire = link.get_extra_info("socket")
    if wire is not None:
        with contextlib.suppress(OSError):
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _meant(settings: Any, error: Exception) -> BackendError:
    """Return what an error of a login means."""
    for kind, meaning, told in _MEANINGS:
        if isinstance(error, kind):
            return meaning(f"{where(settings)}: {told(settings, error)}")
    why = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
    return UnavailableError(f"{where(settings)} cannot be reached by SSH: {why}")


def _untrusted(settings: Any, error: Exception) -> str:
    by_hand = f"ssh {'' if settings.port is None else f'-p {settings.port} '}{where(settings)}"
    return (
        f"this host's key is unknown here, or another than the known one ({error}); "
        f"log in once by hand (`{by_hand}`) and compare it, or add it by ssh-keyscan"
    )


def _no_key(settings: Any, _: Exception) -> str:
    if settings.identity is None:
        return "no key of your agent, SSH configuration or ~/.ssh lets us in there"
    try:
        asyncssh.read_private_key(str(_file(settings.identity)))
    except asyncssh.KeyImportError as error:
        if str(error).startswith("Passphrase"):
            return (
                f"the key {settings.identity} is encrypted and your agent does not have it; "
                f"ssh-add {settings.identity}"
            )
    return f"the key {settings.identity} does not let us in there"


def _no_port(settings: Any, _: Exception) -> str:
    return f"{settings.port} is no port; 1 to 65535 are"


def _unreadable(settings: Any, error: Exception) -> str:
    return f"the key {settings.identity} cannot be read: {error}"


_MEANINGS: tuple[
    tuple[type[Exception], type[BackendError], Callable[[Any, Exception], str]], ...
] = (
    (asyncssh.HostKeyNotVerifiable, AuthError, _untrusted),
    (asyncssh.PermissionDenied, AuthError, _no_key),
    (asyncssh.KeyImportError, AuthError, _unreadable),
    (asyncssh.ConfigParseError, UnsupportedError, lambda _, e: f"SSH configuration: {e}"),
    (asyncssh.KeyExchangeFailed, UnsupportedError, lambda _, e: f"no safe connection: {e}"),
    (OverflowError, UnsupportedError, _no_port),
    (TimeoutError, UnavailableError, lambda *_: f"did not let us in within {PATIENCE:g} s"),
)
"""What the errors of a login mean; what is in none of these is a place that cannot be reached."""
