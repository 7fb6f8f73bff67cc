"""Bars of jobs by state: as text, as a picture."""

from xml.etree import ElementTree as ET

from cloudmesh_sdk.bars import MARKS, Bars, by_machine
from cloudmesh_sdk.models import Job, JobState


def job(id: str, state: JobState, *machines: str, count: int = 1) -> Job:  # noqa: A002
    return Job(cloud="fg", id=id, name="j", state=state, machines=machines, count=count)


JOBS = [
    job("1", JobState.PENDING, "india", "sierra", count=10),
    job("2", JobState.RUNNING, "india", count=30),
    job("3", JobState.FAILED, "sierra"),
]


def test_jobs_count_at_each_of_their_machines() -> None:
    assert by_machine(JOBS).rows == {
        "india": {"running": 30, "pending": 10}, "sierra": {"pending": 10, "failed": 1},
    }  # fmt: skip


def test_the_longest_bar_has_the_whole_width_and_others_their_share() -> None:
    india, sierra = str(by_machine(JOBS)).splitlines()
    assert india == f"india   {'█' * 30}{'░' * 10}  30 running, 10 pending"
    assert sierra == f"sierra  {'░' * 10}x  10 pending, 1 failed"


def test_one_job_of_many_thousands_is_still_to_be_seen() -> None:
    bars = Bars(rows={"a": {"running": 1, "pending": 100_000}})
    ((_, drawn, said),) = bars.parts()
    assert drawn == [("running", 1), ("pending", 40)]
    assert said == "1 running, 100,000 pending"


def test_every_state_has_a_mark_and_a_colour() -> None:
    every = Bars(rows={"a": {state.value: 1 for state in JobState}})
    ((_, drawn, _),) = every.parts()
    assert len({MARKS[state] for state, _ in drawn}) == len(JobState)
    picture = ET.fromstring(every._repr_html_())
    colours = {part.get("fill") for part in picture.iter("{http://www.w3.org/2000/svg}rect")}
    assert len(colours) == len(JobState)


def test_its_words_have_the_colour_of_the_page_be_it_light_or_dark() -> None:
    picture = ET.fromstring(Bars(rows={"a": {"running": 1}})._repr_html_())
    assert picture.get("fill") == "currentColor"
    texts = [*picture.iter("{http://www.w3.org/2000/svg}text")]
    assert len(texts) == 2
    assert {text.get("fill") for text in texts} == {None}, "they have none of their own"


def test_no_jobs_are_no_bars() -> None:
    assert str(by_machine([])) == ""
    assert str(Bars(rows={"a": {}})) == "a   no jobs"
    ET.fromstring(by_machine([])._repr_html_())


def test_the_picture_is_well_formed_whatever_a_machine_is_called() -> None:
    name = '<b>&"\x1b'
    picture = ET.fromstring(Bars(rows={name: {"running": 3, "held": 1}})._repr_html_())
    space = "{http://www.w3.org/2000/svg}"
    wide = [float(part.attrib["width"]) for part in picture.iter(f"{space}rect")]
    assert wide == [315.0, 105.0]
    said = [text.text for text in picture.iter(f"{space}text")]
    assert said == [r'<b>&"\x1b', "3 running, 1 held"]
