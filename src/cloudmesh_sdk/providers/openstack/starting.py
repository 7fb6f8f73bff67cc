"""Starting servers at Nova, never twice: what is in doubt is looked up before it is sent again."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from cloudmesh_sdk.errors import (
    BackendError,
    BackendTimeoutError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
    near,
)
from cloudmesh_sdk.masking import MASK
from cloudmesh_sdk.models import Server, ServerRequest, ServerState
from cloudmesh_sdk.providers.openstack import records
from cloudmesh_sdk.providers.openstack.client import Client
from cloudmesh_sdk.providers.openstack.errors import never_sent
from cloudmesh_sdk.providers.openstack.launch import TAGGED, UUID, launch, names, tag

T = TypeVar("T")

_SERVERS = "/servers/detail"
_SEVERAL = "multiple possible networks"
"""Nova's words where `networks: auto` has a choice."""


class Starter:
    """Starts servers; remembers the tokens that it sent, so as to look those up at once."""

    def __init__(self, client: Client, *, settle: float, all_projects: bool) -> None:
        self._client = client
        self._settle = settle
        self._scope = {"all_tenants": "1"} if all_projects else {}
        self._sent: set[str] = set()

    def start(self, request: ServerRequest) -> Server:
        """Return one server, started now or by an earlier start with this token."""

        def found() -> Server | None:
            return next(iter(alive_first(self.find(request.token))), None)

        def told(answer: Any) -> Server:
            return self._server(request, answer)

        return self._sure(request, 1, found, told)

    def start_many(self, request: ServerRequest, wanted: Sequence[str]) -> list[Server]:
        """Return like servers in the order of their names; 1 request, and 1 for their list."""
        if list(wanted) != names(request.name, len(wanted)):
            text = f"{self._client.name} names many servers NAME-1, NAME-2 …, not {wanted[0]} …"
            raise InvalidRequestError(text)
        if len(wanted) == 1:
            return [self.start(request)]

        def found() -> list[Server] | None:
            made = [s for s in self.find(request.token) if s.name in set(wanted)]
            return self._all(made, wanted, request.token) if made else None

        def told(answer: Any) -> list[Server]:
            reservation = self._client.part(answer, "POST /servers", "reservation_id")
            made = self._listed({"reservation_id": reservation})
            return self._all(list(made), wanted, request.token)

        return self._sure(request, len(wanted), found, told)

    def find(self, token: str) -> list[Server]:
        """Return the servers with this token; 1 request, whatever there is beside them.

        Measured on Nova 34: `tags` selects for a member, `metadata` does not. Whatever a filter
        gave, the token in the metadata decides. Without tags (microversions before 2.52) all are
        listed.
        """
        filters = {"tags": tag(token)} if self._tagged() else {}
        return [server for server in self._listed(filters) if server.token == token]

    def _sure(
        self,
        request: ServerRequest,
        count: int,
        found: Callable[[], T | None],
        told: Callable[[Any], T],
    ) -> T:
        """Return what a start made; once Nova took it, it is never sent again."""
        if request.boot_volume is not None and not self._client.has("volume"):
            text = f"{self._client.name} has no volumes to boot from: its catalog names no Cinder"
            raise UnsupportedError(text)
        if request.token in self._sent and (made := found()) is not None:
            return made
        networks = self._networks(request.networks)
        body = launch(request, networks, tagged=self._tagged(), count=count)
        self._sent.add(request.token)
        made, answer = self._taken(body, found)
        if made is not None:
            return made
        try:
            return told(answer)
        except BackendError as error:
            return self._seen(request, error, found)

    def _taken(self, body: Any, found: Callable[[], T | None]) -> tuple[T | None, Any]:
        """Send a start until Nova takes it; return what it answered, or what it turned out to make.

        After a gateway's timeout it is not sent again: Nova may still be at it.
        """
        budget = self._client.budget()
        while True:
            try:
                return None, self._client.once("POST", "/servers", body=body, seconds=budget.left())
            except (ConflictError, InvalidRequestError) as error:
                raise self._explained(error) from error.__cause__
            except BackendError as error:
                budget.pause(error)
                if never_sent(error):
                    continue
                try:
                    made = self._awaited(found)
                except BackendError as blind:
                    raise error from blind  # it stays in doubt
                if made is not None:
                    return made, None
                if isinstance(error, BackendTimeoutError):
                    raise

    def _seen(
        self, request: ServerRequest, error: BackendError, found: Callable[[], T | None]
    ) -> T:
        """Return what a start made that Nova took, but whose answer or list led to an error.

        Raises one that leaves open what there is: a refusal would say that there is nothing.
        """
        with suppress(BackendError):
            if (made := self._awaited(found)) is not None:
                return made
        if error.transient:
            raise error
        text = f"{self._client.name} took the start of {request.name} and does not tell of it: "
        raise UnavailableError(f"{text}{error}", request_id=error.request_id) from error

    def _awaited(self, found: Callable[[], T | None]) -> T | None:
        """Return what a start in doubt made, if a list shows it before it must have shown it."""
        end = time.monotonic() + self._settle
        wait = 0.25
        while (made := found()) is None and time.monotonic() + wait < end:
            time.sleep(wait)
            wait = min(2 * wait, 2.0)
        return made

    def _server(self, request: ServerRequest, answer: Any) -> Server:
        """Return the server of an answer that has not much more than its id."""
        native = dict(self._client.part(answer, "POST /servers", "server"))
        if native.get("adminPass"):
            native["adminPass"] = MASK
        made = self._client.records("POST /servers", _id, [native])[0]
        return Server(
            cloud=self._client.name,
            id=made,
            name=request.name,
            state=ServerState.PENDING,
            image=None if request.boot_volume else request.image,
            flavor=request.flavor,
            key=request.key,
            project=self._client.project_id() or None,
            security_groups=tuple(group["name"] for group in native.get("security_groups") or ()),
            tags=dict(request.tags),
            token=request.token,
            native=native,
        )

    def _all(self, made: list[Server], wanted: Sequence[str], token: str) -> list[Server]:
        """Return all servers in the order of their names; those not listed yet are waited for."""
        end = time.monotonic() + self._settle
        while len({server.name for server in made}) < len(wanted):
            if time.monotonic() > end:
                break
            time.sleep(0.5)
            made = [server for server in self.find(token) if server.name in set(wanted)]
        by_name = {server.name: server for server in alive_first(made)[::-1]}
        if missing := [name for name in wanted if name not in by_name]:
            text = f"{self._client.name} started {len(by_name)} of {len(wanted)} servers; "
            raise UnavailableError(f"{text}its list lacks {', '.join(missing[:3])}")
        return [by_name[name] for name in wanted]

    def _listed(self, filters: dict[str, str]) -> Iterator[Server]:
        for page in self._client.pages(_SERVERS, "servers", params={**filters, **self._scope}):
            yield from self._client.records(f"GET {_SERVERS}", records.server, page)

    def _tagged(self) -> bool:
        version = self._client.microversion("compute")
        return tuple(int(part) for part in version.split(".")) >= TAGGED

    def _networks(self, given: Sequence[str]) -> list[str]:
        """Return the ids of networks given by id or name; 1 request where a name is among them."""
        if all(UUID.fullmatch(network) for network in given) or list(given) in (["auto"], ["none"]):
            return list(given)
        known = list(self._known_networks())
        return [self._only(network, known) for network in given]

    def _known_networks(self) -> Iterator[tuple[str, str]]:
        params = [("fields", "id"), ("fields", "name")]
        for page in self._client.pages("/networks", "networks", service="network", params=params):
            yield from self._client.records("GET /networks", _id_and_name, page)

    def _only(self, network: str, known: Sequence[tuple[str, str]]) -> str:
        found = [number for number, name in known if network in (number, name)]
        if not found:
            hint = near(network, (name or number for number, name in known), what="there")
            raise NotFoundError(f"{self._client.name} has no network {network!r}; {hint}")
        if len(found) > 1:
            ids = ", ".join(found)
            text = f"{self._client.name} has several networks {network!r}: {ids}; give one's id"
            raise ConflictError(text)
        return found[0]

    def _explained(self, error: BackendError) -> BackendError:
        """Return an error about a choice of networks with their names; any other as it is."""
        if _SEVERAL not in str(error).lower():
            return error
        known = ", ".join(sorted(name or number for number, name in self._known_networks()))
        text = f"{self._client.name} has several networks and takes none by itself: {known}; "
        return InvalidRequestError(f"{text}name those wanted", request_id=error.request_id)


def alive_first(servers: Sequence[Server]) -> list[Server]:
    """Return servers, those that are deleted or failed last."""
    return sorted(servers, key=lambda server: server.state in _LAST)


_LAST = (ServerState.DELETED, ServerState.DELETING)


def _id(native: dict[str, Any], _: str) -> str:
    return str(native["id"])


def _id_and_name(native: dict[str, Any], _: str) -> tuple[str, str]:
    return native["id"], native.get("name") or ""
