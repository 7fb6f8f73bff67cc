"""Canaries: texts that stand where secrets stand, and must be found nowhere else."""

import base64
import urllib.parse
from collections.abc import Iterable, Mapping

MARK = "canary"


def canary(*words: str) -> str:
    """Return the canary of a place, such as `openstack`, `password`.

    It has characters that change when a text is quoted for a URL, a shell or JSON.
    """
    return f"{MARK}-{'-'.join(words)}-Zq7%2F&x'\"k"


def forms(secret: str) -> list[bytes]:
    """Return how a secret may look where it leaked: plain, quoted, in base64 at any offset."""
    plain = secret.encode()
    quoted = (urllib.parse.quote(secret), urllib.parse.quote_plus(secret), secret[:-6])
    found = [plain, *(text.encode() for text in quoted)]
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + plain)
        found.append(coded[4 if offset else 0 : -4])
    return found


def find_in(where: str, data: bytes | str, secrets: Iterable[str]) -> Mapping[str, str]:
    """Return the secrets that stand in what was found somewhere, with what stands around them."""
    raw = data.encode(errors="surrogateescape") if isinstance(data, str) else data
    leaks: dict[str, str] = {}
    for secret in secrets:
        for form in forms(secret):
            at = raw.find(form)
            if at >= 0:
                around = raw[max(0, at - 80) : at + len(form) + 40]
                leaks[f"{secret} in {where}"] = around.decode(errors="replace")
    return leaks
