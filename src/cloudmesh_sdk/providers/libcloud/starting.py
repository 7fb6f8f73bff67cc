"""What libcloud's `create_node` takes, driver by driver: found out from its parameters."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from libcloud.compute.base import NodeDriver

from cloudmesh_sdk.errors import UnsupportedError
from cloudmesh_sdk.models import ServerRequest
from cloudmesh_sdk.providers.libcloud.records import TOKEN

_TOKENS: Mapping[str, Callable[[ServerRequest], Any]] = {
    "ex_metadata": lambda request: {**request.tags, TOKEN: request.token},
    "ex_create_attr": lambda request: {
        "tags": [f"{TOKEN}:{request.token}", *(f"{k}:{v}" for k, v in request.tags.items())]
    },
}
"""Parameter that can carry a token and tags → how it does."""

_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "stop_node": ("ex_stop_node", "ex_shutdown_node", "ex_power_off_node"),
    "start_node": ("ex_start_node", "ex_power_on_node", "ex_resume_node"),
}
"""What older libcloud drivers call these."""

_KEYS = ("ex_keyname",)
_USER_DATA = ("ex_userdata", "ex_user_data")


def parameters(create: Callable[..., Any]) -> frozenset[str]:
    """Return the names that a driver's `create_node` takes."""
    return frozenset(inspect.signature(create).parameters)


def keeps_tokens(create: Callable[..., Any]) -> bool:
    """Tell whether a started server can carry its token, so that it can be found again."""
    return not parameters(create).isdisjoint(_TOKENS)


def extras(create: Callable[..., Any], request: ServerRequest) -> dict[str, Any]:
    """Return what to give `create_node` beyond name, size and image.

    Raises `UnsupportedError` where the request asks for what it does not take: nothing that was
    asked for is left out in silence.
    """
    takes = parameters(create)
    given = {name: write(request) for name, write in _TOKENS.items() if name in takes}
    wishes = (
        ("a keypair", request.key, _KEYS),
        ("user data", request.user_data, _USER_DATA),
        ("security groups", list(request.security_groups), ()),
        ("networks", list(request.networks), ()),
        ("tags", dict(request.tags) if not given else None, ()),
    )
    for what, value, names in wishes:
        if not value:
            continue
        name = next((name for name in names if name in takes), None)
        if name is None:
            raise UnsupportedError(f"libcloud's driver takes no {what} when it starts a server")
        given[name] = value
    return given


def act(driver: Any, name: str) -> Callable[[Any], Any]:
    """Return a driver's method of this name, or what older drivers have in its place."""
    method: Callable[[Any], Any] = getattr(driver, name)
    if getattr(type(driver), name) is not getattr(NodeDriver, name):
        return method
    others = (getattr(driver, other, None) for other in _OTHER_NAMES[name])
    return next((other for other in others if callable(other)), method)
