"""OpenStack accounts that users already have: clouds.yaml with its companions, `OS_…` variables.

Where they stand and how they are laid over each other is openstacksdk's
(https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html); what comes out
are options of the driver `openstack`.
"""

import importlib.util
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from cloudmesh_sdk import document
from cloudmesh_sdk.document import Place
from cloudmesh_sdk.errors import ConfigError, near

_PLAIN = frozenset({
    "auth_url", "auth_type", "username", "user_id", "password", "project_name", "project_id",
    "user_domain_name", "user_domain_id", "project_domain_name", "project_domain_id",
    "default_domain_name", "default_domain_id", "domain_name", "domain_id", "system_scope",
    "trust_id", "token", "application_credential_id", "application_credential_name",
    "application_credential_secret", "region_name", "interface", "profile", "verify", "cacert",
    "cert", "key", "compute_api_version", "volume_api_version", "compute_endpoint_override",
    "image_endpoint_override", "network_endpoint_override", "volume_endpoint_override",
    "identity_endpoint_override", "placement_endpoint_override",
})  # fmt: skip
"""Words of clouds.yaml that are options of the driver."""

_OURS = frozenset({
    "timeout", "retries", "page_size", "all_projects", "settle", "overlap", "complete_every",
    "record", "replay",
})  # fmt: skip
"""Options of the driver that openstacksdk does not know; an entry may have them too."""

_SAME: Mapping[str, str] = {
    "tenant_name": "project_name",
    "tenant_id": "project_id",
    "endpoint_type": "interface",
    "api_timeout": "timeout",
    "volume_endpoint": "volume_endpoint_override",
}
"""Older words, and those of openstacksdk alone, for such options."""

_OF_PLUGINS = frozenset({
    "endpoint", "identity_provider", "protocol", "access_token", "access_token_endpoint",
    "access_token_type", "client_id", "client_secret", "openid_scope", "discovery_endpoint",
    "device_authorization_endpoint", "code_challenge_method", "redirect_uri", "redirect_host",
    "redirect_port", "login_timeout", "code", "passcode", "auth_methods", "oauth2_endpoint",
    "oauth2_client_id", "oauth2_client_secret", "idp_otp_key", "mutual_auth",
    "identity_provider_url", "service_provider_endpoint", "service_provider_entity_id",
})  # fmt: skip
"""Options of signing in that only some plug-ins of keystoneauth1 have, as variables name them."""

_OF_SERVICE = re.compile(r"_(api_version|endpoint_override)$")
"""How the other variables end that say where and how to ask a service."""


def clouds_yaml(name: str) -> dict[str, Any]:
    """Return an entry of OpenStack's clouds.yaml, secure.yaml laid over it, `auth` unfolded.

    Searched as openstacksdk does: `OS_CLIENT_CONFIG_FILE`, the working directory, the user's and
    the system's configuration directory (docs.openstack.org/openstacksdk, configuration). Below
    the entry lies its `profile`, of clouds-public.yaml beside it or of openstacksdk's own.
    Options of signing in that few plug-ins have stay under `auth`, words of openstacksdk that no
    driver has under `clouds_yaml`.
    """
    path = _first_clouds_yaml()
    entry = _entry(path, name)
    secure = path.with_name("secure.yaml")
    more = _entry(secure, name, needed=False) if secure.exists() else {"auth": {}}
    auth = {**entry["auth"], **more["auth"]}
    found = {**entry, **more, "auth": auth}
    profile = found.get("profile", found.pop("cloud", None))
    if profile:
        below = _profile(path, str(profile))
        found = {**below, **found, "auth": {**below.get("auth", {}), **auth}, "profile": profile}
    return _unfolded(_with_region(found))


def environment() -> dict[str, Any]:
    """Return the options in the `OS_…` variables, as an openrc file sets them.

    `OS_CLOUD` names an entry of clouds.yaml instead. Variables that say nothing about the account
    are left alone.
    """
    if named := os.environ.get("OS_CLOUD"):
        return clouds_yaml(named)
    given = {
        name.removeprefix("OS_").lower(): value
        for name, value in os.environ.items()
        if name.startswith("OS_") and value
    }
    if not given.keys() & {"auth_url", "endpoint", "auth_type"}:
        raise ConfigError("there is no OS_AUTH_URL in the environment; source an openrc file first")
    found: dict[str, Any] = {"auth": {}}
    for name, value in given.items():
        if name in _PLAIN or name in _SAME or name == "insecure" or _OF_SERVICE.search(name):
            found[name] = value
        elif name in _OF_PLUGINS:
            found["auth"][name] = value
    return _unfolded(found)


def _unfolded(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry as options of the driver."""
    auth = entry.get("auth", {})
    given = {k: v for k, v in {**auth, **entry}.items() if k != "auth" and v is not None}
    for older, word in _SAME.items():
        if older in given:
            value = given.pop(older)
            given.setdefault(word, value)
    if "insecure" in given:
        given.setdefault("verify", _is_no(given.pop("insecure")))
    if isinstance(given.get("verify"), str):
        given["verify"] = not _is_no(given["verify"])
    plain = {k: v for k, v in given.items() if k in _PLAIN or k in _OURS}
    more = {k: v for k, v in given.items() if k not in plain and k in auth}
    rest = {k: v for k, v in given.items() if k not in plain and k not in auth}
    return {**plain, **({"auth": more} if more else {}), **({"clouds_yaml": rest} if rest else {})}


def _first_clouds_yaml() -> Path:
    places = [
        Path("clouds.yaml"),
        Path(platformdirs.user_config_dir("openstack")) / "clouds.yaml",
        Path("/etc/openstack/clouds.yaml"),
    ]
    if named := os.environ.get("OS_CLIENT_CONFIG_FILE"):
        places.insert(0, Path(named))
    for place in places:
        if place.exists():
            return place
    raise ConfigError("there is no clouds.yaml; looked at " + ", ".join(map(str, places)))


def _entry(path: Path, name: str, *, needed: bool = True) -> dict[str, Any]:
    """Return an entry of a file, its `auth` a mapping in any case."""
    data, place = document.parse(document.read_text(path), path)
    clouds = _mapping(data, place, "clouds")
    if name not in clouds and needed:
        hint = near(name, clouds, what="there")
        raise ConfigError(f"{path} has no cloud {name!r}; {hint}")
    entry = _mapping(clouds, place, "clouds", name)
    return {**entry, "auth": _mapping(entry, place, "clouds", name, "auth")}


def _mapping(data: Mapping[str, Any], place: Place, *key: str) -> dict[str, Any]:
    """Return the mapping under the last of the keys, empty where nothing stands there."""
    found = data.get(key[-1])
    if found is not None and not isinstance(found, dict):
        place.wrong(f"a mapping was wanted, found {document.kind_of(found)}", *key)
    return found or {}


def _is_no(value: Any) -> bool:
    """Tell whether a word for yes or no says no."""
    return str(value).strip().lower() in ("false", "no", "0", "off", "")


def _with_region(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with what its list of regions says of the one it is for, else the first."""
    regions = entry.get("regions")
    if not isinstance(regions, list) or not regions:
        return entry
    named = [one if isinstance(one, dict) else {"name": one} for one in regions]
    wanted = entry.get("region_name") or named[0].get("name")
    region: dict[str, Any] = next((one for one in named if one.get("name") == wanted), {})
    values = region.get("values") or {}
    auth = {**values.get("auth", {}), **entry["auth"]}
    return {**values, **entry, "region_name": wanted, "auth": auth}


def _profile(clouds: Path, name: str) -> dict[str, Any]:
    """Return a vendor's profile: what all accounts at one cloud have in common."""
    public = clouds.with_name("clouds-public.yaml")
    known: set[str] = set()
    if public.exists():
        data, place = document.parse(document.read_text(public), public)
        entries = _mapping(data, place, "public-clouds")
        if name in entries:
            return _mapping(entries, place, "public-clouds", name)
        known |= set(entries)
    vendors = _vendors()
    for path in vendors:
        if path.stem == name:
            data, place = document.parse(document.read_text(path), path)  # JSON is YAML too
            return _mapping(data, place, "profile")
    known |= {path.stem for path in vendors}
    more = "" if vendors else "; openstacksdk, which brings more, is not installed"
    hint = f"looked at {public}; {near(name, known, what='there')}{more}"
    raise ConfigError(f"there is no vendor profile {name!r}: {hint}")


def _vendors() -> list[Path]:
    """Return the vendor profiles that come with openstacksdk, none where it is not installed."""
    try:
        found = importlib.util.find_spec("openstack")  # finds it without running it
    except (ImportError, ValueError):
        return []
    places = (found.submodule_search_locations or ()) if found else ()
    folders = [Path(place) / "config" / "vendors" for place in places]
    return sorted(p for f in folders for p in f.glob("*") if p.suffix in (".json", ".yaml"))
