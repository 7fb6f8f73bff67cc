"""OpenStack's REST services: signed in, pooled, within a deadline; answers as plain data."""

import email.utils
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
import requests

from cloudmesh_sdk.errors import BackendError, UnsupportedError
from cloudmesh_sdk.models import RawAnswer
from cloudmesh_sdk.providers.openstack.answers import (
    Nonsense,
    decoded,
    refusal_of,
    request_id,
)
from cloudmesh_sdk.providers.openstack.auth import Login, plugin, who
from cloudmesh_sdk.providers.openstack.budget import Budget
from cloudmesh_sdk.providers.openstack.endpoints import Directory, Place, place
from cloudmesh_sdk.providers.openstack.errors import never_sent, translated
from cloudmesh_sdk.providers.openstack.native import Native
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings
from cloudmesh_sdk.providers.openstack.transport import Transport, session
from cloudmesh_sdk.wire import Watch

T = TypeVar("T")
Params = Mapping[str, Any] | Sequence[tuple[str, Any]] | None

HIGHEST = {"compute": "2.96", "volume": "3.70"}
"""Highest microversions that we ask for: those that were tested (Nova of 2024.1, Cinder of
2023.1)."""

LOWEST = {"compute": "2.47", "volume": "3.0"}
"""Lowest that we can do with: Nova embeds the flavor in a server from 2.47 on (Pike)."""

_log = logging.getLogger(__name__)
_MAXIMUM = re.compile(rb"maximum is (\d+\.\d+)")

_GARBLED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading a thing raises that lacks what the API promises."""


class Client:
    """One account at one region. `told` hears of each request just before it goes out."""

    def __init__(
        self,
        name: str,
        settings: OpenstackSettings,
        told: Callable[[], None],
        watch: Callable[[], Watch | None],
    ) -> None:
        self.name = name
        self.skew: float | None = None
        """Seconds our clock is ahead of the service's, as of the last answer."""
        self._settings = settings
        self._watch = watch
        self._transport = Transport(told, self._sent, settings.timeout)
        self._login = Login(plugin(name, settings))
        self._session = session(settings, self._login.plugin, self._transport)
        self._lock = threading.Lock()
        self._known: tuple[Any, Directory] | None = None
        self._versions = _asked(settings)
        self.native = Native(self._session, settings, self.microversion)

    def budget(self) -> Budget:
        """Return what one call may spend."""
        return Budget(seconds=self._settings.timeout, retries=self._settings.retries)

    def call(
        self,
        method: str,
        path: str,
        *,
        service: str = "compute",
        params: Params = None,
        body: Any = None,
        again: bool = True,
        budget: Budget | None = None,
        microversion: str | None = None,
    ) -> Any:
        """Return the plain data of the answer, None of an empty one; raises `BackendError`.

        `path` is below the service's endpoint for this account. `again` says that the request may
        be repeated after a failure that leaves open whether it was done; `budget` is what a
        larger call has left for it.
        """
        budget = budget or self.budget()
        while True:
            try:
                return self.once(
                    method, path, service=service, params=params, body=body,
                    seconds=budget.left(), microversion=microversion,
                )  # fmt: skip
            except BackendError as error:
                if not again and not never_sent(error):
                    raise
                budget.pause(error)

    def once(
        self,
        method: str,
        path: str,
        *,
        service: str = "compute",
        params: Params = None,
        body: Any = None,
        seconds: float | None = None,
        microversion: str | None = None,
    ) -> Any:
        """Return the same for a request sent once.

        Sent again only where it surely was not acted on: a token that has run out, a microversion
        that the service does not know.
        """
        action = f"{method} {path}"
        with self._transport.within(seconds or self._settings.timeout):
            response = self._ask(
                action, service, method, path, params, body, microversion=microversion
            )
        with translated(self.name, action):
            if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
                raise refusal_of(response, service, response.status_code)
            return decoded(response)

    def _ask(
        self, action: str, service: str, method: str, path: str, params: Params, body: Any,
        *, microversion: str | None,
    ) -> requests.Response:  # fmt: skip
        renewed = False
        while True:
            url, headers = self._address(service, path)
            version = microversion or self._versions.get(service)
            if version:
                headers["OpenStack-API-Version"] = f"{service} {version}"
            with translated(self.name, action):
                response = self._session.request(
                    url, method, params=params, headers=headers, authenticated=False, log=False,
                    raise_exc=False, redirect=False,
                    **({} if body is None else _as_json(headers, body)),
                )  # fmt: skip
            status = response.status_code
            if status == HTTPStatus.UNAUTHORIZED and not renewed and self._login.renew(headers):
                renewed = True
            elif (
                status != HTTPStatus.NOT_ACCEPTABLE
                or microversion
                or not self._lower(service, version, response)
            ):
                return response

    def _lower(self, service: str, version: str | None, response: requests.Response) -> bool:
        """Take the service's own highest microversion; tell whether that is another one."""
        found = _MAXIMUM.search(response.content)
        if version is None or found is None:
            return False
        theirs = found.group(1).decode()
        if _number(theirs) < _number(LOWEST.get(service, theirs)):
            text = f"{self.name}: {service} speaks microversion {theirs} at most, we need "
            raise UnsupportedError(text + LOWEST[service])
        if _number(theirs) >= _number(version):
            return False
        self._versions[service] = theirs
        return True

    def _address(self, service: str, path: str) -> tuple[str, dict[str, str]]:
        """Return the URL of a path, and headers that sign a request to it in."""
        with translated(self.name, "signing in", who=who(self._settings)):
            headers = self._login.headers(self._session)
        return self._place(service).at(path), headers

    def _place(self, service: str) -> Place:
        override = getattr(self._settings, f"{service}_endpoint_override", None)
        if override:
            return place(service, override, None)
        return self._directory().place(service)

    def _directory(self) -> Directory:
        """Return the services that the present token names."""
        with translated(self.name, "signing in", who=who(self._settings)):
            access = self._login.access(self._session)
        with self._lock:
            if self._known is None or self._known[0] is not access:
                catalog: Any = ()
                if access is not None and access.has_service_catalog():
                    catalog = access.service_catalog.catalog
                directory = Directory(
                    self.name, catalog, interface=self._settings.interface,
                    region=self._settings.region_name,
                    project=access.project_id if access else None,
                )  # fmt: skip
                self._known = (access, directory)
            return self._known[1]

    def pages(
        self, path: str, collection: str, *, service: str = "compute", params: Params = None
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of a list to its end; raises rather than end early."""
        seen: set[str] = set()
        following: str | None = path
        while following:
            answer = self.call("GET", following, service=service, params=params)
            yield self.part(answer, f"GET {path}", collection)
            following, params = self._next(answer, service, collection), None
            with translated(self.name, f"GET {path}"):
                if following in seen:
                    raise Nonsense("its pages go round in a circle")
            if following:
                seen.add(following)

    def _next(self, answer: Mapping[str, Any], service: str, collection: str) -> str | None:
        """Return the path of the next page, wherever the service believes itself to be."""
        links = answer.get(f"{collection}_links") or ()
        link = next((one["href"] for one in links if one.get("rel") == "next"), None)
        link = link or answer.get("next")
        if not link:
            return None
        here = self._place(service)
        there = place(service, str(link).partition("?")[0])
        rest = there.rest.removeprefix(here.rest).lstrip("/") if here.rest else there.rest
        if not there.version or there.version == here.version:
            return "/" + rest + "?" + str(link).partition("?")[2]
        return str(link)

    def part(self, answer: Any, what: str, key: str) -> Any:
        """Return what an answer must hold; one without it is not an empty one."""
        with translated(self.name, what):
            if not isinstance(answer, dict) or key not in answer:
                found = ", ".join(answer) if isinstance(answer, dict) else type(answer).__name__
                raise Nonsense(f"{key} was wanted, found {found or 'nothing'}")
            return answer[key]

    def records(
        self, what: str, convert: Callable[[Any, str], T], natives: Iterable[Any]
    ) -> list[T]:
        """Return the records of the things in an answer."""
        with translated(self.name, what):
            try:
                return [convert(native, self.name) for native in natives]
            except _GARBLED as error:
                text = f"a thing is not as OpenStack describes it: {error!r}"
                raise Nonsense(text) from error

    def has(self, service: str) -> bool:
        """Tell whether the catalog names a service."""
        if getattr(self._settings, f"{service}_endpoint_override", None):
            return True
        return self._directory().has(service)

    def microversion(self, service: str = "compute") -> str:
        """Return the microversion in use; empty for a service that has none."""
        return self._versions.get(service, "")

    def project_id(self) -> str:
        """Return the id of the project that the token is for; empty where it is for none."""
        with translated(self.name, "signing in", who=who(self._settings)):
            access = self._login.access(self._session)
        return (access.project_id if access else "") or ""

    def user_id(self) -> str:
        """Return the id of the user that the token is of."""
        with translated(self.name, "signing in", who=who(self._settings)):
            access = self._login.access(self._session)
        return (access.user_id if access else "") or ""

    def raw(
        self, method: str, path: str, *, service: str = "compute", json: Any = None,
        params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None,
    ) -> RawAnswer:  # fmt: skip
        """Return the answer to one request, whatever its status is."""
        raise NotImplementedError

    def close(self) -> None:
        """Give back the connections."""
        self._session.session.close()

    def _sent(
        self, request: requests.PreparedRequest, response: requests.Response | None,
        error: BaseException | None, begun: float,
    ) -> None:  # fmt: skip
        took = time.monotonic() - begun
        if response is None:
            _log.debug("%s: %s %s: no answer in %.3f s", self.name, request.method,
                       str(request.url).partition("?")[0], took)  # fmt: skip
            return
        self._set_clock(response.headers)
        _log.debug(
            "%s: %s %s: HTTP %d in %.3f s, request %s", self.name, request.method,
            str(request.url).partition("?")[0], response.status_code, took,
            request_id(response.headers) or "-",
        )  # fmt: skip

    def _set_clock(self, headers: Mapping[str, str]) -> None:
        try:
            theirs = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
        except (KeyError, ValueError):
            return
        self.skew = time.time() - theirs


def _asked(settings: OpenstackSettings) -> dict[str, str]:
    """Return the microversions to ask for at first."""
    asked = dict(HIGHEST)
    for service, highest in HIGHEST.items():
        chosen = getattr(settings, f"{service}_api_version") or highest
        if "." in chosen and _number(chosen) >= _number(LOWEST[service]):
            asked[service] = chosen  # "2" and "2.1" in clouds.yaml name the API, nothing more
    return asked


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _as_json(headers: dict[str, str], body: Any) -> dict[str, Any]:
    headers["Content-Type"] = "application/json"
    return {"data": orjson.dumps(body)}
