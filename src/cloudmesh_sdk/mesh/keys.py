"""The user's own public keys, which clouds get when a server needs one."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import attrs

from cloudmesh_sdk.errors import InvalidRequestError, NotFoundError, near
from cloudmesh_sdk.models import Keypair
from cloudmesh_sdk.store.base import Settings

_STORED = "key:"
"""How the names of settings begin that hold a key: one each, so that two may be added at once."""

_MD5 = re.compile(r"(?:MD5:)?([0-9a-f]{2}(?::[0-9a-f]{2}){15})$", re.IGNORECASE)
_SHA256 = re.compile(r"(?:SHA256:)?([A-Za-z0-9+/]{43})=?$")

_PUBLIC = re.compile(r"^(ssh-|ecdsa-|sk-)[\w@.-]+ [A-Za-z0-9+/=]+( .*)?$")


@attrs.frozen(kw_only=True)
class Key:
    """A public SSH key of the user."""

    columns: ClassVar[tuple[str, ...]] = ("name", "fingerprint", "default", "clouds")

    name: str
    public_key: str = attrs.field(repr=False)
    fingerprint: str
    """SHA-256, as ssh-keygen prints it."""
    default: bool = False
    clouds: tuple[str, ...] = ()
    """Clouds that have it, as last seen."""


def fingerprint(public_key: str) -> str:
    """Return the SHA-256 fingerprint of a key in OpenSSH form (RFC 4253 blob, RFC 4648 base64).

    Raises `InvalidRequestError` where the text is no public key.
    """
    digest = hashlib.sha256(_blob(public_key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def same(public_key: str, pair: Keypair) -> bool | None:
    """Tell whether a cloud's keypair is this key; None where what the cloud shows cannot tell.

    A SHA-256 is that of the key as OpenSSH packs it, everywhere. An MD5 may be (Nova), or be one
    of the key in DER (EC2): only where it is equal does it tell.
    """
    if pair.public_key:
        return pair.public_key.split()[:2] == public_key.split()[:2]
    shown = pair.fingerprint or ""
    if found := _SHA256.match(shown):
        return fingerprint(public_key) == f"SHA256:{found[1]}"
    if found := _MD5.match(shown):
        digest = hashlib.md5(_blob(public_key), usedforsecurity=False).hexdigest()
        return True if found[1].replace(":", "").lower() == digest else None
    return None


def _blob(public_key: str) -> bytes:
    if "PRIVATE KEY" in public_key:
        raise InvalidRequestError("that is a private key; give the file that ends in .pub")
    if not _PUBLIC.match(public_key.strip()):
        raise InvalidRequestError("that is no public SSH key (ssh-ed25519 AAAA… comment)")
    try:
        return base64.b64decode(public_key.split()[1], validate=True)
    except binascii.Error as error:
        raise InvalidRequestError(f"that public key is damaged: {error}") from error


class Keys:
    """Keeps a user's public keys in the store."""

    def __init__(self, settings: Settings, owner: str) -> None:
        self._settings = settings
        self._owner = owner

    def all(self) -> Mapping[str, str]:
        """Return public keys by name."""
        kept = self._settings.defaults(self._owner).get("", {})
        return {
            setting.removeprefix(_STORED): text
            for setting, text in kept.items()
            if setting.startswith(_STORED)
        }

    def add(self, name: str, public_key: str) -> None:
        """Keep a key; `public_key` is its text, or the path of a file that holds it."""
        if not name.strip():
            raise InvalidRequestError("the name of the key is empty")
        text = _text(public_key)
        fingerprint(text)  # raises where it is none
        self._settings.set_default(self._owner, "", _STORED + name, text)

    def delete(self, name: str) -> None:
        """Forget a key; raises `NotFoundError`."""
        kept = self.all()
        if name not in kept:
            raise NotFoundError(f"there is no key {name!r}; {near(name, kept, what='there')}")
        self._settings.set_default(self._owner, "", _STORED + name, None)


def _text(public_key: str) -> str:
    if " " in public_key.strip():
        return public_key.strip()
    path = Path(public_key).expanduser()
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"{path} cannot be read as a public key: {error}") from error
