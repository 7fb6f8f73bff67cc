"""OpenStack, by its own REST services."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, NotFoundError
from cloudmesh_sdk.models import (
    Flavor,
    Health,
    Image,
    Keypair,
    RawAnswer,
    Server,
    ServerRequest,
    ServerState as State,
)
from cloudmesh_sdk.providers.base import (
    Cloud,
    HasKeypairs,
    HasRaw,
    ListsChanges,
    StartsMany,
)
from cloudmesh_sdk.providers.openstack import image, launch, records
from cloudmesh_sdk.providers.openstack.account import Account
from cloudmesh_sdk.providers.openstack.client import Client
from cloudmesh_sdk.providers.openstack.compute import Acts, act, path, resume
from cloudmesh_sdk.providers.openstack.native import Native
from cloudmesh_sdk.providers.openstack.network import Networks
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings
from cloudmesh_sdk.providers.openstack.starting import Starter, alive_first
from cloudmesh_sdk.providers.openstack.volume import Volumes

__all__ = ["OpenstackCloud", "OpenstackSettings"]


class OpenstackCloud(
    Account, Acts, Networks, Volumes, HasKeypairs, StartsMany, ListsChanges, HasRaw, Cloud
):
    """One project at one region of an OpenStack."""

    Settings: ClassVar[type] = OpenstackSettings
    parallel: ClassVar[int] = 8
    extras: ClassVar[frozenset[str]] = frozenset({"zone", "config_drive", "boot_volume", "hints"})

    def __init__(self, name: str, settings: OpenstackSettings) -> None:
        super().__init__(name)
        self.settings = settings
        self.settle = settings.settle
        # a tape cannot tell what changed since it was first played
        self.complete_every = 0.0 if settings.replay else settings.complete_every
        self._counting = threading.Lock()
        self._client = Client(name, settings, self._count, lambda: self.watch)
        self._starter = Starter(
            self._client, settle=settings.settle, all_projects=settings.all_projects
        )

    def _count(self) -> None:
        with self._counting:
            self.calls += 1

    @property
    def native(self) -> Native:
        """keystoneauth1's session and adapters to each service, signed in as we are."""
        return self._client.native

    def check(self) -> Health:
        return Account.check(self)

    def servers(self) -> Iterator[Server]:
        """Yield all servers of the project (of all projects, where the settings say so)."""
        for server in self._servers({}):
            if server.state is not State.DELETED:
                yield server

    def changes(self, since: datetime) -> Iterator[Server]:
        """Yield the servers that changed since, deleted ones as `DELETED`; 1 request a page.

        Nova counts status, name, metadata and lock as changes, but not tags, floating IPs,
        interfaces and security groups (seen on Nova 34). `since` is put into its clock and
        reaches back by the overlap of the settings. Where our clock seemed behind it reaches
        back further: that may have been before it was set.
        """
        if self._client.skew is None:
            self._client.project_id()  # signing in tells the time there
        back = timedelta(seconds=self.settings.overlap + max(0.0, self._client.skew or 0.0))
        moment = (since.astimezone(UTC) - back).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._servers({"changes-since": moment})

    def _servers(self, filters: Mapping[str, str]) -> Iterator[Server]:
        params = dict(filters)
        if self.settings.page_size:
            params["limit"] = str(self.settings.page_size)
        if self.settings.all_projects:
            params["all_tenants"] = "1"
        for page in self._client.pages("/servers/detail", "servers", params=params):
            yield from self._client.records("GET /servers/detail", records.server, page)

    def images(self) -> Iterator[Image]:
        return image.images(self._client, self.settings.page_size)

    def flavors(self) -> Iterator[Flavor]:
        """Yield the flavors that this project can use, extra specs within; 1 request a page."""
        for page in self._client.pages("/flavors/detail", "flavors", params=self._sized()):
            yield from self._client.records("GET /flavors/detail", records.flavor, page)

    def _sized(self) -> dict[str, str]:
        return {"limit": str(self.settings.page_size)} if self.settings.page_size else {}

    def server(self, id: str) -> Server:  # noqa: A002
        return Acts.server(self, id)

    def is_ours(self, server: Server) -> bool:
        """Tell whether a server has our metadata and was started by this user, in this project."""
        whose = (server.project, server.native.get("user_id"))
        we = (self._client.project_id(), self._client.user_id())
        strange = any(a and b and a != b for a, b in zip(whose, we, strict=True))
        return server.token is not None and not strange

    def find(self, token: str) -> Server | None:
        """Return the server that a start with this token made; 1 request."""
        return next(iter(alive_first(self._starter.find(token))), None)

    def find_many(self, token: str) -> Sequence[Server]:
        """Return the servers that a start with this token made; 1 request a page."""
        return self._starter.find(token)

    def start(self, request: ServerRequest) -> Server:
        """Start a server; 1 request, and 1 where networks are given by name.

        The token goes as metadata and as a tag. It is looked up before anything is sent again
        whose answer was lost, and where this object has sent it before: for one that another
        process may have sent ask `find`. Nova takes a while until a server shows that it is
        making: a lost one is looked for during `settle` seconds. A transient error leaves open
        whether there is a server.
        """
        return self._starter.start(request)

    def start_many(self, request: ServerRequest, names: Sequence[str]) -> Sequence[Server]:
        """Start like servers, all or none: 1 request, and 1 for what it made."""
        return self._starter.start_many(request, names)

    def names_of_many(self, name: str, count: int) -> Sequence[str]:
        return launch.names(name, count)

    def delete(self, server: Server) -> None:
        try:
            self._client.call("DELETE", path(server))
        except NotFoundError:
            return

    def stop(self, server: Server) -> None:
        act(self._client, server, "os-stop", done=frozenset({"stopped"}))

    def resume(self, server: Server) -> None:
        """Let a stopped, suspended, paused or shelved server run again; 1 request, seldom 2."""
        resume(self._client, server)

    def reboot(self, server: Server) -> None:
        act(self._client, server, "reboot", {"type": "SOFT"}, again=False)

    def keypairs(self) -> Iterator[Keypair]:
        """Yield the keypairs of this user, which Nova keeps for each user, not for the project."""
        for page in self._client.pages("/os-keypairs", "keypairs", params=self._sized()):
            yield from self._client.records("GET /os-keypairs", records.keypair, page)

    def upload_key(self, name: str, public_key: str) -> Keypair:
        """Store a public key under a name; 1 request, 2 where the name is taken."""
        if len(public_key.split()) < 2:  # noqa: PLR2004 - kind and key
            text = f"{self.name}: key {name} is no public key in OpenSSH form (ssh-ed25519 AAAA…)"
            raise InvalidRequestError(text)
        body = {"keypair": {"name": name, "public_key": public_key, "type": "ssh"}}
        try:
            answer = self._client.call("POST", "/os-keypairs", body=body)
        except ConflictError as error:
            return self._same_key(name, public_key, error)
        return self._keypair(answer)

    def _same_key(self, name: str, public_key: str, taken: ConflictError) -> Keypair:
        found = self._keypair(self._client.call("GET", f"/os-keypairs/{quote(name, safe='')}"))
        if (found.public_key or "").split()[:2] == public_key.split()[:2]:
            return found
        text = f"{self.name} has another key named {name}; delete it or take another name"
        raise ConflictError(text, request_id=taken.request_id) from taken.__cause__

    def _keypair(self, answer: Any) -> Keypair:
        native = self._client.part(answer, "keypair", "keypair")
        return self._client.records("keypair", records.keypair, [native])[0]

    def delete_key(self, name: str) -> None:
        try:
            self._client.call("DELETE", f"/os-keypairs/{quote(name, safe='')}")
        except NotFoundError:
            return

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
        if path.startswith("//"):
            text = f"{self.name}: {path} names another host; give a path, or a whole URL of ours"
            raise InvalidRequestError(text)
        return self._client.raw(
            method, path, service=service, json=json, params=params, headers=headers
        )

    def close(self) -> None:
        self._client.close()
