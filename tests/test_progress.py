"""How far operations are: as text, as a picture, in one line in the end."""

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from cloudmesh_sdk.models import Fault, Operation, OperationState
from cloudmesh_sdk.progress import WIDTH, Progress, progress

SPACE = "{http://www.w3.org/2000/svg}"


def operation(
    state: str = "done", cloud: str = "india", act: str = "start", **more: Any
) -> Operation:
    return Operation(
        id="1", owner="albert", act=act, cloud=cloud, target="web", token="t",
        state=OperationState(state), created=datetime(2026, 1, 1, tzinfo=UTC), **more,
    )  # fmt: skip


def test_each_act_has_a_line_at_each_cloud_in_the_order_of_the_operations() -> None:
    found = progress(
        [operation(), operation(cloud="sierra"), operation("failed"), operation(act="start_many")]
    )
    assert [(line.title, line.said) for line in found.lines] == [
        ("start at india", "1/2, 1 failed"),
        ("start at sierra", "1/1"),
        ("start many at india", "1/1"),
    ]


def test_a_group_counts_as_its_servers() -> None:
    (line,) = progress([operation("running", total=50, done=31), operation("pending")]).lines
    assert (line.done, line.total, line.is_over) == (31, 51, False)


def test_a_group_of_which_some_did_not_come_is_done_in_part() -> None:
    lacking = Fault(kind="Lacking", message="2 did not start")
    (line,) = progress([operation(total=5, done=3, error=lacking)]).lines
    assert line.said == "3/5, 2 failed"


def test_what_is_done_without_an_error_is_done_whole() -> None:
    (line,) = progress([operation(total=5, done=0)]).lines
    assert (line.done, line.failed) == (5, 0)


def test_it_says_what_most_of_those_under_way_wait_for() -> None:
    waiting = [operation("pending", message="waits for india")] * 2
    some = [operation("running", message="attempt 2"), operation(message="over"), *waiting]
    (line,) = progress(some).lines
    assert line.said == "1/4: waits for india"


def test_a_bar_is_parted_by_what_became_of_them_and_has_its_whole_length() -> None:
    states = ["done"] * 5 + ["failed"] * 2 + ["cancelled"] + ["running"] * 2
    found = progress([operation(state) for state in states])
    assert str(found) == (
        f"start at india  {'█' * 15}{'x' * 6}{'-' * 3}{'░' * 6} 5/10, 2 failed, 1 cancelled"
    )
    assert len("█" * 15 + "x" * 6 + "-" * 3 + "░" * 6) == WIDTH
    parts = [*ET.fromstring(found._repr_html_()).iter(f"{SPACE}rect")]
    assert [float(part.attrib["width"]) for part in parts] == [120, 48, 24, 48]
    assert [float(part.attrib["x"]) for part in parts] == [0, 120, 168, 192]


def bars(found: Progress) -> list[ET.Element]:
    return [*ET.fromstring(found._repr_html_()).iter(f"{SPACE}svg")]


def test_who_sees_no_colours_is_told_how_far_it_is() -> None:
    (bar,) = bars(progress([operation("running", cloud='"a" & b', total=10, done=3)]))
    assert {name: bar.get(name) for name in bar.attrib if name.startswith(("role", "aria"))} == {
        "role": "progressbar", "aria-valuemin": "0", "aria-valuemax": "10", "aria-valuenow": "3",
        "aria-label": 'start at "a" & b', "aria-valuetext": "3/10",
    }  # fmt: skip
    assert [(part.get("x"), part.get("width")) for part in bar] == [("0", "72"), ("72", "168")]
    assert bars(progress([operation(total=10, done=10)])) == []


def test_a_line_that_is_over_keeps_its_bar_beside_one_that_is_not() -> None:
    over = [operation("done"), operation("failed")]
    found = progress([*over, operation("running", cloud="sierra")])
    assert str(found).splitlines()[0] == f"start at india   {'█' * 15}{'x' * 15} 1/2, 1 failed"
    assert [bar.get("aria-valuenow") for bar in bars(found)] == ["2", "0"]


def test_what_a_notebook_does_to_tables_and_pictures_is_undone() -> None:
    found = progress([operation("running", message="a long word " * 40)])
    first, _, last = ET.fromstring(found._repr_html_()).iter("td")
    (bar,) = bars(found)
    assert {cell.get("style", "").partition(";")[0] for cell in (first, last)} == {
        "text-align: left"
    }
    assert f"min-width: {bar.get('width')}px" in bar.get("style", "")


def test_in_the_end_there_is_a_line_without_a_bar() -> None:
    found = progress([operation("done"), operation("failed")], seconds=12.3)
    assert found.is_over
    assert str(found) == "start at india  1/2, 1 failed in 12 s"
    assert not [*ET.fromstring(found._repr_html_()).iter(f"{SPACE}rect")]


def test_how_long_it_takes_is_no_news() -> None:
    assert progress([operation("running")], seconds=1) == progress(
        [operation("running")], seconds=2
    )


def test_what_others_wrote_is_shown_as_it_is() -> None:
    found = progress([operation("running", cloud="<b>\x1b", message="<i>\x1b[2J")])
    assert "\x1b" not in str(found)
    text = "".join(ET.fromstring(found._repr_html_()).itertext())
    assert text == r"start at <b>\x1b0/1: <i>\x1b[2J"


def test_nothing_is_no_line() -> None:
    assert str(progress([])) == ""
    ET.fromstring(progress([])._repr_html_())
