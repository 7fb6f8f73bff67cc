"""Who we are to EC2, and where its services answer."""

from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError, PartialCredentialsError

from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.providers.ec2.settings import Ec2Settings

_DOMAINS = (
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
)
"""Regions outside the commercial partition; reading botocore's own table takes 30 ms more."""


def endpoint(name: str, settings: Ec2Settings, service: str = "ec2") -> str:
    """Return the URL of a service in the region of these settings.

    An endpoint of one's own answers for all services. Raises `ConfigError` where it is no URL.
    """
    if settings.endpoint is None:
        region = settings.region
        domain = next((d for start, d in _DOMAINS if region.startswith(start)), "amazonaws.com")
        return f"https://{service}.{region}.{domain}/"
    parts = urlsplit(settings.endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(
            f"{name}: endpoint {settings.endpoint!r} is no URL; expected https://host[:port][/path]"
        )
    return settings.endpoint if parts.path else f"{settings.endpoint}/"


class Identity:
    """The credentials of one cloud: the keys of its settings, else what botocore's chain finds.

    The chain knows environment, profiles, SSO, assumed roles and the metadata of a server in EC2;
    it is asked on first use, and renews what expires.
    """

    def __init__(self, settings: Ec2Settings) -> None:
        self._settings = settings
        self._session: Any = None
        self._credentials: Any = None

    def session(self) -> Any:
        """Return the botocore session with these credentials, always the same one."""
        if self._session is None:
            session = botocore.session.Session(profile=self._settings.profile)
            session.set_config_variable("region", self._settings.region)
            if keys := self._keys():
                session.set_credentials(*keys)
            self._session = session
        return self._session

    def frozen(self) -> ReadOnlyCredentials:
        """Return the credentials as they are now, renewed where they had expired.

        Raises a `BotoCoreError` where there are none.
        """
        if self._credentials is None:
            keys = self._keys()
            self._credentials = Credentials(*keys) if keys else self.session().get_credentials()
        if self._credentials is None:
            raise NoCredentialsError
        return self._credentials.get_frozen_credentials()

    def _keys(self) -> tuple[str, str, str | None] | None:
        access, secret = self._settings.access_key, self._settings.secret_key
        if access and secret:
            return access, secret, self._settings.session_token
        if access or secret:
            missing = "secret_key" if access else "access_key"
            raise PartialCredentialsError(provider="the configuration", cred_var=missing)
        return None
