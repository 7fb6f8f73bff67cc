"""Firewall rules: nothing is opened but what is said, and for whom it is said."""

import json
from typing import Any

import click
import pytest
from tests.shell.calling import Cm

from cloudmesh_sdk.models import Rule, SecurityGroup
from cloudmesh_sdk.shell import rules


def shown(cm: Cm, name: str) -> list[dict[str, Any]]:
    result = cm(f"secgroup show {name} --cloud india --format json")
    assert result.exit_code == 0, result.error
    found: list[dict[str, Any]] = json.loads(result.output)
    return found


def incoming(cm: Cm, name: str) -> list[tuple[str, str, str]]:
    return [
        (row["protocol"], row["ports"], row["remote"])
        for row in shown(cm, name)
        if row["direction"] == "ingress"
    ]


@pytest.fixture
def web(cm: Cm) -> str:
    assert cm("secgroup create web --description 'for the web' --cloud india").exit_code == 0
    return "web"


def test_a_new_group_lets_nothing_in(cm: Cm, web: str) -> None:
    assert incoming(cm, web) == []
    listed = json.loads(cm("secgroup list india --format json").output)
    assert [row["description"] for row in listed if row["name"] == web] == ["for the web"]
    assert json.loads(cm(f"secgroup info {web} --format json").output)["native"]


def test_a_rule_needs_to_be_told_for_whom(cm: Cm, web: str) -> None:
    result = cm(f"secgroup rule add {web} --port 22")
    assert (result.exit_code, "missing option '--from'" in result.error) == (2, True)
    assert incoming(cm, web) == []


def test_rules_are_added_shown_and_taken_away_by_the_same_words(cm: Cm, web: str) -> None:
    assert cm(f"secgroup rule add {web} --port 22 --from 10.0.0.0/8").exit_code == 0
    assert cm(f"secgroup rule add {web} --port 8000 --to 8010 --from 10.1.2.3").exit_code == 0
    assert cm(f"secgroup rule add {web} --protocol icmp --from 10.0.0.0/8").exit_code == 0
    assert sorted(incoming(cm, web)) == [
        ("icmp", "all", "10.0.0.0/8"),
        ("tcp", "22", "10.0.0.0/8"),
        ("tcp", "8000-8010", "10.1.2.3/32"),
    ]
    assert cm(f"secgroup rule delete {web} --port 22 --from 10.0.0.0/8").exit_code == 0
    assert ("tcp", "22", "10.0.0.0/8") not in incoming(cm, web)
    assert len(incoming(cm, web)) == 2


def test_only_what_is_open_to_the_world_is_warned_of(cm: Cm, web: str) -> None:
    narrow = cm(f"secgroup rule add {web} --port 22 --from 10.0.0.0/8")
    assert narrow.error == ""
    wide = cm(f"secgroup rule add {web} --port 443 --from 0.0.0.0/0")
    assert wide.exit_code == 0
    assert wide.error == "india: web: tcp 443 is open to all the world\n"


def test_a_rule_that_is_not_there_is_not_said_to_be_gone(cm: Cm, web: str) -> None:
    cm(f"secgroup rule add {web} --port 22 --from 0.0.0.0/0")
    result = cm(f"secgroup rule delete {web} --port 22 --from 10.0.0.0/8")
    assert result.exit_code == 4
    assert "web has no rule ingress tcp 22 from 10.0.0.0/8; cm secgroup show web" in result.error
    assert incoming(cm, web) == [("tcp", "22", "0.0.0.0/0")]


def test_a_group_lets_in_another_group_by_name(cm: Cm, web: str) -> None:
    assert cm("secgroup create database --cloud india").exit_code == 0
    assert cm(f"secgroup rule add database --port 5432 --from {web}").exit_code == 0
    assert incoming(cm, "database") == [("tcp", "5432", "web")]
    result = cm("secgroup rule add database --port 5432 --from wob")
    assert result.exit_code == 4
    assert "--from wants a range such as 10.0.0.0/8, or a security group" in result.error
    assert "did you mean web?" in result.error


def test_what_goes_out_is_ruled_too(cm: Cm, web: str) -> None:
    line = f"secgroup rule add {web} --port 53 --protocol udp --from 10.0.0.2 --egress"
    result = cm(f"{line} --format json")
    (out,) = [row for row in json.loads(result.output) if row["ports"] == "53"]
    assert (out["direction"], out["open"]) == ("egress", False)
    assert result.error == ""


def test_groups_are_deleted_by_those_who_say_yes(cm: Cm, web: str) -> None:
    refused = cm(f"secgroup delete {web}")
    assert refused.exit_code == 2
    assert "delete india:web? Nobody can be asked here: say --yes" in refused.error
    done = cm(f"secgroup delete {web} --yes")
    assert (done.exit_code, done.error) == (0, "india:web is gone\n")
    assert cm(f"secgroup info {web}").exit_code == 4


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--from 10.0.0.0/8", "tcp needs --port N (or --port all)"),
        ("--port 70000 --from 10.0.0.0/8", "--port wants a number up to 65535 or all"),
        ("--port ssh --from 10.0.0.0/8", "--port wants a number up to 65535 or all, found 'ssh'"),
        ("--port 80 --to 79 --from 10.0.0.0/8", "--to 79 is below --port 80"),
        ("--port all --to 79 --from 10.0.0.0/8", "--to needs --port, the first of the ports"),
        ("--port 80 --protocol any --from 10.0.0.0/8", "--protocol any has no ports"),
        ("--port 80 --from 10.0.0.1/8", "10.0.0.1/8 is no range; 10.0.0.0/8 or 10.0.0.1?"),
    ],
)
def test_a_rule_that_makes_no_sense_is_one_line(cm: Cm, web: str, words: str, says: str) -> None:
    result = cm(f"secgroup rule add {web} {words}")
    assert result.exit_code == 2
    assert says in result.error
    assert len(result.error.splitlines()) == 1
    assert incoming(cm, web) == []


# the parts


@pytest.mark.parametrize(
    ("port", "last", "protocol", "meant"),
    [
        ("22", None, "TCP", ("tcp", 22, 22)),
        ("22", 25, "udp", ("udp", 22, 25)),
        ("all", None, "tcp", ("tcp", None, None)),
        (None, None, "icmp", ("icmp", None, None)),
        ("8", 0, "icmp", ("icmp", 8, 0)),
        ("8", None, "icmp", ("icmp", 8, None)),
        (None, None, "any", ("any", None, None)),
        (None, None, "112", ("112", None, None)),
    ],
)
def test_the_words_of_a_rule_mean(
    port: str | None, last: int | None, protocol: str, meant: tuple[str, int | None, int | None]
) -> None:
    rule = rules.rule(port=port, last=last, protocol=protocol, remote="10.0.0.0/8", egress=False)
    assert (rule.protocol, rule.from_port, rule.to_port) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [("10.0.0.0/8", "10.0.0.0/8"), ("10.0.0.1", "10.0.0.1/32"), ("::/0", "::/0"),
     ("2001:db8::1", "2001:db8::1/128"), ("web", None), ("10", None)],
)  # fmt: skip
def test_a_range_is_told_from_a_name(text: str, meant: str | None) -> None:
    assert rules.cidr(text) == meant


def test_a_range_that_may_mean_less_is_refused() -> None:
    with pytest.raises(click.UsageError, match="is no range"):
        rules.cidr("2001:db8::1/64")


@pytest.mark.parametrize("remote", ["0.0.0.0/0", "::/0", ""])
def test_everybody_is_warned_of_in_every_spelling(remote: str) -> None:
    group = SecurityGroup(cloud="a", id="1", name="g")
    assert rules.row(group, Rule(remote=remote, from_port=1, to_port=2), {}).open
    assert rules.warning(Rule(remote=remote)) == "tcp all is open to all the world"
    assert not rules.warning(Rule(remote=remote, direction="egress"))
