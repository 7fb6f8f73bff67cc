"""Plain requests to a lab's services, past Cloudmesh: what a test may compare with."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.labs.openstack.lab import ACCOUNTS, DOMAIN, PASSWORD, Lab, LabError

PATIENCE = 120.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

WHERE: Mapping[str, tuple[str, str]] = {
    "identity": ("keystone", "/v3"),
    "image": ("glance", ""),
    "network": ("neutron", ""),
    "compute": ("nova-api", "/v2.1"),
    "placement": ("placement", ""),
    "volume": ("cinder-api", "/v3"),
}
"""Which server answers for a service, and below which path."""


def login(lab: Lab, user: str) -> str:
    """Return a new token of a user, in the user's own project."""
    return str(_login(lab, user)[0]["X-Subject-Token"])


def project_id(lab: Lab, user: str) -> str:
    """Return the id of a user's project."""
    return str(_login(lab, user)[1]["token"]["project"]["id"])


def _login(lab: Lab, user: str) -> tuple[Any, Any]:
    domain = {"name": DOMAIN}
    who = {"name": user, "domain": domain, "password": PASSWORD}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": who}},
            "scope": {"project": {"name": ACCOUNTS[user].project, "domain": domain}},
        }
    }
    kind = {"Content-Type": "application/json"}
    return _send(f"{lab.auth_url}/auth/tokens", "POST", json.dumps(body).encode(), kind)


def ask(
    lab: Lab,
    token: str,
    service: str,
    path: str,
    *,
    method: str = "GET",
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Return what a service answers: its JSON decoded, None where it has none.

    `path` stands below the version: `/servers/detail` of compute; volumes want their project's id
    before it. `body` is sent as JSON, bytes as they are. Raises LabError with what the service
    said of a failure; urllib's own error is its cause.
    """
    server, root = WHERE[service]
    raw = isinstance(body, bytes)
    kind = "application/octet-stream" if raw else "application/json"
    data = body if raw or body is None else json.dumps(body).encode()
    sent = {"X-Auth-Token": token, **({"Content-Type": kind} if data else {}), **(headers or {})}
    return _send(f"{lab.url(server)}{root}{path}", method, data, sent)[1]


def _send(url: str, method: str, data: bytes | None, headers: Mapping[str, str]) -> tuple[Any, Any]:
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers))
    try:
        with _DIRECT.open(request, timeout=PATIENCE) as answer:
            content = answer.read()
            decoded = json.loads(content) if content[:1] in (b"{", b"[") else None
            return answer.headers, decoded
    except urllib.error.HTTPError as error:
        with error:
            said = error.read().decode(errors="replace")[:500]
        raise LabError(f"{method} {url}: {error.code} {said}") from error
    except OSError as error:
        raise LabError(f"{method} {url}: {error}") from error
