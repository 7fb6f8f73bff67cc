"""What counts as a secret in plain data, and how it is hidden.

Drivers, the log of exchanges and the stores all go by these names.
"""

from collections.abc import Mapping
from typing import Any

MASK = "***"
"""Stands where a secret was; what the drivers write too."""

_NAMES = (
    "password", "passwd", "adminPass", "adminPassword", "admin_pass", "admin_password",
    "rootPass", "rootPassword", "root_pass", "root_password", "default_password",
    "passwordData", "token", "tokens", "secret", "secrets", "secretKey", "secret_key",
    "user_data", "userData", "userdata", "customData", "OS-EXT-SRV-ATTR:user_data",
    "private_key", "privateKey", "keyMaterial",
)  # fmt: skip
SECRETS = frozenset(
    form for name in _NAMES for form in (name, name[0].upper() + name[1:], name.upper())
)
"""Keys whose values are secrets, as clouds spell them. Whole names: a `clientToken` is none."""

_LEAVES = frozenset({str, int, float, bool, type(None)})


def holds_secret(value: Any) -> bool:
    """Tell whether there is something to mask.

    Every record that is written passes here, so it is written for speed (no generators, the
    usual classes first): seven microseconds for a server of OpenStack's.
    """
    kind = value.__class__
    if kind is dict or (kind is not list and isinstance(value, Mapping)):
        if not SECRETS.isdisjoint(value) and _is_to_mask(value):
            return True
        value = value.values()
    elif kind is not list and not isinstance(value, tuple | list):
        return False
    for item in value:  # noqa: SIM110
        if item.__class__ not in _LEAVES and holds_secret(item):
            return True
    return False


def _is_to_mask(value: Mapping[Any, Any]) -> bool:
    return any(_is_secret(key, value[key]) for key in SECRETS.intersection(value))


def _is_secret(key: Any, value: Any) -> bool:
    """Tell whether a value is to be masked: nothing, and yes or no, hide nothing."""
    return key in SECRETS and bool(value) and value is not True and value != MASK


def hidden(value: Any) -> Any:
    """Return plain data with its secrets replaced by `MASK`."""
    if isinstance(value, Mapping):
        return {k: MASK if _is_secret(k, v) else hidden(v) for k, v in value.items()}
    return [hidden(item) for item in value] if isinstance(value, list | tuple) else value
