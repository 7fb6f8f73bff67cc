"""SSH keys at EC2: their fingerprints, and whether two public keys are the same."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

_RSA = bytes.fromhex("300d06092a864886f70d0101010500")
"""DER of the algorithm identifier rsaEncryption (RFC 3279, 2.3.1)."""

_LONG = 0x80
"""From this size on DER writes the length of the size first."""


def fingerprint(public_key: str) -> str | None:
    """Return the fingerprint that EC2 shows for an imported key; None where it has no rule for it.

    RSA: MD5 of the key in DER; ed25519: SHA-256 of the key as OpenSSH packs it
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html).
    """
    packed = blob(public_key)
    parts = _parts(packed) if packed else []
    if parts[:1] == [b"ssh-ed25519"]:
        return base64.b64encode(hashlib.sha256(packed).digest()).decode()
    if parts[:1] == [b"ssh-rsa"] and len(parts[1:]) == 2:  # noqa: PLR2004 - exponent, modulus
        digest = hashlib.md5(_rsa_der(parts[2], parts[1]), usedforsecurity=False).hexdigest()
        return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
    return None


def blob(public_key: str) -> bytes:
    """Return the key itself out of an OpenSSH line, without its comment; empty where none is."""
    words = public_key.split()
    try:
        return base64.b64decode(words[1], validate=True) if len(words) > 1 else b""
    except binascii.Error:
        return b""


def same(native: Mapping[str, Any], public_key: str) -> bool:
    """Return whether the key that EC2 describes is this one, by the key itself or by its print."""
    there = blob(native.get("publicKey") or "")
    if there:
        return there == blob(public_key)
    shown = (native.get("keyFingerprint") or "").removeprefix("SHA256:").rstrip("=")
    expected = fingerprint(public_key)
    return expected is not None and shown == expected.rstrip("=")


def _parts(packed: bytes) -> list[bytes]:
    """Return the strings in a packed key, each after its length (RFC 4253, 6.6)."""
    parts = []
    while packed:
        size = int.from_bytes(packed[:4], "big")
        parts.append(packed[4 : 4 + size])
        packed = packed[4 + size :]
    return parts


def _rsa_der(modulus: bytes, exponent: bytes) -> bytes:
    key = _der(0x30, _der(0x02, modulus) + _der(0x02, exponent))
    return _der(0x30, _RSA + _der(0x03, b"\0" + key))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(length))) + length + content
