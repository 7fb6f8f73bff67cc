"""The headers of our requests, and what HTTP can carry in them."""

from collections.abc import Mapping

from cloudmesh_sdk.errors import InvalidRequestError

VERSION = "OpenStack-API-Version"
"""Header that asks for a microversion."""


def headers_of(
    signed: Mapping[str, str], own: Mapping[str, str], service: str, version: str, *, json: bool
) -> dict[str, str]:
    """Return all headers of a request; the caller's `own` win."""
    usual = {"Accept": "application/json", **signed}
    if json:
        usual["Content-Type"] = "application/json"
    if version:
        usual[VERSION] = f"{service} {version}"
    return {**usual, **own}


def check(cloud: str, method: str, headers: Mapping[str, str]) -> None:
    """Raise `InvalidRequestError` for what HTTP cannot carry, without showing it: a token, say."""
    if not (method.isascii() and method.isalpha()):
        raise InvalidRequestError(f"{cloud}: {method!r} is no method of HTTP")
    for name, value in headers.items():
        if not _fits(value):
            what = "spaces around it or characters that HTTP does not take"
            raise InvalidRequestError(f"{cloud}: the header {name} has {what}; nothing was sent")


def _fits(value: str) -> bool:
    try:
        value.encode("latin-1")  # as http.client does
    except UnicodeEncodeError:
        return False
    return value == value.strip() and value.isprintable()
