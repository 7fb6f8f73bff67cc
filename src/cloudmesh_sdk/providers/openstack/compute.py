"""What Nova does with a server: acts, its name and metadata, its consoles and its history."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

import attrs

from cloudmesh_sdk.errors import (
    BackendError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Action, Server, ServerState
from cloudmesh_sdk.providers.base import (
    HasActions,
    HasConsole,
    HasConsoleURL,
    HasHardReboot,
    HasLock,
    HasPause,
    HasRebuild,
    HasRename,
    HasRescue,
    HasResize,
    HasShelve,
    HasSuspend,
    HasTags,
)
from cloudmesh_sdk.providers.openstack import records
from cloudmesh_sdk.providers.openstack.client import Client
from cloudmesh_sdk.providers.openstack.errors import refused_as
from cloudmesh_sdk.retrying import Budget

_IN_STATE = re.compile(r"while it is in (vm_state|task_state) (\S+)")
"""How Nova's 409 names what is in the way (nova.exception.InstanceInvalidState)."""

_PASSING = frozenset({"building"})
"""States of a server that end by themselves, as a task does."""

_FINAL = frozenset({"deleting", "soft-deleting"})
"""Tasks that nothing is possible after."""

_FIRST, _LONGEST = 0.3, 2.0
"""Seconds between two tries of an act that another act is in the way of."""

_RUNNING = frozenset({"active"})
_SHELVED = frozenset({"shelved", "shelved_offloaded"})

_BACK: Mapping[str, str] = {
    "stopped": "os-start",
    "suspended": "resume",
    "paused": "unpause",
    "shelved": "unshelve",
    "shelved_offloaded": "unshelve",
}
"""By which action a server runs again, by its state."""

_BACK_FROM: Mapping[ServerState, str] = {
    ServerState.SUSPENDED: "resume",
    ServerState.PAUSED: "unpause",
    ServerState.SHELVED: "unshelve",
}

_CONSOLES = (
    ("vnc", "novnc"), ("spice", "spice-html5"), ("serial", "serial"), ("mks", "webmks"),
)  # fmt: skip
"""Consoles that a browser opens: protocol and type, the usual one first."""

_NO_CONSOLE = "unavailable console type"
_NOT_READY = "is not ready"
"""Nova's words (InstanceNotReady) for a server that has no host yet."""


def path(server: Server, *rest: str) -> str:
    """Return the path of a server, or of what is below it."""
    return "/".join(("/servers", quote(server.id, safe="") or "-", *rest))


def state_in(error: BackendError) -> tuple[str, str]:
    """Return what is in the way of an act: `vm_state` or `task_state`, and its word."""
    refused = refused_as(error)
    found = _IN_STATE.search(refused.message) if refused else None
    return (found.group(1), found.group(2)) if found else ("", "")


def act(
    client: Client,
    server: Server,
    action: str,
    body: Any = None,
    *,
    done: frozenset[str] = frozenset(),
    again: bool = True,
) -> Any:
    """Do something to a server; returns the answer.

    Nova refuses (409) while another act is under way, or the server is still being built: these
    pass, so the act is tried again until the time of one call is over. `done` are states (Nova's
    vm_state) in which nothing is left to do, which 1 more request makes sure of. Any other
    conflict is an error at once.
    """
    budget = client.budget()
    wait = _FIRST
    while True:
        try:
            return client.call(
                "POST", path(server, "action"), body={action: body}, again=again, budget=budget
            )
        except ConflictError as error:
            kind, word = state_in(error)
            if kind == "vm_state" and word in done:
                # Nova looks at vm_state first: it may be about to change
                kind, word = "task_state", _task(client, server, budget)
                if not word:
                    return None
            soon = _passes(kind, word) or _NOT_READY in str(error)
            if not soon or budget.left() <= wait:
                raise
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST)


def _task(client: Client, server: Server, budget: Budget) -> str:
    """Return what is under way at a server; empty where nothing is."""
    answer = client.call("GET", path(server), budget=budget)
    native = client.part(answer, "GET /servers", "server")
    return str(native.get("OS-EXT-STS:task_state") or "")


def _passes(kind: str, word: str) -> bool:
    return (kind == "task_state" and word not in _FINAL) or word in _PASSING


def resume(client: Client, server: Server) -> None:
    """Let a server run again, from whatever state it is in.

    1 request where the state in the record is still so; else Nova's refusal names the state, and
    a second request fits it.
    """
    action = _BACK_FROM.get(server.state, "os-start")
    try:
        act(client, server, action, done=_RUNNING)
    except ConflictError as error:
        other = _BACK.get(state_in(error)[1])
        if other is None or other == action:
            raise
        act(client, server, other, done=_RUNNING)


class Acts(
    HasSuspend, HasPause, HasShelve, HasResize, HasRebuild, HasRescue, HasLock, HasRename, HasTags,
    HasHardReboot, HasConsole, HasConsoleURL, HasActions,
):  # fmt: skip
    """The acts on a server that every Nova has.

    An act that finds its server busy waits for it: see `act`.
    """

    _client: Client
    name: str
    consoles: ClassVar[tuple[tuple[str, str], ...]] = _CONSOLES

    def suspend(self, server: Server) -> None:
        act(self._client, server, "suspend", done=frozenset({"suspended"}))

    def pause(self, server: Server) -> None:
        act(self._client, server, "pause", done=frozenset({"paused"}))

    def unpause(self, server: Server) -> None:
        act(self._client, server, "unpause", done=_RUNNING)

    def shelve(self, server: Server) -> None:
        act(self._client, server, "shelve", done=_SHELVED)

    def unshelve(self, server: Server) -> None:
        act(self._client, server, "unshelve", done=_RUNNING)

    def resize(self, server: Server, flavor: str) -> None:
        act(self._client, server, "resize", {"flavorRef": flavor}, again=False)

    def confirm_resize(self, server: Server) -> None:
        act(self._client, server, "confirmResize", again=False)

    def revert_resize(self, server: Server) -> None:
        act(self._client, server, "revertResize", again=False)

    def rebuild(self, server: Server, image: str) -> None:
        act(self._client, server, "rebuild", {"imageRef": image}, again=False)

    def rescue(self, server: Server, image: str | None = None) -> None:
        body = {"rescue_image_ref": image} if image else {}
        act(self._client, server, "rescue", body, done=frozenset({"rescued"}))

    def unrescue(self, server: Server) -> None:
        act(self._client, server, "unrescue", done=_RUNNING)

    def lock(self, server: Server) -> None:
        act(self._client, server, "lock")

    def unlock(self, server: Server) -> None:
        act(self._client, server, "unlock")

    def hard_reboot(self, server: Server) -> None:
        act(self._client, server, "reboot", {"type": "HARD"}, again=False)

    def rename(self, server: Server, name: str) -> Server:
        answer = self._client.call("PUT", path(server), body={"server": {"name": name}})
        native = self._client.part(answer, "PUT /servers", "server")
        if "OS-EXT-STS:task_state" not in native:  # before 2.75 it tells a part only
            return self.server(server.id)
        return self._client.records("PUT /servers", records.server, [native])[0]

    def tag(self, server: Server, tags: Mapping[str, str | None]) -> Server:
        """Set metadata of a server: 1 request for all that is set, 1 for each taken away, 1 GET.

        Raises `InvalidRequestError` for the item that the operation's token is kept in.
        """
        if records.TOKEN in tags:
            text = f"{self.name}: {records.TOKEN} is kept by Cloudmesh itself; choose another name"
            raise InvalidRequestError(text)
        if given := {key: value for key, value in tags.items() if value is not None}:
            self._client.call("POST", path(server, "metadata"), body={"metadata": given})
        for key in (key for key, value in tags.items() if value is None):
            try:
                self._client.call("DELETE", path(server, "metadata", quote(key, safe="")))
            except NotFoundError:
                continue  # gone already; a server that is gone shows below
        return self.server(server.id)

    def server(self, id: str) -> Server:  # noqa: A002
        """Return one server as it is now; 1 request."""
        if not id:
            raise NotFoundError(f"{self.name} has no server without an id")
        what = f"/servers/{quote(id, safe='')}"
        native = self._client.part(self._client.call("GET", what), f"GET {what}", "server")
        return self._client.records(f"GET {what}", records.server, [native])[0]

    def console(self, server: Server) -> str:
        """Return what the server printed; 1 request."""
        body: dict[str, Any] = {"os-getConsoleOutput": {}}
        try:
            answer = self._client.call("POST", path(server, "action"), body=body)
        except ConflictError as error:
            if _NOT_READY in str(error):
                return ""
            raise
        return str(self._client.part(answer, "POST os-getConsoleOutput", "output") or "")

    def console_url(self, server: Server) -> str:
        """Return a link to the first kind of console that the cloud has; mostly 1 request."""
        missing: list[str] = []
        for protocol, kind in self.consoles:
            body = {"remote_console": {"protocol": protocol, "type": kind}}
            try:
                answer = self._client.call("POST", path(server, "remote-consoles"), body=body)
            except InvalidRequestError as error:
                if _NO_CONSOLE not in str(error).lower():
                    raise
                missing.append(kind)
                continue
            found = self._client.part(answer, "POST remote-consoles", "remote_console")
            return str(self._client.part(found, "POST remote-consoles", "url"))
        raise UnsupportedError(f"{self.name} has no console for browsers ({', '.join(missing)})")

    def actions(self, server: Server) -> Iterator[Action]:
        """Yield what was done to a server, oldest first.

        1 request, and 1 for each action that failed, for the step that did. Of a build that
        failed Nova tells in the server's fault only (seen on Nova 34): where the server is in
        ERROR and no action failed, the fault is the last one's.
        """
        what = path(server, "os-instance-actions")
        pages = self._client.pages(what, "instanceActions")
        whole = lambda native, _: self._told(what, native)  # noqa: E731 - as a converter is
        natives = [one for page in pages for one in self._client.records(what, whole, page)][::-1]
        found = self._client.records(f"GET {what}", records.action, natives)
        if server.fault and not any(one.result == "error" for one in found):
            found[-1:] = [attrs.evolve(o, result="error", message=server.fault) for o in found[-1:]]
        yield from found

    def _told(self, what: str, native: Mapping[str, Any]) -> Any:
        """Return an action with its steps where it failed: Nova's list has its message only."""
        if not native.get("message") or not native.get("request_id"):
            return native
        answer = self._client.call("GET", f"{what}/{quote(str(native['request_id']), safe='')}")
        return self._client.part(answer, f"GET {what}", "instanceAction")
