"""Networks, addresses, volumes and snapshots by lines of text."""

import json
from typing import Any

import pytest
from tests.shell.calling import Cm


def rows(cm: Cm, line: str) -> list[dict[str, Any]]:
    result = cm(f"{line} --format json")
    assert result.exit_code == 0, result.error
    found: list[dict[str, Any]] = json.loads(result.output)
    return found


def one(cm: Cm, line: str) -> dict[str, Any]:
    (found,) = rows(cm, line)
    return found


# networks


@pytest.mark.parametrize("what", ["list", "subnets", "routers", "ports"])
def test_networks_and_what_is_on_them_are_listed_from_the_store(cm: Cm, what: str) -> None:
    result = cm(f"network {what}")
    assert result.exit_code == 0
    assert "india: " in result.error
    assert "seen just now" in result.error
    assert {row["cloud"] for row in rows(cm, f"network {what} india --refresh")} <= {"india"}


def test_a_network_is_shown_with_the_clouds_own_data(cm: Cm) -> None:
    first = rows(cm, "network list india")[0]
    found = json.loads(cm(f"network info {first['name']} --cloud india --format json").output)
    assert found["id"] == first["id"]
    assert found["native"]
    assert any(subnet["network"] == first["id"] for subnet in rows(cm, "network subnets india"))
    missing = cm("network info nothing --cloud india")
    assert (missing.exit_code, "india has no network 'nothing'" in missing.error) == (4, True)


# addresses


def test_an_address_is_taken_attached_detached_and_given_back(cm: Cm) -> None:
    taken = cm("ip create --cloud india --format json")
    assert taken.exit_code == 0, taken.error
    address = json.loads(taken.output)[0]["name"]
    assert [row["name"] for row in rows(cm, "ip list india")] == [address]
    attached = one(cm, f"ip attach {address} seed-0001 --cloud india")
    assert attached["private_ip"] is not None
    assert address in one(cm, "vm list india --name seed-0001 --refresh")["public_ips"]
    assert one(cm, f"ip detach {address}")["private_ip"] is None
    refused = cm(f"ip release {address}")
    assert refused.exit_code == 2
    assert f"release india:{address}? Nobody can be asked here: say --yes" in refused.error
    assert cm(f"ip release {address} --yes").error == f"india:{address} is released\n"
    assert rows(cm, "ip list india --refresh") == []


def test_a_new_address_says_what_to_do_with_it(cm: Cm) -> None:
    result = cm("ip create --cloud india")
    assert result.error.startswith("cm ip attach ")
    assert result.error.endswith(" SERVER lets it stand for a server\n")


def test_of_several_that_are_given_back_each_is_told(cm: Cm) -> None:
    names = [json.loads(cm("ip create --format json").output)[0]["name"] for _ in range(2)]
    question = cm(f"ip release {' '.join(names)}").error
    assert f"release 2 floating IPs: india:{names[0]}, india:{names[1]}?" in question
    done = cm(f"ip release {' '.join(names)} {names[0]} --yes")
    assert done.exit_code == 0
    assert done.error.splitlines() == [f"india:{name} is released" for name in names]


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("ip attach 1.2.3.4 seed-0001", 4, "no floating ip '1.2.3.4'"),
        ("ip release 1.2.3.4 --yes", 4, "'1.2.3.4'"),
        ("ip attach 1.2.3.4", 2, "missing argument 'SERVER'"),
        ("ip create --network nothing --cloud india", 4, "india has no network 'nothing'"),
        ("ip create --cloud nowhere", 3, "there is no cloud 'nowhere'"),
    ],
)
def test_an_address_that_is_not_there_is_one_line(cm: Cm, line: str, code: int, says: str) -> None:
    result = cm(line)
    assert result.exit_code == code
    assert says in result.error.lower().replace("missing argument 'server'", says)
    assert len(result.error.splitlines()) == 1


# volumes


def test_a_volume_is_created_attached_detached_and_deleted(cm: Cm) -> None:
    made = one(cm, "volume create data --size 5 --cloud india")
    assert (made["name"], made["size"]) == ("data", 5)
    assert one(cm, "volume attach data seed-0001 --cloud india")["server"] is not None
    attached = json.loads(cm("volume info data --format json").output)
    assert attached["server"] == one(cm, "vm list india --name seed-0001")["id"]
    assert attached["native"]
    assert one(cm, "volume detach data")["server"] is None
    assert "delete india:data? Nobody can be asked here" in cm("volume delete data").error
    assert cm("volume delete data --yes").exit_code == 0
    assert rows(cm, "volume list india --refresh") == []


def test_a_volume_is_kept_as_it_is_and_made_again_of_that(cm: Cm) -> None:
    cm("volume create data --size 5 --cloud india")
    kept = one(cm, "volume snapshot create data monday")
    assert (kept["name"], kept["size"]) == ("monday", 5)
    assert [row["name"] for row in rows(cm, "volume snapshots india")] == ["monday"]
    assert json.loads(cm("volume snapshot info monday --format json").output)["native"]
    again = one(cm, "volume create again --size 6 --snapshot monday --cloud india")
    assert again["size"] == 6
    assert cm("volume snapshot delete monday").exit_code == 2
    assert cm("volume snapshot delete monday --yes").exit_code == 0
    assert rows(cm, "volume snapshots india --refresh") == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("volume create data", 2),
        ("volume create data --size 0", 2),
        ("volume create data --size 5 --image a --snapshot b", 2),
        ("volume attach nothing seed-0001 --cloud india", 4),
        ("volume info nothing", 4),
        ("volume snapshot info nothing", 4),
        ("volume snapshot create nothing monday", 4),
        ("volume snapshot", 2),
    ],
)
def test_a_volume_that_makes_no_sense_is_refused(cm: Cm, line: str, code: int) -> None:
    assert cm(line).exit_code == code
