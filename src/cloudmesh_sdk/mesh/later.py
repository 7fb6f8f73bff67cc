"""Acts that nobody waits for: written into the journal, and run by whoever is there to do it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.facade import Which
from cloudmesh_sdk.mesh.handles import Handle, handles
from cloudmesh_sdk.models import Flavor, Image, Operation

if TYPE_CHECKING:
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.mesh.joblists import Which as Machines
    from cloudmesh_sdk.mesh.jobs import Jobs_


class Later:
    """The acts of a mesh on servers and jobs, each of which returns its operations at once.

    They wait in the journal until a runner takes them: a thread of this process, a worker that
    `cm service start worker` started, or one on another machine. The arguments are those of the
    mesh's own acts, and what is wrong with them is raised here and now. Secrets such as user data
    and a job's variables cannot be among them: they would have to be written down. What a job is to
    run is, until it is handed in, or that is given up; put no secret there.
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
    ) -> Gathered[Handle]:
        """Ask for servers, as `mesh.start` does."""
        return self._asked(
            "start", count=count, cloud=cloud, image=image, flavor=flavor, key=key, name=name,
            security_groups=security_groups, networks=networks, tags=tags, zone=zone,
            config_drive=config_drive, boot_volume=boot_volume, hints=hints,
        )  # fmt: skip

    def stop(self, servers: Which, *, cloud: str | None = None) -> Gathered[Handle]:
        """Ask for servers to be shut down."""
        return self._asked("stop", servers, cloud=cloud)

    def resume(self, servers: Which, *, cloud: str | None = None) -> Gathered[Handle]:
        """Ask for servers to run again."""
        return self._asked("resume", servers, cloud=cloud)

    def reboot(self, servers: Which, *, cloud: str | None = None) -> Gathered[Handle]:
        """Ask for servers to be restarted."""
        return self._asked("reboot", servers, cloud=cloud)

    def delete(self, servers: Which, *, cloud: str | None = None) -> Gathered[Handle]:
        """Ask for servers to be deleted."""
        return self._asked("delete", servers, cloud=cloud)

    def submit(
        self,
        *command: str,
        script: str | None = None,
        machine: str | None = None,
        name: str | None = None,
        queue: str | None = None,
        nodes: int | None = None,
        tasks: int | None = None,
        cores: int | None = None,
        memory: int | str | None = None,
        walltime: int | str | None = None,
        gpus: int | None = None,
        account: str | None = None,
        array: str | None = None,
        after: "Jobs_ | Mapping[str, Any] | None" = None,
        workdir: str | None = None,
        output: str | None = None,
        error: str | None = None,
        held: bool = False,
        options: str | Iterable[str] = (),
    ) -> Gathered[Handle]:
        """Ask for a job to be handed in, as `mesh.submit` does; `result` is its id in the end."""
        asked = {
            "command": command, "script": script, "queue": queue, "nodes": nodes, "tasks": tasks,
            "cores": cores, "memory": memory, "walltime": walltime, "gpus": gpus,
            "account": account, "array": array, "after": after, "environment": None,
            "workdir": workdir, "output": output, "error": error, "held": held, "options": options,
        }  # fmt: skip
        target, secrets = self._mesh._submitting.task(asked, machine=machine, name=name)
        return self._left("submit", [target], secrets)

    def cancel_jobs(self, jobs: "Jobs_", *, machine: "Machines" = None) -> Gathered[Handle]:
        """Ask for jobs to be ended."""
        return self._left("cancel_job", self._mesh._jobs.targets(jobs, machine))

    def hold_jobs(self, jobs: "Jobs_", *, machine: "Machines" = None) -> Gathered[Handle]:
        """Ask for waiting jobs to be kept from beginning."""
        return self._left("hold_job", self._mesh._jobs.targets(jobs, machine))

    def release_jobs(self, jobs: "Jobs_", *, machine: "Machines" = None) -> Gathered[Handle]:
        """Ask for held jobs to be let begin."""
        return self._left("release_job", self._mesh._jobs.targets(jobs, machine))

    def _left(
        self,
        act: str,
        targets: Sequence[tuple[str, str, Mapping[str, Any]]],
        secrets: Mapping[str, Any] | None = None,
    ) -> Gathered[Handle]:
        """Write down what is asked of jobs."""
        self._mesh._feeding.check()
        asked = self._mesh._deferring._acts.run(act, targets, secrets=secrets)
        return self._told(cast("Gathered[Any]", asked))

    def _asked(self, act: str, *args: Any, **options: Any) -> Gathered[Handle]:
        self._mesh._feeding.check()
        asked = getattr(self._mesh._deferring, act)(*args, **options)
        return self._told(cast("Gathered[Operation]", asked))

    def _told(self, operations: Gathered[Operation]) -> Gathered[Handle]:
        """Tell runners of operations that wait, and return them."""
        if self._here:
            self._mesh._feeding.begin()
        self._mesh._feeding.announce(operations)
        return Gathered(handles(self._mesh, operations), operations.sources)
