"""Acts that nobody waits for: written into the journal, and run by whoever is there to do it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.facade import Which
from cloudmesh_sdk.models import Flavor, Image, Operation

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh


class Later:
    """The acts of a mesh on servers, each of which returns its operations at once.

    They wait in the journal until a runner takes them: a thread of this process, a worker that
    `cm service start worker` started, or one on another machine. The arguments are those of the
    mesh's own acts, and what is wrong with them is raised here and now. Secrets such as user data
    cannot be among them: they would have to be written down.
    """

    def __init__(self, mesh: "Mesh", *, here: bool = True) -> None:
        self._mesh = mesh
        self._here = here

    @property
    def elsewhere(self) -> "Later":
        """The same for a process that is about to end: it runs nothing of it itself."""
        return Later(self._mesh, here=False)

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
        tags: Mapping[str, str] | None = None,
        zone: str | None = None,
        config_drive: bool | None = None,
        boot_volume: int | None = None,
        hints: Mapping[str, str] | None = None,
    ) -> Gathered[Operation]:
        """Ask for servers, as `mesh.start` does."""
        return self._asked(
            "start", count=count, cloud=cloud, image=image, flavor=flavor, key=key, name=name,
            security_groups=security_groups, networks=networks, tags=tags, zone=zone,
            config_drive=config_drive, boot_volume=boot_volume, hints=hints,
        )  # fmt: skip

    def stop(self, servers: Which, *, cloud: str | None = None) -> Gathered[Operation]:
        """Ask for servers to be shut down."""
        return self._asked("stop", servers, cloud=cloud)

    def resume(self, servers: Which, *, cloud: str | None = None) -> Gathered[Operation]:
        """Ask for servers to run again."""
        return self._asked("resume", servers, cloud=cloud)

    def reboot(self, servers: Which, *, cloud: str | None = None) -> Gathered[Operation]:
        """Ask for servers to be restarted."""
        return self._asked("reboot", servers, cloud=cloud)

    def delete(self, servers: Which, *, cloud: str | None = None) -> Gathered[Operation]:
        """Ask for servers to be deleted."""
        return self._asked("delete", servers, cloud=cloud)

    def _asked(self, act: str, *args: Any, **options: Any) -> Gathered[Operation]:
        self._mesh._feeding.check()
        asked = getattr(self._mesh._deferring, act)(*args, **options)
        operations = cast("Gathered[Operation]", asked)
        if self._here:
            self._mesh._feeding.begin()
        self._mesh._feeding.announce(operations)
        return operations
