"""What OpenStack's own libraries give, on our session: for what is not wrapped."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from keystoneauth1.adapter import Adapter
from keystoneauth1.session import Session

from cloudmesh_sdk.errors import UnsupportedError
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings


class Native:
    """The session of keystoneauth1 with adapters to the services.

    Each request counts in `calls`, is told to whoever watches, and has the deadline of the
    settings.
    """

    def __init__(
        self, session: Session, settings: OpenstackSettings, microversion: Callable[[str], str]
    ) -> None:
        self.session = session
        self._settings = settings
        self._microversion = microversion

    def adapter(self, service: str) -> Adapter:
        """Return an adapter to a service: `adapter("compute").get("/servers").json()`."""
        return Adapter(
            self.session,
            service_type="block-storage" if service == "volume" else service,
            interface=self._settings.interface,
            region_name=self._settings.region_name,
            default_microversion=self._microversion(service) or None,
            endpoint_override=getattr(self._settings, f"{service}_endpoint_override", None),
        )

    @cached_property
    def compute(self) -> Adapter:
        """Nova."""
        return self.adapter("compute")

    @cached_property
    def image(self) -> Adapter:
        """Glance."""
        return self.adapter("image")

    @cached_property
    def network(self) -> Adapter:
        """Neutron."""
        return self.adapter("network")

    @cached_property
    def volume(self) -> Adapter:
        """Cinder."""
        return self.adapter("volume")

    @cached_property
    def identity(self) -> Adapter:
        """Keystone."""
        return self.adapter("identity")

    @cached_property
    def nova(self) -> Any:
        """python-novaclient on this session; raises `UnsupportedError` where it is not there."""
        try:
            from novaclient import client
        except ImportError as error:
            text = "native.nova needs python-novaclient; pip install python-novaclient"
            raise UnsupportedError(text) from error
        return client.Client(
            self._microversion("compute"),
            session=self.session,
            region_name=self._settings.region_name,
            endpoint_type=self._settings.interface,
        )
