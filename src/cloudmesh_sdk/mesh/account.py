"""What is asked of clouds live, as the facade offers it: limits, zones, consoles, raw requests."""

from collections.abc import Iterable, Mapping
from typing import Any

from cloudmesh_sdk.fanout import Gathered
from cloudmesh_sdk.mesh.facade import Facade
from cloudmesh_sdk.models import Action, Health, Quota, RawAnswer, Server, Zone
from cloudmesh_sdk.wire import Watch


class Account(Facade):
    """Questions that clouds are asked now; nothing of the answers is kept."""

    def check(self, names: str | Iterable[str] | None = None) -> Gathered[Health]:
        """Ask clouds (the active ones) who we are there: credentials, version, clock."""
        from cloudmesh_sdk.mesh.refreshing import check

        return check(self.clouds, self._names(names))

    def quotas(self, cloud: str | Iterable[str] | None = None) -> Gathered[Quota]:
        """Ask clouds (the active ones) for the limits of the account, all at once.

        A cloud that tells none adds none; named alone it raises `UnsupportedError`.
        """
        return self._asking.quotas(cloud)

    def zones(self, cloud: str | Iterable[str] | None = None) -> Gathered[Zone]:
        """Ask clouds (the active ones) for their availability zones; else as for `quotas`."""
        return self._asking.zones(cloud)

    def console(self, server: str | Server, *, cloud: str | None = None) -> str:
        """Return what a server printed while booting; empty where there is nothing yet."""
        return self._asking.console(server, self._names(cloud))

    def console_url(self, server: str | Server, *, cloud: str | None = None) -> str:
        """Return a link that opens a server's console; it holds a secret, is good for minutes."""
        return self._asking.console_url(server, self._names(cloud))

    def actions(self, server: str | Server, *, cloud: str | None = None) -> list[Action]:
        """Return what the cloud says was done to a server, oldest first."""
        return self._asking.actions(server, self._names(cloud))

    def raw(
        self,
        cloud: str,
        method: str,
        path: str,
        *,
        service: str = "compute",
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawAnswer:
        """Send a request of one's own to a cloud, signed in; the answer whatever its status is.

        `path` is below the endpoint of the service (`/servers/…`), or a whole URL of it. What it
        changes is not journalled.
        """
        return self._asking.raw(
            cloud, method, path, service=service, json=json, params=params, headers=headers
        )

    def watch_http(self, watch: Watch | None) -> None:
        """Tell `watch` each exchange with a service from now on (secrets masked); None ends it."""
        self.clouds.watch(watch)
        self.queues.watch(watch)
