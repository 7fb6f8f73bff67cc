"""Signing in: a plug-in of keystoneauth1 made from the settings, and the token it brings."""

import re
from collections.abc import Mapping
from typing import Any

from keystoneauth1 import exceptions as keystone, loading
from keystoneauth1.plugin import BaseAuthPlugin

from cloudmesh_sdk.errors import ConfigError, near
from cloudmesh_sdk.masking import masked_text
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings

_SECRET = re.compile(r"(password|passcode|secret|token|otp_key|code)$")
_SCOPE = ("project_name", "project_id", "domain_name", "domain_id", "system_scope", "trust_id")
_SAME = {"password": "v3password", "token": "v3token", "noauth": "none"}
"""Plug-ins that are another one once the version is known: they first ask Keystone for it."""

DEFAULT_DOMAIN = "Default"
"""Domain of names without one, as Keystone makes it at its installation."""


def auth_type(settings: OpenstackSettings) -> str:
    """Return the plug-in that the settings ask for, or that what they give is for."""
    if settings.auth_type:
        return _SAME.get(settings.auth_type, settings.auth_type)
    if settings.application_credential_id or settings.application_credential_name:
        return "v3applicationcredential"
    if settings.token and not settings.password:
        return "v3token"
    return "v3password"


def options(settings: OpenstackSettings) -> dict[str, Any]:
    """Return all options of signing in by the names of keystoneauth1, with domains filled in."""
    names = (*_SCOPE, "auth_url", "username", "user_id", "password", "token", "trust_id")
    more = [f.name for f in settings.__attrs_attrs__ if "_domain_" in f.name or "_cred" in f.name]
    given = {name: getattr(settings, name) for name in (*names, *more)}
    given |= {name.replace("-", "_"): value for name, value in settings.auth.items()}
    found = {name: value for name, value in given.items() if value not in (None, "")}
    for thing, named in (("user", "username"), ("project", "project_name")):
        if named in found and not found.keys() & {f"{thing}_domain_name", f"{thing}_domain_id"}:
            kind = "id" if "default_domain_id" in found else "name"
            found[f"{thing}_domain_{kind}"] = found.get(f"default_domain_{kind}", DEFAULT_DOMAIN)
    if "auth_url" in found:
        found["auth_url"] = found["auth_url"].rstrip("/").removesuffix("/v2.0")
    return found


def plugin(name: str, settings: OpenstackSettings) -> BaseAuthPlugin:
    """Return the plug-in that signs in; nothing is sent.

    Raises `ConfigError` for a plug-in that is not there, or options that it lacks or does not
    know.
    """
    kind = auth_type(settings)
    found = options(settings)
    if kind == "v3applicationcredential":  # it has its own scope, and Keystone wants no other
        found = {k: v for k, v in found.items() if k not in _SCOPE and "project" not in k}
    try:
        loader: Any = loading.get_plugin_loader(kind)
    except keystone.NoMatchingPlugin as error:
        hint = near(kind, loading.get_available_plugin_names())
        raise ConfigError(f"{name}: auth_type {kind!r} is not installed; {hint}") from error
    known = {option.dest: option for option in loader.get_options()}
    for option in settings.auth:
        if option.replace("-", "_") not in known:
            raise ConfigError(f"{name}: {kind} has no option {option!r}; {near(option, known)}")
    _complete(name, kind, found, known)
    if "auth_url" in known and not found["auth_url"].startswith(("http://", "https://")):
        text = f"{name}: auth_url is to be https://…, found {masked_text(found['auth_url'])!r}"
        raise ConfigError(text)
    try:
        made: BaseAuthPlugin = loader.load_from_options(
            **{option: value for option, value in found.items() if option in known}
        )
    except keystone.ClientException as error:
        raise ConfigError(f"{name}: signing in by {kind}: {error}") from error
    return made


def _complete(name: str, kind: str, found: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    wanted = [[option] for option, what in known.items() if what.required]
    if kind == "v3password":
        wanted += [["username", "user_id"], ["password"]]
    lacking = [" or ".join(names) for names in wanted if not found.keys() & set(names)]
    if lacking:
        raise ConfigError(f"{name}: signing in by {kind} needs {', '.join(lacking)}")


def who(settings: OpenstackSettings) -> str:
    """Return whom we sign in as, in words without secrets."""
    found = options(settings)
    user = found.get("username") or found.get("user_id")
    credential = found.get("application_credential_name") or found.get("application_credential_id")
    project = found.get("project_name") or found.get("project_id")
    parts = [
        f"application credential {credential!r}" if credential else "",
        f"user {user!r} of domain {_domain(found, 'user')!r}" if user else "",
        f"for project {project!r}" if project and not credential else "",
    ]
    return " ".join(part for part in parts if part) or "the credentials"


def _domain(found: Mapping[str, Any], thing: str) -> str:
    return str(found.get(f"{thing}_domain_name") or found.get(f"{thing}_domain_id") or "its own")


def secrets(settings: OpenstackSettings) -> dict[str, str]:
    """Return the options that prove who we are, by their names."""
    return {name: str(value) for name, value in options(settings).items() if _SECRET.search(name)}
