"""The life of servers, as the facade offers it: started, changed, deleted, waited for."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.facade import Facade, Told, Which
from cloudmesh_sdk.models import Flavor, Image, Server, ServerState


class Life(Facade):
    """Acts on servers: journalled before they go out, many at once.

    Where one server was meant its error is raised; of several, `errors` names those that failed.
    `UnsupportedError` tells of a cloud that cannot do it, before anything is done.
    """

    def start(
        self,
        *,
        count: int | None = None,
        cloud: str | None = None,
        image: str | Image | None = None,
        flavor: str | Flavor | None = None,
        key: str | None = None,
        name: str | Iterable[str] | None = None,
        security_groups: Sequence[str] | None = None,
        networks: Sequence[str] | None = None,
        user_data: str | None = None,
        tags: Mapping[str, str] | None = None,
        zone: str | None = None,
        config_drive: bool | None = None,
        boot_volume: int | None = None,
        hints: Mapping[str, str] | None = None,
        told: Told | None = None,
    ) -> Gathered[Server]:
        """Start servers and return them, not waiting until they run.

        What is left out comes from the defaults (`default` tells which and why); names are the
        next of `prefix-0001`, or what `name` gives (hostlists too). Several without names are one
        request where the cloud can do that, and are called `prefix-0001-1` … then. `boot_volume`
        is the size in GiB of a new disk to boot from, `hints` are for the cloud's scheduler.
        Where one server was asked for its error is raised; of several, `errors` names those that
        did not start.
        """
        return self._starting.start(
            {
                "image": image, "flavor": flavor, "key": key, "security_groups": security_groups,
                "networks": networks, "tags": tags, "zone": zone, "config_drive": config_drive,
                "boot_volume": boot_volume, "hints": hints,
            },
            count=count, cloud=cloud, name=name, user_data=user_data, told=told,
        )  # fmt: skip

    def wait(
        self,
        servers: Which,
        state: str = ServerState.RUNNING,
        *,
        cloud: str | None = None,
        timeout: float = 600.0,
        told: Callable[[Server], None] | None = None,
    ) -> Gathered[Server]:
        """Wait until servers have a state and return them; `timeout` is in seconds.

        `errors` names those that never will (they failed, or are gone) or did not in time.
        """
        return self._serving.wait(servers, self._names(cloud), state, timeout, told)

    # Acts without arguments

    def stop(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Shut servers down, keeping their disks."""
        return self._serving.act("stop", servers, self._names(cloud), told)

    def resume(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Start stopped or suspended servers again."""
        return self._serving.act("resume", servers, self._names(cloud), told)

    def reboot(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Restart servers."""
        return self._serving.act("reboot", servers, self._names(cloud), told)

    def hard_reboot(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Restart servers that do not react any more, as by their power switch."""
        return self._serving.act("hard_reboot", servers, self._names(cloud), told)

    def delete(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Delete servers; those that are gone already are no error."""
        return self._serving.act("delete", servers, self._names(cloud), told)

    def suspend(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Put servers' memory to disk; `resume` brings them back."""
        return self._serving.act("suspend", servers, self._names(cloud), told)

    def pause(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Stop servers' processors, their memory kept."""
        return self._serving.act("pause", servers, self._names(cloud), told)

    def unpause(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Let paused servers go on."""
        return self._serving.act("unpause", servers, self._names(cloud), told)

    def shelve(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Take servers off their hosts and keep them as images."""
        return self._serving.act("shelve", servers, self._names(cloud), told)

    def unshelve(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Bring shelved servers back."""
        return self._serving.act("unshelve", servers, self._names(cloud), told)

    def confirm_resize(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Keep the new flavor of resized servers."""
        return self._serving.act("confirm_resize", servers, self._names(cloud), told)

    def revert_resize(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Put resized servers back on their old flavor."""
        return self._serving.act("revert_resize", servers, self._names(cloud), told)

    def unrescue(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Boot rescued servers from their own disks again."""
        return self._serving.act("unrescue", servers, self._names(cloud), told)

    def lock(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Let the cloud refuse acts on servers until they are unlocked."""
        return self._serving.act("lock", servers, self._names(cloud), told)

    def unlock(
        self, servers: Which, *, cloud: str | None = None, told: Told | None = None
    ) -> Gathered[Server]:
        """Allow acts on servers again."""
        return self._serving.act("unlock", servers, self._names(cloud), told)

    # Acts with arguments

    def resize(
        self,
        servers: Which,
        flavor: str | Flavor,
        *,
        cloud: str | None = None,
        told: Told | None = None,
    ) -> Gathered[Server]:
        """Move servers to another flavor; `confirm_resize` or `revert_resize` ends that."""
        return self._serving.resize(servers, self._names(cloud), flavor, told)

    def rebuild(
        self,
        servers: Which,
        image: str | Image,
        *,
        cloud: str | None = None,
        told: Told | None = None,
    ) -> Gathered[Server]:
        """Make servers' disks anew from an image: what is on them is lost, addresses stay."""
        return self._serving.rebuild(servers, self._names(cloud), image, told)

    def rescue(
        self,
        servers: Which,
        image: str | Image | None = None,
        *,
        cloud: str | None = None,
        told: Told | None = None,
    ) -> Gathered[Server]:
        """Boot servers from a rescue image (their own where None), their disks beside it."""
        return self._serving.rescue(servers, self._names(cloud), image, told)

    def rename(
        self,
        server: str | Server,
        name: str,
        *,
        cloud: str | None = None,
        told: Told | None = None,
    ) -> Gathered[Server]:
        """Give a server another name; its id stays."""
        return self._serving.rename(server, self._names(cloud), name, told)

    def tag(
        self,
        servers: Which,
        tags: Mapping[str, str | None],
        *,
        cloud: str | None = None,
        told: Told | None = None,
    ) -> Gathered[Server]:
        """Set tags of servers; None takes one away, those that are not named stay."""
        return self._serving.tag(servers, self._names(cloud), tags, told)
