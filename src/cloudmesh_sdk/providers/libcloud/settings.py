"""What a cloud that libcloud talks to is told in the configuration."""

from collections.abc import Mapping
from typing import Any

import attrs

from cloudmesh_sdk.options import option


@attrs.frozen(kw_only=True)
class LibcloudSettings:
    """What the libcloud driver reads from the configuration."""

    provider: str = option("Name of libcloud's driver: openstack, gce, digitalocean, dummy …")
    key: str | None = option("First argument: access key, user or token", default=None, secret=True)
    secret: str | None = option(
        "Second argument: secret key or password", default=None, secret=True
    )
    args: tuple[Any, ...] = option(
        "More arguments, after key and secret; some drivers have theirs here",
        default=(),
        secret=True,
    )
    region: str | None = option("Region, for drivers that take one", default=None)
    location: str | None = option("Id or name of the location of new servers", default=None)
    url: str | None = option("Address of the service, if not libcloud's own", default=None)
    timeout: float = option("Seconds to wait for an answer", default=30.0)
    settle: float = option(
        "Seconds after which lists surely show a server whose start was accepted", default=15.0
    )
    options: Mapping[str, Any] = option(
        "More arguments by name, as libcloud's documentation has them",
        default=attrs.Factory(dict),
        secret=True,
    )
