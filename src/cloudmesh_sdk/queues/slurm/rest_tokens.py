"""What a token for slurmrestd says of itself: whose it is, and until when.

It is a JSON Web Token (RFC 7519); nobody here checks it, that is Slurm's to do. Slurm's own claim
for the user is `sun`, or what `userclaimfield` of its configuration names (slurm.conf(5)).
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

_NAMES = ("sun", "username", "preferred_username")


def user(token: str | None) -> str | None:
    """Return whose token it is, None where it does not say."""
    claims = _claims(token)
    return next((str(claims[name]) for name in _NAMES if claims.get(name)), None)


def over(token: str | None, now: datetime) -> datetime | None:
    """Return when a token ran out, None where it is good or does not say."""
    try:
        until = datetime.fromtimestamp(float(_claims(token)["exp"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    return until if until <= now else None


def _claims(token: str | None) -> Mapping[str, Any]:
    middle = (token or "").split(".")[1:2]
    try:
        padded = middle[0] + "=" * (-len(middle[0]) % 4)
        claims = orjson.loads(base64.urlsafe_b64decode(padded))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}
