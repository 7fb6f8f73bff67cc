"""Security groups and floating IPs, as the facade offers them."""

from cloudmesh_sdk.mesh.facade import Facade
from cloudmesh_sdk.models import FloatingIP, Network, Rule, SecurityGroup, Server


class Networking(Facade):
    """What lets servers be reached. Without `cloud` a thing is looked for at all active clouds.

    Raises `NotFoundError` with near names, `InvalidRequestError` where several have the name,
    `UnsupportedError` where the cloud has no such things.
    """

    def create_security_group(
        self, name: str, description: str = "", *, cloud: str | None = None
    ) -> SecurityGroup:
        """Create a group that lets nothing in, at a cloud (the default one).

        Raises `ConflictError` where the cloud has one of that name.
        """
        return self._things.create_group(cloud, name, description)

    def delete_security_group(
        self, name: str | SecurityGroup, *, cloud: str | None = None
    ) -> SecurityGroup:
        """Delete a group and return what it was; one that a server uses is a `ConflictError`."""
        return self._things.act("delete_security_group", SecurityGroup, name, cloud)

    def allow(
        self, group: str | SecurityGroup, rule: Rule, *, cloud: str | None = None
    ) -> SecurityGroup:
        """Add a rule to a group and return it; one that is there already is no error."""
        return self._things.rule("allow", group, rule, cloud)

    def revoke(
        self, group: str | SecurityGroup, rule: Rule, *, cloud: str | None = None
    ) -> SecurityGroup:
        """Take a rule from a group and return it; one that is gone already is no error."""
        return self._things.rule("revoke", group, rule, cloud)

    def create_floating_ip(
        self, *, cloud: str | None = None, network: str | Network | None = None
    ) -> FloatingIP:
        """Take an address from an external network (the only one) of a cloud (the default one)."""
        return self._things.create_floating_ip(cloud, network)

    def attach_floating_ip(
        self, address: str | FloatingIP, server: str | Server, *, cloud: str | None = None
    ) -> FloatingIP:
        """Let an address stand for a server of its cloud, and for no other any more."""
        return self._things.attach_floating_ip(address, server, cloud)

    def detach_floating_ip(
        self, address: str | FloatingIP, *, cloud: str | None = None
    ) -> FloatingIP:
        """Let an address stand for nothing, and keep it."""
        return self._things.free_floating_ip("detach_floating_ip", address, cloud)

    def release_floating_ip(
        self, address: str | FloatingIP, *, cloud: str | None = None
    ) -> FloatingIP:
        """Give an address back to its cloud."""
        return self._things.free_floating_ip("release_floating_ip", address, cloud)
