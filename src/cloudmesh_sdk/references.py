"""Secrets by reference: `env:NAME`, `file:PATH`, `keyring:[SERVICE/]NAME`, `cmd:COMMAND`.

The configuration holds where a secret is, never the secret; it is fetched when a driver is opened.
"""

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cloudmesh_sdk.errors import ConfigError

_PATIENCE = 30.0
"""Seconds that a `cmd:` may take: it may ask a person's token."""

_KEYRINGS = ("SecretService", "kwallet", "macOS", "Windows", "libsecret", "chainer")
"""Backends that really keep a secret; others write clear text."""


def is_reference(value: object) -> bool:
    """Tell whether a value names a secret instead of being one."""
    return isinstance(value, str) and value.partition(":")[0] in _READERS and ":" in value


def resolve(value: Any, *, where: str) -> Any:
    """Return the secret a reference names, within mappings and lists too; other values unchanged.

    Raises `ConfigError`, which never holds the secret; `where` says which key it is about.
    """
    if isinstance(value, Mapping):
        return {key: resolve(item, where=f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, where=where) for item in value]
    if not is_reference(value):
        return value
    scheme, _, name = value.partition(":")
    if not name.strip():
        raise ConfigError(f"{where}: {scheme}: names nothing")
    try:
        return _READERS[scheme](name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error.__cause__
    except (OSError, ValueError, RuntimeError) as error:  # an odd name, or an odd answer
        raise ConfigError(f"{where}: {scheme}: cannot be followed: {_why(error)}") from None


def _why(error: Exception) -> str:
    """Return why a reference cannot be followed; what could be read is not told."""
    if isinstance(error, UnicodeDecodeError):
        return "what is there is not UTF-8"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def _env(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise ConfigError(f"the environment variable {name} is not set") from None


def _file(name: str) -> str:
    path = Path(name).expanduser()
    try:
        mode = path.stat().st_mode
        if mode & 0o077:
            raise ConfigError(f"{path} is open to others (mode {mode & 0o777:o}); chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _keyring(name: str) -> str:
    try:
        import keyring  # an extra, and 180 ms
    except ImportError as error:
        raise ConfigError(
            "keyring is not installed; pip install 'cloudmesh-sdk[keyring]'"
        ) from error
    backend = type(keyring.get_keyring()).__module__
    if not any(word in backend for word in _KEYRINGS):
        raise ConfigError(f"there is no keyring that keeps secrets here (found {backend})")
    service, _, user = name.rpartition("/")
    try:
        secret = keyring.get_password(service or "cloudmesh", user)
    except keyring.errors.KeyringError as error:
        raise ConfigError(f"the keyring does not answer: {error}") from error
    if secret is None:
        raise ConfigError(f"the keyring has no {user!r} of {service or 'cloudmesh'!r}")
    return str(secret)


def _cmd(command: str) -> str:
    words = shlex.split(command) or [""]
    program = words[0]
    try:
        done = subprocess.run(  # noqa: S603 - the user's own configuration names it
            words, capture_output=True, encoding="utf-8", timeout=_PATIENCE, check=True
        )
    except FileNotFoundError as error:
        raise ConfigError(f"the command {program!r} is not there") from error
    except OSError as error:
        raise ConfigError(f"the command {program!r} does not run: {error.strerror}") from error
    except subprocess.CalledProcessError as error:
        raise ConfigError(f"the command {program!r} failed with {error.returncode}") from None
    except subprocess.TimeoutExpired:
        raise ConfigError(f"the command {program!r} took over {_PATIENCE:g} s") from None
    return done.stdout.strip()


_READERS: Mapping[str, Callable[[str], str]] = {
    "env": _env,
    "file": _file,
    "keyring": _keyring,
    "cmd": _cmd,
}
