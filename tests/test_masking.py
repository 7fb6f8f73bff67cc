"""Secrets in data, headers, bodies and links."""

import json
from typing import Any

import pytest

from cloudmesh_sdk.masking import MASK, hidden, masked_body, masked_headers, masked_text

HUSH = "hush-hush"


@pytest.mark.parametrize(
    "name",
    ["X-Auth-Token", "x-subject-token", "Authorization", "Set-Cookie", "Cookie", "X-Service-Token",
     "Proxy-Authorization", "Openstack-Auth-Receipt"],
)  # fmt: skip
def test_headers_that_are_secrets_are_masked(name: str) -> None:
    assert masked_headers({name: HUSH, "Accept": "a"}) == {name: MASK, "Accept": "a"}


def test_known_secrets_are_masked_in_any_header() -> None:
    assert masked_headers({"Link": f"<x?{HUSH}>"}, [HUSH]) == {"Link": f"<x?{MASK}>"}


BODIES: list[tuple[Any, Any]] = [
    ({"server": {"name": "a", "adminPass": HUSH}}, {"server": {"name": "a", "adminPass": MASK}}),
    ({"server": {"user_data": HUSH}}, {"server": {"user_data": MASK}}),
    ({"credential": {"blob": {"access": HUSH}}}, {"credential": {"blob": MASK}}),
    ({"application_credential": {"secret": HUSH}}, {"application_credential": {"secret": MASK}}),
    ({"auth": {"identity": {"methods": ["password"],
                            "password": {"user": {"name": "u", "password": HUSH}}}}},
     {"auth": {"identity": {"methods": ["password"],
                            "password": {"user": {"name": "u", "password": MASK}}}}}),
    ({"auth": {"identity": {"token": {"id": HUSH}}}}, {"auth": {"identity": {"token": MASK}}}),
    ({"auth": {"identity": {"totp": {"user": {"passcode": HUSH}}}}},
     {"auth": {"identity": {"totp": {"user": {"passcode": MASK}}}}}),
    ({"token": {"methods": ["password"], "catalog": [{"url": "u"}]}},
     {"token": {"methods": ["password"], "catalog": [{"url": "u"}]}}),
    ({"access": {"token": {"id": HUSH}}}, {"access": {"token": MASK}}),
    ({"access_token": HUSH, "expires_in": 3}, {"access_token": MASK, "expires_in": 3}),
    ({"remote_console": {"url": f"http://h/vnc.html?token={HUSH}&autoconnect=1"}},
     {"remote_console": {"url": f"http://h/vnc.html?token={MASK}&autoconnect=1"}}),
    ({"url": f"http://h/vnc_lite.html?path=%3Ftoken%3D{HUSH}%26a%3D1"},
     {"url": f"http://h/vnc_lite.html?path=%3Ftoken%3D{MASK}%26a%3D1"}),
    ({"output": "booted\nlogin: x"}, {"output": "booted\nlogin: x"}),
    ({"password": None, "token": "", "secret": True}, {"password": None, "token": "",
                                                       "secret": True}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "masked"), BODIES)
def test_a_body_keeps_all_but_its_secrets(body: Any, masked: Any) -> None:
    found = masked_body(json.dumps(body))
    assert json.loads(found) == masked
    assert HUSH not in found


@pytest.mark.parametrize(
    "secret", ["12345", 'quo"te\\slash', "spa ce+plus", "ünï-cødé", "true", "[1,2]", "name"]
)
def test_a_known_secret_is_masked_wherever_it_stands_and_json_stays_json(secret: str) -> None:
    body = {"a": [secret, {"b": f"x{secret}y"}], "n": 12345, "t": True, f"k{secret}": 1}
    for text in (json.dumps(body), json.dumps(body, ensure_ascii=False)):
        found = json.loads(masked_body(text, [secret]))
        assert found["a"] == [MASK, {"b": f"x{MASK}y"}]
        assert found[f"k{MASK}"] == 1
        assert found["t"] is True


def test_short_secrets_are_not_looked_for_in_words() -> None:
    assert masked_body('{"a": "barn"}', ["bar", "", "a"]) == '{"a": "barn"}'


def test_forms_and_links_lose_their_secrets() -> None:
    form = f"grant_type=password&username=u&password={HUSH}&client_secret={HUSH}&scope=openid"
    masked = f"grant_type=password&username=u&password={MASK}&client_secret={MASK}&scope=openid"
    assert masked_body(form) == masked
    assert masked_text("http://h/v3?marker=5&limit=2") == "http://h/v3?marker=5&limit=2"
    assert masked_text("http://h?q=spa%20ce", ["spa ce"]) == f"http://h?q={MASK}"


def test_what_holds_no_secret_is_left_as_it_is() -> None:
    text = '{"servers":[{"id": "a",  "flavor":{"vcpus":1.0}}]}'
    assert masked_body(text) is text


def test_plain_data_is_hidden_by_the_same_names() -> None:
    assert hidden({"client_secret": "x", "passcode": "1", "a": [{"adminPass": "y"}]}) == {
        "client_secret": MASK,
        "passcode": MASK,
        "a": [{"adminPass": MASK}],
    }


def test_a_password_in_an_address_is_hidden_wherever_it_stands() -> None:
    told = masked_text("see https://anna:geheim@cloud.example.org:5000/v3?a=b@c:d now")
    assert told == "see https://***@cloud.example.org:5000/v3?a=b@c:d now"
    assert masked_text("https://cloud.example.org:5000/v3") == "https://cloud.example.org:5000/v3"
    assert "geheim" not in masked_body('{"url": "http://:geheim@h/v3"}')
    assert masked_text("http://[::1]:5000/a@b") == "http://[::1]:5000/a@b"
