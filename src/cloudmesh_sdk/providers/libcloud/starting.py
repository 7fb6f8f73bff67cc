"""What libcloud's `create_node` takes, driver by driver: found out from its parameters."""

import inspect
import time
from collections.abc import Callable, Mapping
from typing import Any

from libcloud.compute.base import Node, NodeDriver

from cloudmesh_sdk.errors import UnsupportedError
from cloudmesh_sdk.models import Server, ServerRequest
from cloudmesh_sdk.providers.libcloud.records import TOKEN

_TOKENS: Mapping[str, Callable[[ServerRequest], Any]] = {
    "ex_metadata": lambda request: {**request.tags, TOKEN: request.token},
    "ex_create_attr": lambda request: {
        "tags": [f"{TOKEN}:{request.token}", *(f"{k}:{v}" for k, v in request.tags.items())]
    },
}
"""Parameter that can carry a token and tags → how it does."""

_HONOURED = ("ex_clienttoken",)
"""Parameters by which the service itself starts one server per token."""

_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "stop_node": ("ex_stop_node", "ex_shutdown_node", "ex_power_off_node"),
    "start_node": ("ex_start_node", "ex_power_on_node", "ex_resume_node"),
}
"""What older libcloud drivers call these."""

_KEYS = ("ex_keyname",)
_USER_DATA = ("ex_userdata", "ex_user_data")


class Starts:
    """What one object started, and where it was left in doubt, by token."""

    def __init__(self) -> None:
        self.made: dict[str, Server] = {}
        self._doubts: dict[str, float] = {}

    def doubt(self, token: str) -> None:
        """Take note that from now on nobody knows whether a token started a server."""
        self._doubts[token] = time.monotonic()

    def clear(self, token: str) -> None:
        """Take note that it is known."""
        self._doubts.pop(token, None)

    def doubted(self, token: str) -> float | None:
        """Return for how many seconds that is not known; None where there is no doubt."""
        since = self._doubts.get(token)
        return None if since is None else time.monotonic() - since


def parameters(create: Callable[..., Any]) -> frozenset[str]:
    """Return the names that a driver's `create_node` takes."""
    return frozenset(inspect.signature(create).parameters)


def carriers(driver: Any) -> frozenset[str]:
    """Return the parameters of a driver's `create_node` that can carry a token.

    Of `ex_create_attr` it is only known where the driver lists what it passes on: others pass over
    tags, or want them in another form.
    """
    found = parameters(driver.create_node) & _TOKENS.keys()
    if "tags" not in getattr(driver, "EX_CREATE_ATTRIBUTES", ()):
        found -= {"ex_create_attr"}
    return found


def keeps_tokens(driver: Any) -> bool:
    """Tell whether a started server can carry its token, so that it can be found again."""
    return bool(carriers(driver))


def extras(driver: Any, request: ServerRequest) -> dict[str, Any]:
    """Return what to give `create_node` beyond name, size and image.

    Raises `UnsupportedError` where the request asks for what it does not take: nothing that was
    asked for is left out in silence.
    """
    takes = parameters(driver.create_node)
    carried = {name: _TOKENS[name](request) for name in carriers(driver)}
    given = carried | {name: request.token for name in _HONOURED if name in takes}
    wishes = (
        ("a keypair", request.key, _KEYS),
        ("user data", request.user_data, _USER_DATA),
        ("security groups", list(request.security_groups), ()),
        ("networks", list(request.networks), ()),
        ("tags", dict(request.tags) if not carried else None, ()),
    )
    for what, value, names in wishes:
        if not value:
            continue
        name = next((name for name in names if name in takes), None)
        if name is None:
            raise UnsupportedError(f"libcloud's driver takes no {what} when it starts a server")
        given[name] = value
    return given


def single(made: Any) -> Any:
    """Return the one node that was made; raises `TypeError` where the answer tells of no one."""
    if not isinstance(made, Node):
        raise TypeError(f"asked for one server, the answer was read as {made!r}")
    return made


def act(driver: Any, name: str) -> Callable[[Any], Any]:
    """Return a driver's method of this name, or what older drivers have in its place."""
    method: Callable[[Any], Any] = getattr(driver, name)
    if getattr(type(driver), name) is not getattr(NodeDriver, name):
        return method
    others = (getattr(driver, other, None) for other in _OTHER_NAMES[name])
    return next((other for other in others if callable(other)), method)
