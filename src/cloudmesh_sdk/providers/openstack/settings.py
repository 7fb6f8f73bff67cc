"""What the OpenStack driver reads from the configuration."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.errors import ConfigError, near
from cloudmesh_sdk.options import option

_OF_SERVICE = re.compile(
    r"^[a-z0-9_]+_(api_version|endpoint_override|endpoint|interface|service_type|service_name|"
    r"default_microversion|min_version|max_version|region_name|status_code_retries|"
    r"status_code_retry_delay|connect_retries|connect_retry_delay|max_concurrency|rate_limit)$"
)
"""Words of clouds.yaml that are about one service."""

_LEFT_ASIDE = frozenset({
    "regions", "networks", "external_network", "internal_network", "use_external_network",
    "use_internal_network", "nat_source", "nat_destination", "floating_ip_source",
    "secgroup_source", "requires_floating_ip", "disable_vendor_agent", "image_format",
    "image_api_use_tasks", "force_ipv4", "prefer_ipv6", "private", "message", "status", "timing",
    "name", "vendor_hook", "app_name", "app_version", "client_config", "auth_methods", "log_level",
    "rate_limit", "max_concurrency", "connect_retries", "status_code_retries", "min_version",
    "max_version", "default_microversion", "cache", "expiration", "object_store_use_tasks",
    "statsd", "influxdb", "swift_options", "meta",
})  # fmt: skip
"""Words that openstacksdk or its tools know and that say nothing to this driver."""


@attrs.frozen(kw_only=True)
class OpenstackSettings:
    """One project (or other scope) at one region of one OpenStack.

    The names are those of clouds.yaml, so that an entry of it can be taken as it is
    (https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html).
    """

    asked: ClassVar[tuple[str, ...]] = ("auth_url", "username", "password", "project_name")
    """What `cm register` asks for where nothing is said: none is required, for there are others."""

    auth_url: str | None = option(
        "URL of Keystone, as in https://keystone.example.org:5000/v3", default=None
    )
    auth_type: str | None = option(
        "how to sign in: any plug-in of keystoneauth1 (password, v3applicationcredential, token, "
        "v3oidcpassword, none …); left out: told by what is given",
        default=None,
    )
    username: str | None = option("name of the user", default=None)
    user_id: str | None = option("id of the user, in place of the name", default=None)
    password: str | None = option("password of the user", default=None, secret=True)
    project_name: str | None = option("name of the project", default=None)
    project_id: str | None = option("id of the project, in place of the name", default=None)
    user_domain_name: str | None = option("domain of the user name (Default)", default=None)
    user_domain_id: str | None = option("its id, in place of the name", default=None)
    project_domain_name: str | None = option("domain of the project name (Default)", default=None)
    project_domain_id: str | None = option("its id, in place of the name", default=None)
    default_domain_name: str | None = option("domain of both names", default=None)
    default_domain_id: str | None = option("its id, in place of the name", default=None)
    domain_name: str | None = option("domain to work on, in place of a project", default=None)
    domain_id: str | None = option("its id, in place of the name", default=None)
    system_scope: str | None = option("all: work on the whole system (admins)", default=None)
    trust_id: str | None = option("trust to work under", default=None)
    token: str | None = option("token to sign in with", default=None, secret=True)
    application_credential_id: str | None = option("application credential", default=None)
    application_credential_name: str | None = option(
        "its name, beside the user, in place of the id", default=None
    )
    application_credential_secret: str | None = option("its secret", default=None, secret=True)
    auth: Mapping[str, Any] = option(
        "more options of the plug-in, as under `auth` in clouds.yaml (identity_provider, protocol "
        "…)",
        default=attrs.Factory(dict),
        secret=True,
    )
    region_name: str | None = option(
        "region; left out: the first that the catalog names", default=None
    )
    interface: str = option("which endpoints to ask: public, internal, admin", default="public")
    profile: str | None = option("vendor profile that the entry builds on", default=None)
    verify: bool = option("check the TLS certificates", default=True)
    cacert: str | None = option(
        "file of CA certificates to trust in place of the usual ones", default=None
    )
    cert: str | None = option("file of our own certificate, where the cloud asks it", default=None)
    key: str | None = option("file of its private key", default=None)
    timeout: float = option("seconds that one call may take, tries again included", default=60.0)
    retries: int = option(
        "times to try again what may be repeated after a passing failure", default=4
    )
    page_size: int | None = option(
        "things to ask for at a time; left out: as many as the service gives", default=None
    )
    all_projects: bool = option("list the servers of all projects (admins)", default=False)
    settle: float = option(
        "seconds after which lists surely show a server whose start was accepted", default=5.0
    )
    overlap: float = option(
        "seconds by which one list of changes reaches back into the one before", default=30.0
    )
    complete_every: float = option(
        "seconds after which a whole list is due again: lists of changes do not show floating "
        "IPs, tags, interfaces and security groups",
        default=600.0,
    )
    compute_api_version: str | None = option(
        "highest microversion to ask of Nova, 2.47 at least", default=None
    )
    volume_api_version: str | None = option("highest microversion to ask of Cinder", default=None)
    compute_endpoint_override: str | None = option("URL of Nova, not the catalog's", default=None)
    image_endpoint_override: str | None = option("URL of Glance, not the catalog's", default=None)
    network_endpoint_override: str | None = option(
        "URL of Neutron, not the catalog's", default=None
    )
    volume_endpoint_override: str | None = option("URL of Cinder, not the catalog's", default=None)
    identity_endpoint_override: str | None = option(
        "URL of Keystone for what is not signing in", default=None
    )
    placement_endpoint_override: str | None = option(
        "URL of Placement, not the catalog's", default=None
    )
    clouds_yaml: Mapping[str, Any] = option(
        "further words of an entry in clouds.yaml", default=attrs.Factory(dict)
    )
    cache: bool = option(
        "keep the token, encrypted, until it expires, for the next process", default=True
    )
    record: str | None = option("file to append each exchange to, without secrets", default=None)
    replay: str | None = option("such a file, to be asked in place of the cloud", default=None)

    @clouds_yaml.validator
    def _has_known_words(self, _: Any, words: Mapping[str, Any]) -> None:
        """Raise `ConfigError` for a word that no tool knows: a misspelt one would go unnoticed."""
        for word in words:
            if word not in _LEFT_ASIDE and not _OF_SERVICE.match(word):
                known = [*_LEFT_ASIDE, *(field.name for field in attrs.fields(OpenstackSettings))]
                raise ConfigError(f"clouds.yaml has no word {word!r}; {near(word, known)}")
