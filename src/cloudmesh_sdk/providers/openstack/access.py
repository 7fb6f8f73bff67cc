"""Who we are at one cloud, and where its services are."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from keystoneauth1.access import AccessInfo

from cloudmesh_sdk.errors import ConfigError, InvalidRequestError, UnsupportedError
from cloudmesh_sdk.providers.openstack.auth import auth_type, options, plugin, secrets, who
from cloudmesh_sdk.providers.openstack.cache import Cache, folder
from cloudmesh_sdk.providers.openstack.endpoints import Directory, Place, place, within
from cloudmesh_sdk.providers.openstack.errors import translated
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings
from cloudmesh_sdk.providers.openstack.tape import Replay, Replayed, Tape
from cloudmesh_sdk.providers.openstack.transport import Sent, Transport, session

_log = logging.getLogger(__name__)
_LIFE = 120.0
"""Seconds before its end from which on a token is renewed."""


class Access:
    """The token of one account, got when first needed; many threads may ask at once.

    `also` gives plain data to keep beside the token, for later processes.
    """

    def __init__(
        self,
        name: str,
        settings: OpenstackSettings,
        told: Callable[[], None],
        sent: Sent,
        also: Callable[[], Mapping[str, Any]],
    ) -> None:
        self.name = name
        self._settings = settings
        self._also = also
        self._lock = threading.RLock()  # whoever hears of a login may ask who we are
        self._cache: Cache | None = None
        if settings.replay:
            tape = Tape(settings.replay, name)
            self.transport: Transport = Replay(tape, told, sent, settings.timeout)
            self._plugin: Any = _replayed(name, settings, tape)
        else:
            self.transport = Transport(told, sent, settings.timeout)
            self._plugin = plugin(name, settings)
            if settings.cache and not settings.record:  # a tape is to begin with signing in
                self._cache = _cache(settings)
        self.session = session(name, settings, self._plugin, self.transport)
        self._known: tuple[AccessInfo | None, Directory] | None = None
        self._kept: dict[str, Any] = {}
        self._take_up()  # now: native clients ask the plug-in without passing here
        self._saved = getattr(self._plugin, "auth_ref", None)

    def kept(self, key: str) -> Any:
        """Return what an earlier process kept beside its token; None where there is nothing."""
        return self._kept.get(key)

    def keep(self) -> None:
        """Keep what is known now, for later processes."""
        with self._lock:
            self._write()

    def token(self) -> AccessInfo | None:
        """Return the token with its catalog; None for a plug-in that has neither.

        Raises `AuthError` where the credentials are refused, and other `BackendError`s.
        """
        ask = getattr(self._plugin, "get_access", None)
        if ask is None:
            return None
        with self._lock, translated(self.name, "signing in", who=who(self._settings)):
            found: AccessInfo = ask(self.session)
            if found is not self._saved:
                self._saved = found
                self._soon(found)
                self._write()
            return found

    def headers(self) -> dict[str, str]:
        """Return the headers that sign a request in."""
        if (token := self.token()) is not None:
            return {"X-Auth-Token": str(token.auth_token)}
        with translated(self.name, "signing in", who=who(self._settings)):
            found = self._plugin.get_headers(self.session) or {}
        return {str(key): str(value) for key, value in found.items()}

    def renew(self, headers: Mapping[str, str]) -> bool:
        """Forget the token of these headers, if it is still the one; tell whether to try again."""
        with self._lock:
            present = getattr(self._plugin, "auth_ref", None)
            signs_in = hasattr(self._plugin, "auth_ref")
            if signs_in and getattr(present, "auth_token", None) != headers.get("X-Auth-Token"):
                return True  # another thread was here before, and may not have signed in yet
            if self._cache is not None:
                self._cache.drop()
            return bool(self._plugin.invalidate())

    def directory(self) -> Directory:
        """Return the services that the present token names."""
        token = self.token()
        known = self._known
        if known is None or known[0] is not token:
            catalog: Any = ()
            if token is not None and token.has_service_catalog():
                catalog = token.service_catalog.catalog
            directory = Directory(
                self.name,
                catalog,
                interface=self._settings.interface,
                region=self._settings.region_name,
                project=token.project_id if token else None,
            )
            known = self._known = (token, directory)
        return known[1]

    def place(self, service: str) -> Place:
        """Return where a service is; raises `UnsupportedError` naming what there is."""
        if override := self._override(service):
            project = self.token() if "(" in override else None
            return place(service, override, project.project_id if project else None)
        if not hasattr(self._plugin, "get_access"):
            fixed = self._plugin.get_endpoint(self.session)
            if not fixed:
                text = f"{self.name} has no catalog; set {service}_endpoint_override"
                raise UnsupportedError(text)
            return place(service, fixed)
        return self.directory().place(service)

    def has(self, service: str) -> bool:
        """Tell whether there is such a service."""
        if self._override(service):
            return True
        if not hasattr(self._plugin, "get_access"):
            return bool(self._plugin.get_endpoint(self.session))
        return self.directory().has(service)

    def url(self, service: str, path: str) -> str:
        """Return the URL of a path below a service, or a whole URL that is one of this cloud.

        Raises `InvalidRequestError` for another one: the token would go there.
        """
        if "://" not in path.partition("?")[0]:
            return self.place(service).at(path)
        override = self._override(service)
        ours = within(path, place(service, override).root) if override else False
        if ours or self.directory().service_of(path):
            return path
        text = f"{self.name}: {path.partition('?')[0]} is not in the catalog; nothing was sent"
        raise InvalidRequestError(text)

    def service_of(self, url: str) -> str:
        """Return the service that a URL is of, as far as is known; nothing is sent."""
        found = self._known[1].service_of(url) if self._known else None
        if found is None and within(url, str(options(self._settings).get("auth_url", ""))):
            return "identity"
        return found or ""

    def secrets(self) -> set[str]:
        """Return what is to be hidden wherever it stands."""
        return set(secrets(self._settings).values())

    def _override(self, service: str) -> str | None:
        name = f"{service}_endpoint_override"
        found = getattr(self._settings, name, None) or self._settings.clouds_yaml.get(name)
        return str(found) if found else None

    def _soon(self, token: AccessInfo) -> None:
        """Say how long before its end a token is to be renewed: short-lived ones later.

        keystoneauth1 goes by our clock, which may be off.
        """
        if token.expires is not None and token.issued is not None:
            life = (token.expires - token.issued).total_seconds()
            skew = self._also().get("skew") or self._kept.get("skew") or 0.0
            self._plugin.MIN_TOKEN_LIFE_SECONDS = int(min(_LIFE, life / 5) - skew)

    def _take_up(self) -> None:
        """Go on with the token of an earlier process."""
        kept = (self._cache.read() if self._cache else None) or {}
        try:
            if state := kept.pop("state", None):
                self._plugin.set_auth_state(state)
                self._kept = kept
                self._soon(self._plugin.auth_ref)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            _log.debug("%s: a kept token is of another keystoneauth1: %r", self.name, error)
            self._plugin.set_auth_state(None)

    def _write(self) -> None:
        signs_in = hasattr(self._plugin, "auth_ref")  # others have no state to keep
        state = self._plugin.get_auth_state() if self._cache and signs_in else None
        if self._cache and state:
            beside = dict(self._also())
            self._kept = {**self._kept, **beside}
            self._cache.write({**beside, "state": state})


def _cache(settings: OpenstackSettings) -> Cache:
    proof = secrets(settings)
    public = {name: value for name, value in options(settings).items() if name not in proof}
    return Cache(folder(), {**public, "auth_type": auth_type(settings)}, proof)


def _replayed(name: str, settings: OpenstackSettings, tape: Tape) -> Any:
    found = tape.access()
    if found is not None:
        return Replayed(found)
    try:
        return plugin(name, settings)
    except ConfigError as error:
        text = f"{name}: {tape.path} has no answer of Keystone with a catalog"
        raise ConfigError(text) from error
