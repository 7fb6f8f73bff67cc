"""What servers can go through between their start and their end."""

import json
from typing import Any

import pytest
from tests.shell.calling import Cm

from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.mesh import Mesh


def rows(output: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(output)
    return found


def server(cm: Cm, name: str) -> dict[str, Any]:
    (found,) = rows(cm(f"vm list india --name {name} --refresh --format json").output)
    return found


@pytest.fixture
def web(cm: Cm) -> str:
    assert cm("vm start web --cloud india --flavor m1.small --image img-0001 --wait").exit_code == 0
    return "web"


@pytest.mark.parametrize(
    ("there", "state", "back"),
    [
        ("suspend", "suspended", "resume"),
        ("pause", "paused", "unpause"),
        ("shelve", "shelved", "unshelve"),
        ("rescue", "rescued", "unrescue"),
        ("resize --flavor m1.large", "resized", "confirm"),
        ("resize --flavor m1.large", "resized", "revert"),
    ],
)
def test_a_server_goes_there_and_back(cm: Cm, web: str, there: str, state: str, back: str) -> None:
    act, _, words = there.partition(" ")
    gone = cm(f"vm {act} {web} {words} --wait --format json")
    assert gone.exit_code == 0, gone.error
    assert [row["state"] for row in rows(gone.output)] == [state]
    assert server(cm, web)["state"] == state
    returned = cm(f"vm {back} {web} --wait --format json")
    assert returned.exit_code == 0, returned.error
    assert [row["state"] for row in rows(returned.output)] == ["running"]


def test_a_resize_says_how_to_end_it_and_confirming_keeps_the_flavor(cm: Cm, web: str) -> None:
    before = server(cm, web)["flavor"]
    result = cm(f"vm resize {web} --flavor m1.large --wait")
    assert (
        "cm vm confirm NAME keeps the new flavor, cm vm revert NAME takes it back" in result.error
    )
    assert cm(f"vm revert {web} --wait").exit_code == 0
    assert server(cm, web)["flavor"] == before
    cm(f"vm resize {web} --flavor m1.large --wait")
    cm(f"vm confirm {web} --wait")
    assert server(cm, web)["flavor"] != before


def test_a_locked_server_is_not_changed_until_it_is_unlocked(cm: Cm, web: str) -> None:
    assert cm(f"vm lock {web}").exit_code == 0
    assert cm(f"vm stop {web}").exit_code == 1
    assert server(cm, web)["state"] == "running"
    assert cm(f"vm unlock {web}").exit_code == 0
    assert cm(f"vm stop {web} --wait").exit_code == 0


def test_a_server_is_restarted_hard(cm: Cm, web: str) -> None:
    assert cm(f"vm reboot {web} --hard --wait").exit_code == 0
    (last, *_) = rows(cm(f"op list --target {web} --format json").output)
    assert last["act"] == "hard_reboot"


def test_a_server_is_rebuilt_only_by_those_who_say_yes(cm: Cm, web: str) -> None:
    refused = cm(f"vm rebuild {web} --image img-0002")
    assert refused.exit_code == 2
    assert "rebuild india:web? Nobody can be asked here: say --yes" in refused.error
    assert server(cm, web)["image"] == "img-0001"
    assert cm(f"vm rebuild {web} --image img-0002 --yes --wait").exit_code == 0
    assert server(cm, web)["image"] == "img-0002"


def test_a_server_gets_another_name(cm: Cm, web: str) -> None:
    number = server(cm, web)["id"]
    assert cm(f"vm rename {web} wob").exit_code == 0
    assert server(cm, "wob")["id"] == number
    several = cm("vm rename seed-[0001-0002] other --cloud india")
    assert (several.exit_code, "only one can be renamed" in several.error) == (2, True)


def test_tags_are_set_and_taken_away_and_others_stay(cm: Cm, web: str) -> None:
    assert cm(f"vm tag {web} --set a=1 --set b=2=3").exit_code == 0
    assert server(cm, web)["tags"] == {"a": "1", "b": "2=3"}
    assert cm(f"vm tag {web} --unset a --set c=").exit_code == 0
    assert server(cm, web)["tags"] == {"b": "2=3", "c": ""}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("vm resize web", "missing option '--flavor'"),
        ("vm rebuild web", "missing option '--image'"),
        ("vm rename web", "missing argument 'NEW'"),
        ("vm tag web", "nothing to tag: say --set KEY=VALUE or --unset KEY"),
        ("vm tag web --set a", "--set wants KEY=VALUE, found 'a'"),
        ("vm tag web --set a=1 --unset a", "'a' is to be set and unset"),
        ("vm lock web --wait", "there is no option '--wait'"),
        ("vm stop web --hard", "there is no option '--hard'"),
        ("vm start --hint a", "--hint wants KEY=VALUE, found 'a'"),
        ("vm start --boot-volume 0", "0 is not in the range"),
        ("vm start --tag a=1 --tag a=2", "'a' stands there twice"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(cm: Cm, line: str, says: str) -> None:
    result = cm(line)
    assert (result.exit_code, says in result.error) == (2, True)


def test_a_server_starts_where_and_how_it_is_told(cm: Cm) -> None:
    zone = rows(cm("zone list india --format json").output)[0]["name"]
    result = cm(
        f"vm start web --cloud india --zone {zone} --config-drive --boot-volume 5 "
        "--hint group=a --format json"
    )
    assert result.exit_code == 0, result.error
    assert rows(result.output)[0]["zone"] == zone


# history


def test_the_history_tells_what_was_seen_here_and_what_the_cloud_did(cm: Cm, web: str) -> None:
    cm(f"vm stop {web} --wait")
    told = rows(cm(f"vm history {web} --format json").output)
    assert {"start", "stop"} <= {row["what"] for row in told if row["by"] == "cm"}
    assert {"create", "stop"} <= {row["what"] for row in told if row["by"] == "india"}
    assert [row["at"] for row in told] == sorted(row["at"] for row in told)
    own = rows(cm(f"vm history {web} --own --format json").output)
    assert {row["by"] for row in own} == {"cm"}


def test_a_cloud_that_does_not_tell_what_it_did_is_no_error(
    cm: Cm, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(*_: object, **__: object) -> None:
        raise UnavailableError("india is\naway")

    monkeypatch.setattr(Mesh, "actions", no)
    result = cm(f"vm history {web} --format json")
    assert result.exit_code == 0
    assert result.error == "what india itself did is not here: india is away\n"
    assert {row["by"] for row in rows(result.output)} == {"cm"}


# whole lists


@pytest.mark.parametrize(
    ("line", "full"),
    [("vm list --refresh", False), ("vm list --refresh --full", True), ("vm list --full", True),
     ("refresh", False), ("refresh india --full", True)],
)  # fmt: skip
def test_whole_lists_are_asked_for_when_wanted(
    cm: Cm, monkeypatch: pytest.MonkeyPatch, line: str, full: bool
) -> None:
    asked: list[bool] = []
    refresh = Mesh.refresh

    def heard(self: Mesh, *args: Any, **options: Any) -> Any:
        asked.append(options["full"])
        return refresh(self, *args, **options)

    cm("vm list")
    monkeypatch.setattr(Mesh, "refresh", heard)
    assert cm(line).exit_code == 0
    assert asked == [full]
