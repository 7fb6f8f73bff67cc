"""Signing in: which plug-in with which options, and what is missing."""

from typing import Any

import pytest
from tests.labs.openstack_endpoint import PASSWORD
from tests.providers.openstack.clients import Opened, client, endpoint, opened

from cloudmesh_sdk.errors import ConfigError, UnsupportedError
from cloudmesh_sdk.options import describe
from cloudmesh_sdk.providers.openstack.auth import auth_type, options, plugin, secrets, who
from cloudmesh_sdk.providers.openstack.settings import OpenstackSettings
from cloudmesh_sdk.settings import build

__all__ = ["client", "endpoint", "opened"]

URL = "https://keystone.example.org/v3"


def _settings(**given: Any) -> OpenstackSettings:
    return OpenstackSettings(auth_url=URL, **given)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"username": "u", "password": "p"}, "v3password"),
        ({"auth_type": "password", "username": "u", "password": "p"}, "v3password"),
        ({"application_credential_id": "i", "application_credential_secret": "s"},
         "v3applicationcredential"),
        ({"token": "t"}, "v3token"),
        ({"auth_type": "token", "token": "t"}, "v3token"),
        ({"auth_type": "v3totp"}, "v3totp"),
        ({"auth_type": "noauth"}, "none"),
    ],
)  # fmt: skip
def test_the_plug_in_is_told_by_what_is_given(given: dict[str, str], kind: str) -> None:
    assert auth_type(_settings(**given)) == kind


def test_names_without_a_domain_are_of_the_default_one() -> None:
    found = options(_settings(username="u", password="p", project_name="q"))
    assert found["user_domain_name"] == found["project_domain_name"] == "Default"
    given = _settings(username="u", project_name="q", default_domain_id="d", user_domain_name="e")
    found = options(given)
    assert (found["user_domain_name"], found["project_domain_id"]) == ("e", "d")
    assert "user_domain_id" not in found
    assert "user_domain_name" not in options(_settings(user_id="i", project_id="j"))


def test_an_application_credential_asks_for_no_scope(opened: Opened) -> None:
    client = opened(
        username=None,
        password=None,
        application_credential_id="c0ffee",
        application_credential_secret=PASSWORD,
    )
    client.call("GET", "/flavors/detail")
    identity = opened.endpoint.server.requests[0].json["auth"]
    assert "scope" not in identity
    assert identity["identity"]["application_credential"] == {"id": "c0ffee", "secret": PASSWORD}


def test_a_password_login_asks_for_its_scope(opened: Opened) -> None:
    opened().call("GET", "/flavors/detail")
    asked = opened.endpoint.server.requests[0].json["auth"]
    assert asked["scope"] == {"project": {"name": "physics", "domain": {"name": "Default"}}}
    assert asked["identity"]["password"]["user"]["domain"] == {"name": "Default"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"^india: signing in by v3password needs auth_url, username or user_id, password$"),
        ({"auth_url": URL, "username": "u"}, "v3password needs password$"),
        ({"auth_url": URL, "token": ""}, "v3password needs username or user_id, password"),
        ({"auth_url": URL, "application_credential_id": "i"}, "needs application_credential_sec"),
        ({"auth_url": URL, "auth_type": "v3pasword"}, "is not installed; did you mean v3password"),
        ({"auth_url": URL, "username": "u", "password": "p", "auth": {"otp_kye": "1"}},
         "v3password has no option 'otp_kye'"),
        ({"auth_url": URL, "auth_type": "v3oidcpassword", "username": "u", "password": "p",
          "auth": {"protocol": "openid"}}, "needs identity_provider"),
    ],
)  # fmt: skip
def test_what_is_missing_for_signing_in_is_named_at_once(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        plugin("india", OpenstackSettings(**given))


@pytest.mark.parametrize(
    "kind",
    ["v3oidcpassword", "v3oidcclientcredentials", "v3oidcaccesstoken", "v3totp", "v3oidcauthcode"],
)
def test_plug_ins_of_federations_take_their_options(kind: str) -> None:
    more = {
        "identity-provider": "idp", "protocol": "openid", "client_id": "c", "client_secret": "s",
        "access_token": "a", "access_token_endpoint": "https://idp", "passcode": "1", "code": "2",
        "redirect_uri": "https://me",
    }  # fmt: skip
    from keystoneauth1 import loading

    known = {option.dest for option in loading.get_plugin_loader(kind).get_options()}
    given = {k: v for k, v in more.items() if k.replace("-", "_") in known}
    made = plugin(
        "india",
        _settings(auth_type=kind, username="u", password="p", project_name="q", auth=given),
    )
    if hasattr(made, "identity_provider"):
        assert made.identity_provider == "idp"


def test_without_signing_in_the_endpoint_is_that_of_the_plug_in(opened: Opened) -> None:
    url = f"{opened.endpoint.server.url}/compute/v2.1"
    client = opened(auth_type="none", auth={"endpoint": url})
    assert client.has("compute")
    assert client.raw("GET", "/servers").status == 401  # our endpoint wants a token
    assert client.project_id() == ""
    bare = opened(auth_type="none", auth_url=None)
    with pytest.raises(UnsupportedError, match="set compute_endpoint_override"):
        bare.call("GET", "/servers")


def test_a_fixed_token_needs_no_keystone(opened: Opened) -> None:
    url = f"{opened.endpoint.server.url}/compute/v2.1"
    client = opened(auth_type="admin_token", token="tok1", auth={"endpoint": url})
    client.raw("GET", "/servers")
    assert opened.endpoint.server.requests[-1].headers["x-auth-token"] == "tok1"


def test_who_signs_in_is_told_without_secrets() -> None:
    given = _settings(username="u", password="hush1234", project_name="q")
    assert who(given) == "user 'u' of domain 'Default' for project 'q'"
    credential = _settings(application_credential_id="i", application_credential_secret="hush1234")
    assert who(credential) == "application credential 'i'"
    assert who(_settings(token="hush1234")) == "the credentials"


def test_all_that_proves_who_we_are_is_known_as_secret() -> None:
    found = secrets(
        _settings(
            username="u",
            password="p1",
            auth={
                "client_secret": "p2",
                "access-token": "p3",
                "idp_otp_key": "p4",
                "client_id": "c",
            },
        )
    )
    assert sorted(found.values()) == ["p1", "p2", "p3", "p4"]


def test_settings_never_show_a_secret() -> None:
    given = _settings(
        password="hush1", token="hush2", application_credential_secret="hush3", auth={"a": "hush4"}
    )
    assert "hush" not in repr(given)
    known = describe(OpenstackSettings)
    assert {name for name, option in known.items() if option.secret} == {
        "password", "token", "application_credential_secret", "auth",
    }  # fmt: skip


def test_every_word_of_clouds_yaml_has_a_place_and_others_are_refused() -> None:
    words = {"identity_api_version": "3", "dns_endpoint_override": "u", "networks": []}
    built = build(OpenstackSettings, {"auth_url": URL, "clouds_yaml": words}, where="x")
    assert built.clouds_yaml == words
    with pytest.raises(ConfigError, match="no word 'regoin_name'; did you mean region_name"):
        build(OpenstackSettings, {"clouds_yaml": {"regoin_name": "r"}}, where="x")
