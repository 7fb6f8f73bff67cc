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
from cloudmesh_sdk.store.base import Settings

_STORED = "keys"
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
    if "PRIVATE KEY" in public_key:
        raise InvalidRequestError("that is a private key; give the file that ends in .pub")
    if not _PUBLIC.match(public_key.strip()):
        raise InvalidRequestError("that is no public SSH key (ssh-ed25519 AAAA… comment)")
    try:
        blob = base64.b64decode(public_key.split()[1], validate=True)
    except binascii.Error as error:
        raise InvalidRequestError(f"that public key is damaged: {error}") from error
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


class Keys:
    """Keeps a user's public keys in the store."""

    def __init__(self, settings: Settings, owner: str) -> None:
        self._settings = settings
        self._owner = owner

    def all(self) -> Mapping[str, str]:
        """Return public keys by name."""
        kept = self._settings.defaults(self._owner).get("", {}).get(_STORED)
        return dict(kept or {})

    def add(self, name: str, public_key: str) -> None:
        """Keep a key; `public_key` is its text, or the path of a file that holds it."""
        text = _text(public_key)
        fingerprint(text)
        self._settings.set_default(self._owner, "", _STORED, {**self.all(), name: text})

    def delete(self, name: str) -> None:
        """Forget a key; raises `NotFoundError`."""
        kept = dict(self.all())
        if name not in kept:
            raise NotFoundError(f"there is no key {name!r}; {near(name, kept, what='there')}")
        del kept[name]
        self._settings.set_default(self._owner, "", _STORED, kept or None)


def _text(public_key: str) -> str:
    if " " in public_key.strip():
        return public_key.strip()
    path = Path(public_key).expanduser()
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"{path} cannot be read as a public key: {error}") from error
