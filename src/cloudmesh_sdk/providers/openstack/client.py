"""OpenStack's REST services: signed in, pooled, within a deadline; answers as plain data."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import requests
from keystoneauth1.access import AccessInfo

from cloudmesh_sdk.errors import BackendError, InvalidRequestError
from cloudmesh_sdk.masking import masked_headers
from cloudmesh_sdk.models import RawAnswer
from cloudmesh_sdk.providers.openstack.access import Access
from cloudmesh_sdk.providers.openstack.answers import (
    Nonsense,
    decoded,
    refusal_of,
    request_id,
    skew,
)
from cloudmesh_sdk.providers.openstack.endpoints import following
from cloudmesh_sdk.providers.openstack.errors import hopeless, never_sent, translated
from cloudmesh_sdk.providers.openstack.headers import VERSION, check, headers_of
from cloudmesh_sdk.providers.openstack.native import Native
from cloudmesh_sdk.providers.openstack.reading import Reading
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings
from cloudmesh_sdk.providers.openstack.telling import exchange, log, recorder
from cloudmesh_sdk.providers.openstack.versions import Versions
from cloudmesh_sdk.retrying import Budget
from cloudmesh_sdk.wire import Watch

Params = Mapping[str, Any] | Sequence[tuple[str, Any]] | None

_DRIFT = 10.0
"""Seconds by which the skew of our clock may differ from the one that is kept."""

# at debug level it writes bodies, in which passwords of new servers stand
logging.getLogger("keystoneauth").setLevel(logging.INFO)


class Client(Reading):
    """One account at one region. `told` hears of each request just before it goes out.

    `watch` gives whoever is to be told of the exchanges; asked for each, so that it may change.
    """

    def __init__(
        self,
        name: str,
        settings: OpenstackSettings,
        told: Callable[[], None],
        watch: Callable[[], Watch | None],
    ) -> None:
        self.name = name
        self._settings = settings
        self._watch = watch
        self._skew: float | None = None
        self._tape = recorder(name, settings.record) if settings.record else None
        self._versions = Versions(name, settings)
        self._learned = False
        self._where = f"{settings.region_name} {settings.compute_endpoint_override}"
        self._access = Access(name, settings, told, self._sent, self._beside)
        self.native = Native(self._access.session, settings, self.microversion)

    @property
    def skew(self) -> float | None:
        """Seconds our clock is ahead of the service's, as of its last answer; None before any."""
        return self._skew if self._skew is not None else self._access.kept("skew")

    def budget(self) -> Budget:
        """Return what one call may spend."""
        return Budget(
            seconds=self._settings.timeout, retries=self._settings.retries, hopeless=hopeless
        )

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
                    method,
                    path,
                    service=service,
                    params=params,
                    body=body,
                    seconds=budget.left(),
                    microversion=microversion,
                )
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
        headers = {VERSION: f"{service} {microversion}"} if microversion else {}
        response = self._ask(
            method,
            path,
            service=service,
            params=params,
            body=body,
            seconds=seconds,
            headers=headers,
        )
        with translated(self.name, f"{method} {path}"):
            if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
                raise refusal_of(response, service, response.status_code)
            return decoded(response)

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
        """Return the answer to one request, whatever its status is.

        `path` is below the service's endpoint (its version may stand before), or a whole URL of
        the catalog's. Raises `BackendError` only where there is no answer at all, and
        `InvalidRequestError` for a URL that is not the cloud's.
        """
        response = self._ask(
            method.upper(), path, service=service, params=params, body=json, headers=headers or {}
        )
        try:
            body = decoded(response)
        except Nonsense:
            body = response.text
        return RawAnswer(
            status=response.status_code,
            headers=masked_headers(response.headers, self._access.secrets()),
            body=body,
            request_id=request_id(response.headers),
        )

    def pages(
        self, path: str, collection: str, *, service: str = "compute", params: Params = None
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of a list to its end, each asked for when it is wanted.

        Raises rather than end early: for a page that is cut, or lacks the collection, and for
        pages that go round in a circle.
        """
        seen: set[str] = set()
        wanted: str | None = path
        while wanted:
            answer = self.call("GET", wanted, service=service, params=params)
            page = self.part(answer, f"GET {path}", collection)
            wanted = following(answer, collection, self._access.place(service))
            with translated(self.name, f"GET {path}"):
                if not isinstance(page, list):
                    raise Nonsense(f"{collection} is no list")
                if wanted in seen:
                    raise Nonsense("its pages go round in a circle")
            seen |= {wanted} if wanted else set()
            params = None  # the link has them
            del answer  # a page is large: the caller's is to be the only one
            yield page

    def has(self, service: str) -> bool:
        """Tell whether the catalog names a service; sends nothing but signing in."""
        return self._access.has(service)

    def microversion(self, service: str = "compute") -> str:
        """Return the microversion in use; empty for a service that has none."""
        if not self._learned:
            kept = self._access.kept("versions")
            self._versions.learn(kept.get(self._where) if isinstance(kept, dict) else None)
            self._learned = True
        return self._versions.used(service)

    def token(self) -> AccessInfo | None:
        """Return the token with its catalog and roles; None for a plug-in that has neither."""
        return self._access.token()

    def project_id(self) -> str:
        """Return the id of the project that the token is for; empty where it is for none."""
        token = self._access.token()
        return (token.project_id if token else None) or ""

    def user_id(self) -> str:
        """Return the id of the user that the token is of; empty where there is no token."""
        token = self._access.token()
        return (token.user_id if token else None) or ""

    def close(self) -> None:
        """Give back the connections."""
        self._access.session.session.close()

    def _ask(
        self,
        method: str,
        path: str,
        *,
        service: str,
        params: Params,
        body: Any,
        headers: Mapping[str, str],
        seconds: float | None = None,
    ) -> requests.Response:
        """Return the answer to a request; one with another microversion or token if need be."""
        data = self._encoded(method, path, body)
        renewed = False
        with self._access.transport.within(seconds or self._settings.timeout):
            while True:
                signed = self._access.headers()
                asked = self.microversion(service)
                response = self._send(
                    method,
                    self._access.url(service, path),
                    params=params,
                    data=data,
                    headers=headers_of(signed, headers, service, asked, json=data is not None),
                )
                status = response.status_code
                if status == HTTPStatus.UNAUTHORIZED and not renewed:
                    renewed = True
                    if self._access.renew(signed):
                        continue
                newer = status == HTTPStatus.NOT_ACCEPTABLE and VERSION not in headers
                if newer and asked and self._versions.lower(service, asked, response):
                    self._access.keep()
                    continue
                self._note_skew()
                return response

    def _note_skew(self) -> None:
        """Keep by how much our clock is off, where somebody set it since that was kept."""
        kept = self._access.kept("skew")
        if kept is not None and self._skew is not None and abs(self._skew - kept) > _DRIFT:
            self._access.keep()

    def _encoded(self, method: str, path: str, body: Any) -> bytes | None:
        try:
            return None if body is None else orjson.dumps(body)
        except orjson.JSONEncodeError as error:  # bytes of a name that are no UTF-8, for one
            text = f"{self.name}: what {method} {path} is to send cannot be written as JSON: "
            raise InvalidRequestError(f"{text}{error}; nothing was sent") from error

    def _send(self, method: str, url: str, **what: Any) -> requests.Response:
        check(self.name, method, what["headers"])
        with translated(self.name, f"{method} {url.partition('?')[0]}"):
            return self._access.session.request(
                url,
                method,
                authenticated=False,  # the headers do that
                log=False,
                raise_exc=False,
                redirect=False,
                **what,
            )

    def _sent(
        self,
        request: requests.PreparedRequest,
        response: requests.Response | None,
        error: BaseException | None,
        begun: float,
    ) -> None:
        if response is not None:
            self._skew = skew(response.headers, self._skew)
        log(self.name, request, response, begun)
        listeners = [one for one in (self._watch(), self._tape) if one]
        if listeners:
            told = exchange(
                self.name,
                self._access.service_of(str(request.url)),
                request,
                response,
                error,
                begun=begun,
                secrets=self._access.secrets(),
            )
            for listener in listeners:
                listener(told)

    def _beside(self) -> dict[str, Any]:
        """Return what is worth keeping beside the token."""
        return {"skew": self._skew, "versions": {self._where: self._versions.found()}}
