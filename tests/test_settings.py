"""Options of the configuration become a driver's settings, or one clear line."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import attrs
import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.options import describe, option
from cloudmesh_sdk.settings import build


@attrs.frozen(kw_only=True)
class Sample:
    """Settings of a driver."""

    url: str = option("where")
    user: str = option("who")
    password: str | None = option("secret", default=None, secret=True)
    timeout: float = option("seconds", default=60.0)
    pages: int = option("records a page", default=100)
    verify: bool = option("check TLS", default=True)
    zones: tuple[str, ...] = option("zones", default=())
    more: Mapping[str, Any] = option("more", default=attrs.Factory(dict))


NEEDED = {"url": "https://x", "user": "albert"}


def _build(**options: Any) -> Any:
    return build(Sample, {**NEEDED, **options}, where="f.yaml:3: clouds.a")


def test_values_arrive_typed() -> None:
    made = _build(timeout=5, zones=["a", "b"], user=123)
    assert made.timeout == 5.0
    assert isinstance(made.timeout, float)
    assert made.zones == ("a", "b")
    assert made.user == "123"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pasword": "x"}, r"clouds\.a\.pasword: the driver has no such option; did you mean pass"),
        ({"timeout": "soon"}, r"clouds\.a\.timeout: a number was wanted, found 'soon'"),
        ({"pages": True}, r"clouds\.a\.pages: a whole number was wanted, found True"),
        ({"verify": "no"}, r"clouds\.a\.verify: true or false was wanted, found 'no'"),
        ({"zones": "a"}, r"clouds\.a\.zones: a list was wanted, found 'a'"),
        ({"user": 1.10}, r"clouds\.a\.user: a text was wanted, found 1\.1; put quotes around it"),
        ({"user": True}, r"clouds\.a\.user: a text was wanted, found True; put quotes around it"),
        ({"user": ["a"]}, r"clouds\.a\.user: a text was wanted, found \['a'\]$"),
        (
            {"password": 1.10},
            r"clouds\.a\.password: a text was wanted, found a secret .*; put quotes",
        ),
        ({"password": date(2026, 1, 1)}, r"clouds\.a\.password: a text .*; put quotes"),
        ({"more": 3}, r"clouds\.a\.more: a mapping was wanted, found 3"),
    ],
)
def test_a_wrong_option_is_one_clear_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=r"f\.yaml:3: " + message):
        _build(**options)


def test_all_that_is_missing_is_said_at_once() -> None:
    with pytest.raises(ConfigError, match="the driver needs url, user"):
        build(Sample, {}, where="clouds.a")


def test_a_secret_is_fetched_now_and_shown_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_PASSWORD", "s3cret")
    made = _build(password="env:THE_PASSWORD")
    assert made.password == "s3cret"
    assert "s3cret" not in repr(made)
    with pytest.raises(ConfigError) as raised:
        _build(password=["s3cret"])
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("digits", ["0", "123", "-5", "4915112345678"])
def test_a_secret_of_plain_digits_is_those_digits(digits: str) -> None:
    text = f"clouds: {{a: {{driver: x, password: {digits}}}}}"
    options = Config.parse(text).clouds["a"].options
    assert _build(**options).password == digits


def test_options_describe_themselves() -> None:
    told = describe(Sample)
    assert list(told)[:3] == ["url", "user", "password"]
    assert told["url"].required
    assert not told["timeout"].required
    assert told["timeout"].default == 60.0
    assert told["password"].secret
    assert told["timeout"].help == "seconds"


def test_a_choice_is_one_of_some_words() -> None:
    @attrs.frozen(kw_only=True)
    class Choice:
        transport: Literal["auto", "rest"] = option("how", default="auto")

    assert build(Choice, {"transport": "rest"}, where="queues.a").transport == "rest"
    wanted = r"queues\.a\.transport: one of auto, rest was wanted, found 'post'"
    with pytest.raises(ConfigError, match=wanted):
        build(Choice, {"transport": "post"}, where="queues.a")
