"""The interface every cloud driver fills in, and the abilities it may have beside it."""

import abc
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from cloudmesh_sdk.driver import Driver
from cloudmesh_sdk.errors import NotFoundError
from cloudmesh_sdk.models import (
    Action,
    Flavor,
    FloatingIP,
    Health,
    Image,
    Keypair,
    Network,
    Port,
    Quota,
    RawAnswer,
    Router,
    Rule,
    SecurityGroup,
    Server,
    ServerRequest,
    Snapshot,
    Subnet,
    Volume,
    VolumeRequest,
    Zone,
)


class Cloud(Driver):
    """One account at one IaaS endpoint; `Driver` has the rules that hold for all."""

    extras: ClassVar[frozenset[str]] = frozenset()
    """Fields of `ServerRequest` below `tags` that `start` does; the mesh refuses the others."""

    def check(self) -> Health:
        """Return what the service says of us; raises `AuthError` or `UnavailableError`."""
        for _ in self.servers():
            break
        return Health(service=self.name)

    @abc.abstractmethod
    def servers(self) -> Iterable[Server]:
        """Yield all servers of this account."""

    @abc.abstractmethod
    def images(self) -> Iterable[Image]:
        """Yield the images that a server can be started from."""

    @abc.abstractmethod
    def flavors(self) -> Iterable[Flavor]:
        """Yield the flavors that a server can have."""

    def server(self, id: str) -> Server:  # noqa: A002
        """Return one server as it is now; raises `NotFoundError`."""
        for server in self.servers():
            if server.id == id:
                return server
        raise NotFoundError(f"{self.name} has no server with id {id}")

    def find(self, token: str) -> Server | None:
        """Return the server that a start with this token made, None where there is none."""
        return next((server for server in self.servers() if server.token == token), None)

    @property
    def shows_tokens(self) -> bool:
        """Whether `servers` tells the token of each server that a start with one made."""
        return True

    def is_ours(self, server: Server) -> bool:
        """Tell whether a listed server's token was written by Cloudmesh for this user's account.

        One that stands where other tools write theirs was not, nor one of another user where the
        cloud tells whose a server is.
        """
        return server.token is not None

    @abc.abstractmethod
    def start(self, request: ServerRequest) -> Server:
        """Start a server without waiting until it runs.

        Idempotent by `request.token`: the same token never makes a second server.
        """

    @abc.abstractmethod
    def delete(self, server: Server) -> None:
        """Delete a server; one that is gone already is no error."""

    @abc.abstractmethod
    def stop(self, server: Server) -> None:
        """Shut a server down, keeping its disk."""

    @abc.abstractmethod
    def resume(self, server: Server) -> None:
        """Start a stopped (or suspended) server again."""

    @abc.abstractmethod
    def reboot(self, server: Server) -> None:
        """Restart a running server."""


class HasKeypairs(abc.ABC):
    """A cloud that keeps public SSH keys and puts them on servers."""

    @abc.abstractmethod
    def keypairs(self) -> Iterable[Keypair]:
        """Yield the keypairs of this account."""

    @abc.abstractmethod
    def upload_key(self, name: str, public_key: str) -> Keypair:
        """Store a public key (OpenSSH form) under a name; the same key again is no error.

        Raises `ConflictError` where another key has the name.
        """

    @abc.abstractmethod
    def delete_key(self, name: str) -> None:
        """Forget a keypair; one that is gone already is no error."""


class HasSecurityGroups(abc.ABC):
    """A cloud with named sets of firewall rules."""

    @abc.abstractmethod
    def security_groups(self) -> Iterable[SecurityGroup]:
        """Yield the security groups of this account."""

    @abc.abstractmethod
    def create_security_group(self, name: str, description: str) -> SecurityGroup:
        """Create a group that lets nothing in."""

    @abc.abstractmethod
    def delete_security_group(self, group: SecurityGroup) -> None:
        """Delete a group; one that is gone already is no error."""

    @abc.abstractmethod
    def allow(self, group: SecurityGroup, rule: Rule) -> None:
        """Add a rule; one that is there already is no error."""

    @abc.abstractmethod
    def revoke(self, group: SecurityGroup, rule: Rule) -> None:
        """Take a rule away; one that is gone already is no error."""


class HasNetworks(abc.ABC):
    """A cloud whose servers are on networks that it tells of."""

    @abc.abstractmethod
    def networks(self) -> Iterable[Network]:
        """Yield the networks that this account can use."""

    @abc.abstractmethod
    def subnets(self) -> Iterable[Subnet]:
        """Yield the ranges of addresses on them."""


class HasRouters(abc.ABC):
    """A cloud that tells of its routers."""

    @abc.abstractmethod
    def routers(self) -> Iterable[Router]:
        """Yield the routers of this account."""


class HasPorts(abc.ABC):
    """A cloud that tells of the ports on its networks."""

    @abc.abstractmethod
    def ports(self) -> Iterable[Port]:
        """Yield the ports of this account."""


class HasFloatingIPs(abc.ABC):
    """A cloud with public addresses that can be moved from server to server."""

    @abc.abstractmethod
    def floating_ips(self) -> Iterable[FloatingIP]:
        """Yield the floating IPs of this account."""

    @abc.abstractmethod
    def create_floating_ip(self, token: str, network: str | None = None) -> FloatingIP:
        """Take an address from an external network (by id; the only one where None).

        Idempotent by token: the same token never takes a second address.
        """

    @abc.abstractmethod
    def attach_floating_ip(self, address: FloatingIP, server: Server) -> FloatingIP:
        """Let the address stand for a server; where it does already is no error."""

    @abc.abstractmethod
    def detach_floating_ip(self, address: FloatingIP) -> FloatingIP:
        """Let the address stand for nothing; where it does already is no error."""

    @abc.abstractmethod
    def release_floating_ip(self, address: FloatingIP) -> None:
        """Give the address back; one that is gone already is no error."""


class HasVolumes(abc.ABC):
    """A cloud with disks that outlive servers."""

    @abc.abstractmethod
    def volumes(self) -> Iterable[Volume]:
        """Yield the volumes of this account."""

    @abc.abstractmethod
    def volume(self, id: str) -> Volume:  # noqa: A002
        """Return one volume as it is now; raises `NotFoundError`."""

    @abc.abstractmethod
    def create_volume(self, request: VolumeRequest) -> Volume:
        """Create a volume without waiting until it is available; idempotent by token."""

    @abc.abstractmethod
    def delete_volume(self, volume: Volume) -> None:
        """Delete a volume; one that is gone already is no error."""

    @abc.abstractmethod
    def attach_volume(self, volume: Volume, server: Server, device: str | None = None) -> Volume:
        """Attach a volume to a server; where it is already is no error."""

    @abc.abstractmethod
    def detach_volume(self, volume: Volume) -> Volume:
        """Take a volume off its server; one that is on none is no error."""


class HasSnapshots(abc.ABC):
    """A cloud that keeps volumes as they were."""

    @abc.abstractmethod
    def snapshots(self) -> Iterable[Snapshot]:
        """Yield the snapshots of this account's volumes."""

    @abc.abstractmethod
    def create_snapshot(self, volume: Volume, name: str, token: str) -> Snapshot:
        """Snapshot a volume, an attached one too; idempotent by token."""

    @abc.abstractmethod
    def delete_snapshot(self, snapshot: Snapshot) -> None:
        """Delete a snapshot; one that is gone already is no error."""


class HasConsole(abc.ABC):
    """A cloud that keeps what a server printed while booting."""

    @abc.abstractmethod
    def console(self, server: Server) -> str:
        """Return the console output so far; empty where there is none yet."""


class HasConsoleURL(abc.ABC):
    """A cloud that opens a server's console in a browser."""

    @abc.abstractmethod
    def console_url(self, server: Server) -> str:
        """Return a link that opens the console; it holds a secret and is good for minutes."""


class HasActions(abc.ABC):
    """A cloud that keeps what was done to a server, and what failed of it."""

    @abc.abstractmethod
    def actions(self, server: Server) -> Iterable[Action]:
        """Yield what was done to a server, oldest first."""


class HasZones(abc.ABC):
    """A cloud with availability zones."""

    @abc.abstractmethod
    def zones(self) -> Iterable[Zone]:
        """Yield the zones that a server can be started in."""


class HasQuotas(abc.ABC):
    """A cloud that tells the limits of the account."""

    @abc.abstractmethod
    def quotas(self) -> Iterable[Quota]:
        """Yield limits and what of them is used."""


class HasSuspend(abc.ABC):
    """A cloud that can put a server's memory to disk; `resume` brings it back."""

    @abc.abstractmethod
    def suspend(self, server: Server) -> None:
        """Suspend a running server."""


class HasPause(abc.ABC):
    """A cloud that can stop a server's processors, its memory kept."""

    @abc.abstractmethod
    def pause(self, server: Server) -> None:
        """Pause a running server."""

    @abc.abstractmethod
    def unpause(self, server: Server) -> None:
        """Let a paused server go on."""


class HasShelve(abc.ABC):
    """A cloud that can take a server off its host and keep it as an image."""

    @abc.abstractmethod
    def shelve(self, server: Server) -> None:
        """Shelve a server: it uses no processors and memory until it is unshelved."""

    @abc.abstractmethod
    def unshelve(self, server: Server) -> None:
        """Bring a shelved server back."""


class HasResize(abc.ABC):
    """A cloud that can give a server another flavor, and take that back."""

    @abc.abstractmethod
    def resize(self, server: Server, flavor: str) -> None:
        """Move a server to another flavor (by id); it is `RESIZED` until that is confirmed."""

    @abc.abstractmethod
    def confirm_resize(self, server: Server) -> None:
        """Keep the new flavor."""

    @abc.abstractmethod
    def revert_resize(self, server: Server) -> None:
        """Go back to the old flavor."""


class HasRebuild(abc.ABC):
    """A cloud that can put a server's disk back to an image."""

    @abc.abstractmethod
    def rebuild(self, server: Server, image: str) -> None:
        """Make a server's disk anew from an image (by id); id and addresses stay."""


class HasRescue(abc.ABC):
    """A cloud that can boot a broken server from another disk."""

    @abc.abstractmethod
    def rescue(self, server: Server, image: str | None = None) -> None:
        """Boot a server from a rescue image (by id; its own where None), its disk beside it."""

    @abc.abstractmethod
    def unrescue(self, server: Server) -> None:
        """Boot a rescued server from its own disk again."""


class HasLock(abc.ABC):
    """A cloud that can keep a server from being changed."""

    @abc.abstractmethod
    def lock(self, server: Server) -> None:
        """Refuse acts on a server until it is unlocked; one that is locked is no error."""

    @abc.abstractmethod
    def unlock(self, server: Server) -> None:
        """Allow acts on a server again; one that is not locked is no error."""


class HasRename(abc.ABC):
    """A cloud whose servers can be given another name."""

    @abc.abstractmethod
    def rename(self, server: Server, name: str) -> Server:
        """Give a server another name; its id stays."""


class HasTags(abc.ABC):
    """A cloud whose servers' tags (metadata) can be changed."""

    @abc.abstractmethod
    def tag(self, server: Server, tags: Mapping[str, str | None]) -> Server:
        """Set tags of a server; None takes one away, those that are not named stay."""


class HasHardReboot(abc.ABC):
    """A cloud that can restart a server that does not react any more."""

    @abc.abstractmethod
    def hard_reboot(self, server: Server) -> None:
        """Restart a server as by its power switch."""


class StartsMany(abc.ABC):
    """A cloud that starts many like servers by one request."""

    @abc.abstractmethod
    def start_many(self, request: ServerRequest, names: Sequence[str]) -> Sequence[Server]:
        """Start like servers under the names that `names_of_many` gave, all or none of them.

        Returns them in the order of the names. Idempotent by `request.token`, which all carry.
        """

    @abc.abstractmethod
    def names_of_many(self, name: str, count: int) -> Sequence[str]:
        """Return the names that this cloud gives to so many servers started as `name`."""

    @abc.abstractmethod
    def find_many(self, token: str) -> Sequence[Server]:
        """Return the servers that a start with this token made, none where there is none."""


class ListsChanges(abc.ABC):
    """A cloud that can tell which servers changed since a moment, for less than a whole list."""

    complete_every: float = 600.0
    """Seconds after which a whole list is due again, for what `changes` does not show."""

    @abc.abstractmethod
    def changes(self, since: datetime) -> Iterable[Server]:
        """Yield the servers that changed since (UTC, our clock), deleted ones as `DELETED`.

        It may yield more (an overlap makes up for clocks and rounding), never less of what the
        cloud counts as a change.
        """


class HasRaw(abc.ABC):
    """A cloud that takes requests of the user's own making."""

    @abc.abstractmethod
    def raw(
        self,
        method: str,
        path: str,
        *,
        service: str = "compute",
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawAnswer:
        """Send one request, signed in, and return the answer whatever its status is.

        `path` is below the service's endpoint for this account (`/servers/…`), or a whole URL of
        that endpoint. Raises `BackendError` only where there is no answer at all.
        """
