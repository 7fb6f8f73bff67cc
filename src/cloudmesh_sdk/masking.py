"""What counts as a secret in plain data, and how it is hidden.

Drivers, the log of exchanges and the stores all go by these names.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
"""Stands where a secret was; what the drivers write too."""

_NAMES = (
    "password", "passwd", "adminPass", "adminPassword", "admin_pass", "admin_password",
    "rootPass", "rootPassword", "root_pass", "root_password", "default_password",
    "passwordData", "token", "tokens", "secret", "secrets", "secretKey", "secret_key",
    "user_data", "userData", "userdata", "customData", "OS-EXT-SRV-ATTR:user_data",
    "private_key", "privateKey", "keyMaterial",
    "passcode", "access_token", "refresh_token", "id_token", "auth_token", "client_secret",
    "oauth2_client_secret", "application_credential_secret", "auth_password", "personality",
)  # fmt: skip
SECRETS = frozenset(
    form for name in _NAMES for form in (name, name[0].upper() + name[1:], name.upper())
)
"""Keys whose values are secrets, as clouds spell them. Whole names: a `clientToken` is none."""

HEADERS = frozenset({
    "authorization", "proxy-authorization", "cookie", "set-cookie", "x-auth-token",
    "x-subject-token", "x-service-token", "x-storage-token", "x-auth-key",
    "openstack-auth-receipt", "x-amz-security-token", "x-slurm-user-token",
})  # fmt: skip
"""Headers whose values are secrets, in lower case."""

_SHORT = 4
"""Known secrets below this length are not looked for in texts: they would be found in words."""

_IN_WIRE = SECRETS | {"blob"}
"""Keys that hide something on the wire; `blob` is where Keystone keeps credentials."""

_OPENED = {"token": ("methods", "catalog"), "password": ("user",)}
"""Mappings under the name of a secret that are shown but for the secrets within, where they have
one of these keys: what Keystone asks and answers."""

_FIELD = re.compile(
    r"(?i)((?:(?<![a-z0-9])|(?<=%3F)|(?<=%26))(?:[a-z_]*(?:token|password|secret)|passcode)"
    r"(?:=|%3D))(?:(?!%26)[^&\s\"'<>\\])+"
)
"""A secret in a query or a form, and in a query within a query."""

_USER = re.compile(r"(?<=://)[^/\s\"'<>@]*:[^/\s\"'<>@]+(?=@)")
"""Name and password in a URL."""

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


def within(value: Any) -> set[str]:
    """Return the texts that stand in plain data under the names of secrets."""
    if isinstance(value, Mapping):
        named = {v for k, v in value.items() if k in SECRETS and isinstance(v, str)}
        return named.union(*(within(item) for item in value.values()))
    if isinstance(value, list | tuple):
        return set[str]().union(*(within(item) for item in value))
    return set()


def masked_headers(headers: Mapping[str, str], known: Collection[str] = ()) -> dict[str, str]:
    """Return headers without secrets: those of `HEADERS`, and known ones wherever they stand."""
    return {
        name: MASK if name.lower() in HEADERS else masked_text(str(value), known)
        for name, value in headers.items()
    }


def masked_body(body: str, known: Collection[str] = ()) -> str:
    """Return a body without secrets; what was JSON is JSON then too.

    Hidden are values under the names of `SECRETS`, secrets in links (`…?token=…`), fields of forms
    and the `known` ones wherever they stand.
    """
    try:
        data = json.loads(body)
    except ValueError:
        return masked_text(body, known)
    forms = _forms(known)
    masked = _masked(data, forms)
    return body if masked == data else json.dumps(masked, ensure_ascii=False)


def masked_text(text: str, known: Collection[str] = ()) -> str:
    """Return a text, or a URL, without secrets in fields (`token=…`) and without known ones."""
    return _without(text, _forms(known))


def _forms(known: Collection[str]) -> list[str]:
    """Return how known secrets look in texts, URLs and JSON; long ones first."""
    long = [secret for secret in known if secret and len(secret) >= _SHORT]
    forms = {form for s in long for form in (s, quote(s), quote_plus(s), json.dumps(s)[1:-1])}
    return sorted(forms, key=len, reverse=True)


def _without(text: str, forms: list[str]) -> str:
    for form in forms:
        text = text.replace(form, MASK)
    return _FIELD.sub(rf"\g<1>{MASK}", _USER.sub(MASK, text))


def _masked(value: Any, forms: list[str]) -> Any:
    if isinstance(value, dict):
        return {_without(k, forms): _under(k, item, forms) for k, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, forms) for item in value]
    if isinstance(value, str):
        return _without(value, forms)
    return MASK if not isinstance(value, bool) and str(value) in forms else value


def _under(key: str, value: Any, forms: list[str]) -> Any:
    opening = _OPENED.get(key, ())
    shown = isinstance(value, dict) and not value.keys().isdisjoint(opening)
    if shown or key not in _IN_WIRE or not value or value is True:
        return _masked(value, forms)
    return MASK
