"""Clouds. `Cloud` is the interface, the other names are abilities; other modules are drivers."""

from cloudmesh_sdk.providers.base import (
    Cloud,
    HasConsole,
    HasKeypairs,
    HasQuotas,
    HasSecurityGroups,
    HasSuspend,
)

__all__ = ["Cloud", "HasConsole", "HasKeypairs", "HasQuotas", "HasSecurityGroups", "HasSuspend"]
