"""Tokens kept between processes, encrypted: a password login costs more than most lists.

A file holds what a plug-in of keystoneauth1 needs to go on (token and catalog). Its key is made
of a random one of the user's (a file for the owner only), the credential's secret and all else
that is signed in with: whoever changes any of it meets another entry, and the file alone tells
nothing.
"""

import contextlib
import hashlib
import hmac
import json
import logging
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_MAGIC = b"cloudmesh token 1\n"
_BYTES = 32
_NONCE = 12

_log = logging.getLogger(__name__)


def folder() -> Path:
    """Return where tokens are kept."""
    return Path(platformdirs.user_cache_dir("cloudmesh")) / "tokens"


class Cache:
    """The entry of one account; where it cannot be read or written, it is as if it were empty."""

    def __init__(self, place: Path, identity: Mapping[str, Any], secret: Mapping[str, Any]) -> None:
        self._place = place
        self._identity = _plain(identity)
        self._secret = _plain(secret)

    def read(self) -> dict[str, Any] | None:
        """Return what was kept, None where there is nothing that we can open."""
        try:
            path, key = self._path_and_key(make=False)
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.debug("tokens cannot be read: %s", error)
            return None
        try:
            return _opened(content, key)
        except (InvalidTag, ValueError) as error:
            _log.debug("%s is not one of ours, or garbled: %s", path.name, type(error).__name__)
            return None

    def write(self, data: Mapping[str, Any]) -> None:
        """Keep plain data in place of what was kept, in one step."""
        try:
            path, key = self._path_and_key(make=True)
            nonce = os.urandom(_NONCE)
            sealed = AESGCM(key).encrypt(nonce, json.dumps(data).encode(), _MAGIC)
            _replace(path, _MAGIC + nonce + sealed)
        except OSError as error:
            _log.debug("tokens cannot be kept: %s", error)

    def drop(self) -> None:
        """Forget what was kept."""
        try:
            path, _ = self._path_and_key(make=False)
            path.unlink()
        except FileNotFoundError:
            return
        except OSError as error:
            _log.debug("a token cannot be forgotten: %s", error)

    def _path_and_key(self, *, make: bool) -> tuple[Path, bytes]:
        own = _own_key(self._place, make=make)
        name = hmac.new(own, self._identity, hashlib.sha256).hexdigest()[:32]
        derived = HKDF(algorithm=SHA256(), length=_BYTES, salt=own, info=self._identity)
        return self._place / name, derived.derive(own + self._secret)


def _plain(data: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(data), sort_keys=True, default=str).encode()


def _opened(content: bytes, key: bytes) -> dict[str, Any]:
    if not content.startswith(_MAGIC) or len(content) < len(_MAGIC) + _NONCE:
        raise ValueError("another kind of file")
    start = len(_MAGIC) + _NONCE
    nonce = content[len(_MAGIC) : start]
    data = json.loads(AESGCM(key).decrypt(nonce, content[start:], _MAGIC))
    if not isinstance(data, dict):
        raise ValueError("another kind of content")  # noqa: TRY004 - as garbled as the rest
    return data


def _own_key(place: Path, *, make: bool) -> bytes:
    """Return the user's random key, made where there is none that is usable."""
    path = place / "key"
    if make:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = b""
    with contextlib.suppress(FileNotFoundError):
        if place.stat().st_mode & 0o077:
            place.chmod(0o700)
        key = path.read_bytes()
    if len(key) == _BYTES:
        return key
    if not make:
        raise FileNotFoundError(path)
    _replace(path, secrets.token_bytes(_BYTES), keep=not key)
    return path.read_bytes()  # another process may have been first


def _replace(path: Path, content: bytes, *, keep: bool = False) -> None:
    """Write a file for its owner only, in one step; `keep` one that is there already."""
    file, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
        if keep:
            with contextlib.suppress(FileExistsError):
                os.link(name, path)
        else:
            Path(name).replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
