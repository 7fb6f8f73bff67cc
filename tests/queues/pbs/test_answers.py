"""JSON of real clients, valid and not; each odd one says what real qstat did."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.queues.pbs import rendering

from cloudmesh_sdk.queues.pbs import answers, lines

CAPTURES = Path(__file__).parent / "captures"
ALL = sorted(str(path.relative_to(CAPTURES)) for path in CAPTURES.glob("*/*.json"))
KIND = {"pbsnodes": "nodes", "err-pbsnodes": "nodes", "qstat-Q": "Queue", "qstat-oneq": "Queue",
        "qstat-B": "Server"}  # fmt: skip
INVALID = {
    "client-23.06.06/odd-account.json",
    "client-23.06.06/odd-env-numbers.json",
    "client-23.06.06/odd-env-unicode.json",
    "client-23.06.06/qstat-xf.json",
}
NOTHING = {"head-2026-04/qstat-json-nof.json"}
"""Those that Python's json refuses; README names the same ones."""


def kind(name: str) -> str:
    base = name.partition("/")[2]
    return next((kind for start, kind in KIND.items() if base.startswith(start)), "Jobs")


def told(name: str) -> dict[str, dict[str, Any]]:
    return answers.read((CAPTURES / name).read_bytes(), kind(name))


def dsv(name: str) -> dict[str, dict[str, Any]]:
    return lines.read((CAPTURES / "head-2026-04" / name).read_bytes())


@pytest.mark.parametrize("name", [name for name in ALL if name not in NOTHING])
def test_every_capture_is_read_whole(name: str) -> None:
    said = (CAPTURES / name).read_bytes().decode(errors="replace")
    heads = re.findall(r'^(?:\t\t| {8})"([^"]+)":\s*\{$', said, re.MULTILINE)
    assert list(told(name)) == heads


@pytest.mark.parametrize("name", ALL)
def test_what_is_valid_json_is_read_as_such(name: str) -> None:
    said = (CAPTURES / name).read_bytes()
    try:
        plain = json.loads(said)
    except ValueError:
        assert name in INVALID | NOTHING
        return
    assert name not in INVALID
    mine, theirs = told(name), plain.get(kind(name), {})
    assert mine.keys() == theirs.keys()
    for thing, fields in theirs.items():
        assert mine[thing].keys() == fields.keys()
        assert mine[thing].get("job_state") == fields.get("job_state")
        assert mine[thing].get("Resource_List") == fields.get("Resource_List")


def test_invalid_json_of_the_release_is_put_right() -> None:
    (job,) = told("client-23.06.06/odd-env-numbers.json").values()
    numbers = job["Variable_List"]
    assert {name: numbers[name] for name in "abcdefghijk"} == {
        "a": 1, "b": -1, "c": "+1", "d": "1e5", "e": "0x10", "f": ".5", "g": "5.",
        "h": "NaN", "i": "Infinity", "j": "1_000", "k": "00",
    }  # fmt: skip
    (job,) = told("client-23.06.06/odd-account.json").values()
    assert job["Account_Name"] == 'acc "x" \\ y'  # as qsub was given it, and as dsv has it
    assert job["Account_Name"] == next(iter(dsv("odd-account.dsv").values()))["Account_Name"]


def test_a_variable_with_unicode_is_bytes_of_another_kind_and_harms_none() -> None:
    listed = told("client-23.06.06/qstat-xf.json")
    odd = next(iter(told("client-23.06.06/odd-env-unicode.json")))
    assert odd in listed
    assert "^" in str(listed[odd]["Variable_List"]["MYVAR"])
    states = {id: job["job_state"] for id, job in listed.items()}  # noqa: A001
    others = told("head-2026-04/qstat-xf.json")
    for id, job in others.items():  # noqa: A001
        if job["job_state"] == "F":
            assert states[id] == "F"


def test_a_name_of_digits_is_that_name() -> None:
    for where in ("client-23.06.06", "head-2026-04"):
        (digits,) = told(f"{where}/odd-name-digits.json").values()
        (zeros,) = told(f"{where}/odd-name-zeros.json").values()
        (true,) = told(f"{where}/odd-name-true.json").values()
        assert (str(digits["Job_Name"]), zeros["Job_Name"], true["Job_Name"]) == (
            "12345", "007", "true",
        )  # fmt: skip


def test_a_number_that_python_would_write_otherwise_stays_as_it_was_written() -> None:
    things = [rendering.Thing("1.pbshost", [("Job_Name", None, "1e5"), ("Priority", None, "-5")])]
    (job,) = answers.read(rendering.old(things), "Jobs").values()
    assert (job["Job_Name"], job["Priority"]) == ("1e5", -5)


def test_variables_behind_a_backslash_or_nothing_are_swallowed_by_qstat_itself() -> None:
    for where in ("client-23.06.06", "head-2026-04"):
        (job,) = told(f"{where}/odd-env-backslash.json").values()
        assert "PBS_O_QUEUE" not in job["Variable_List"]
        assert job["Variable_List"]["MYVAR"].endswith(",PBS_O_QUEUE=india")
    (old,) = told("client-23.06.06/odd-env-empty.json").values()
    (new,) = told("head-2026-04/odd-env-empty.json").values()
    assert old["Variable_List"]["MYVAR"] == ",PBS_O_QUEUE=india"
    assert (new["Variable_List"]["MYVAR"], new["Variable_List"]["PBS_O_QUEUE"]) == ("", "india")


def test_zeros_are_lost_by_new_clients_only() -> None:
    (old,) = told("client-23.06.06/odd-env-zeros.json").values()
    (new,) = told("head-2026-04/odd-env-zeros.json").values()
    (text,) = dsv("odd-env-zeros.dsv").values()
    assert (old["Variable_List"]["foo"], new["Variable_List"]["foo"]) == ("005", 5)
    assert text["Variable_List"]["foo"] == "005"


@pytest.mark.parametrize(
    "odd", ["odd-env-bashfunc", "odd-env-json", "odd-env-newline", "odd-env-control",
            "odd-select-str"],
)  # fmt: skip
def test_odd_variables_are_valid_in_both(odd: str) -> None:
    (old,) = told(f"client-23.06.06/{odd}.json").values()
    (new,) = told(f"head-2026-04/{odd}.json").values()
    assert old["job_state"] == new["job_state"] == "H"
    assert (
        old["Variable_List"].keys() - {"PBS_O_INTERACTIVE_ENCRYPT_METHOD"}
        <= new["Variable_List"].keys()
    )


def test_limits_under_one_key_are_all_kept() -> None:
    old = told("client-23.06.06/qstat-Qf.json")["sierra"]["max_queued"]
    new = told("head-2026-04/qstat-Qf.json")["sierra"]["max_queued"]
    assert old == new == "[o:PBS_ALL=1000],[u:PBS_GENERIC=500]"


def test_no_jobs_are_no_key() -> None:
    assert told("head-2026-04/qstat-empty.json") == {}
    assert told("head-2026-04/err-qstat-unknown.json") == {}


def test_two_ids_are_answered_by_new_clients_with_the_first_alone() -> None:
    assert list(told("head-2026-04/qstat-two.json")) == ["2.pbshost"]
    assert list(told("client-23.06.06/qstat-two.json")) == ["2.pbshost", "3.pbshost"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", answers.NoAnswerError),
        (b"PANIC: out of cheese\n", answers.NoAnswerError),
        (b"<html>{</html>", answers.NoAnswerError),
        (b'{\n"jobs": []\n}', answers.NoAnswerError),
        (b'{\n\t"pbs_version":\t"23.06.06",\n\t"Jobs":\t{\n', answers.DoubtfulError),
        (b'{\n\t"pbs_version":\t"23.06.06",\n\t"Jobs":\t[]\n}', answers.DoubtfulError),
        (b'{\n\t"pbs_version":\t"1",\n\t"Jobs":\t{"1.a": 1}\n}', answers.DoubtfulError),
    ],
)
def test_what_is_no_answer_is_no_empty_list(answer: bytes, error: type[ValueError]) -> None:
    with pytest.raises(error):
        answers.read(answer, "Jobs")


def test_what_a_login_says_before_is_left_out(head: Path) -> None:
    said = b"Welcome {to} india\n\n" + (head / "qstat-f.json").read_bytes()
    assert len(answers.read(said, "Jobs")) == 10


@pytest.mark.parametrize("how", rendering.FORGED)
def test_a_variable_whose_name_looks_like_another_job_is_not_believed(how: str) -> None:
    odd = rendering.FORGED[how].replace(",", "\\,")
    things = [
        rendering.Thing(
            f"{number}.pbshost",
            [("Job_Name", None, "a"), ("job_state", None, "R"), ("Variable_List", None, variables)],
        )
        for number, variables in enumerate(["A=b", f"{odd}=v,C=d", "A=b", "A=b"])
    ]
    try:
        found = answers.read(rendering.old(things), "Jobs")
    except answers.DoubtfulError:
        found = lines.read(rendering.dsv(things, old=True))
    for told in (found, answers.read(rendering.head(things), "Jobs")):
        assert {id: job["job_state"] for id, job in told.items()} == {  # noqa: A001
            thing.id: "R" for thing in things
        }


def test_queues_as_text_are_those_of_the_json_of_the_same_moment() -> None:
    text = lines.blocks((CAPTURES / "head-2026-04" / "qstat-Qf.txt").read_bytes())
    plain = told("head-2026-04/qstat-Qf.json")
    assert list(text) == list(plain)
    for name, fields in plain.items():
        for key, value in fields.items():
            wanted = {k: str(v) for k, v in value.items()} if isinstance(value, dict) else value
            assert text[name][key] == (wanted if isinstance(wanted, dict) else str(wanted).strip())


def test_a_variable_in_plain_text_may_begin_a_line() -> None:
    """Which is why jobs are read from `dsv`, where it is escaped."""
    text = (CAPTURES / "head-2026-04" / "odd-env-newline.txt").read_text()
    assert "MYVAR=line1\nline2\ttab" in text
    (job,) = dsv("odd-env-newline.dsv").values()
    assert job["Variable_List"]["MYVAR"] == "line1\\nline2\ttab"
