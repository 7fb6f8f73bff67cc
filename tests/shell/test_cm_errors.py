"""Every mistake is one line and an exit code that scripts can use."""

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
import yaml
from tests.shell.calling import Cm, Program

from cloudmesh_sdk import errors
from cloudmesh_sdk.errors import CloudmeshError, PartialFailure
from cloudmesh_sdk.fanout import Gathered, Source
from cloudmesh_sdk.shell import codes
from cloudmesh_sdk.shell.result import run
from cloudmesh_sdk.shell.running import guarded, words
from cloudmesh_sdk.shell.session import Session

CODES = {
    "ConfigError": 3, "PluginError": 3, "PolicyError": 5, "StoreError": 8, "AuthError": 5,
    "NotFoundError": 4, "ConflictError": 1, "QuotaError": 1, "InvalidRequestError": 1,
    "UnsupportedError": 1, "UnavailableError": 7, "BackendTimeoutError": 7, "ThrottledError": 7,
    "BackendError": 1, "CloudmeshError": 1,
}  # fmt: skip


def test_every_error_of_the_package_has_its_code() -> None:
    kinds = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, CloudmeshError)
    }
    found = {n: codes.code_of(k("no")) for n, k in kinds.items() if k is not PartialFailure}
    assert found == CODES
    assert codes.code_of(PartialFailure({"a": CloudmeshError("no")})) == 6


def test_a_word_that_is_no_text_is_a_mistake_of_the_line_and_no_bug() -> None:
    with pytest.raises(UnicodeEncodeError) as error:
        "caf\udce9\x1b".encode()
    assert words(error.value) == (r"cm: 'caf\xe9\x1b' is no text in UTF-8", codes.USAGE)
    with pytest.raises(UnicodeEncodeError) as other:
        "\u20ac".encode("ascii")
    assert words(other.value)[1] == codes.BUG


def test_every_code_has_a_meaning() -> None:
    assert set(CODES.values()) | {0, 2, 6, 70, 130, 141} == set(codes.MEANING)


def gathered(**failed: CloudmeshError | None) -> Gathered[object]:
    return Gathered((), {n: Source(name=n, error=e) for n, e in failed.items()})


def test_one_that_failed_alone_gives_its_own_code_and_one_of_several_is_partial() -> None:
    no = errors.AuthError("no")
    assert codes.outcome(gathered(a=None)) == 0
    assert codes.outcome(gathered(a=no)) == 5
    assert codes.outcome(gathered(a=no, b=None)) == 6


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("vm lst", 2, "there is no command 'lst'; did you mean list?"),
        ("nonsense", 2, "there is no command 'nonsense'; there are: cloud, console, default,"),
        ("vm list --formt json", 2, "there is no option '--formt'; did you mean --format"),
        ("vm list --format jsn", 2, "'jsn' is not one of"),
        ("vm list --where what", 2, "'what' is not PATH OP VALUE"),
        ("vm list --where stat=running", 2, "no field 'stat'; did you mean state, stale?"),
        ("vm list --columns nam", 2, "no field 'nam'; did you mean name?"),
        ("vm list --sort -stat", 2, "no field 'stat'; did you mean state, stale?"),
        ("vm list 'open", 2, "no closing quotation in: vm list 'open"),
        ("vm list --where name~(", 8, "regular expression"),
        ("vm list indja", 3, "there is no cloud 'indja'; did you mean india?"),
        ("vm info nobody --cloud india", 4, "india has no server 'nobody'"),
        ("image info nothing --cloud india", 4, "india has no image 'nothing'"),
        ("default set colour red", 3, "there is no default 'colour'"),
        ("op info 123", 4, "0 operations have an id that begins with '123'"),
        ("key delete nokey", 4, "there is no key 'nokey'"),
        ("script nofile", 2, "the script nofile cannot be read: No such file or directory"),
        ("vm ssh", 2, "missing argument 'NAME'"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    cm: Cm, line: str, code: int, says: str
) -> None:
    result = cm(line)
    assert result.exit_code == code
    assert says in result.error
    assert result.error.startswith("cm: ")
    assert len(result.error.splitlines()) == 1
    assert result.output == ""


def test_a_mistake_in_the_file_names_file_line_and_key(cm: Cm, config: Path) -> None:
    config.write_text("clouds:\n  india: {}\n")
    result = cm("vm list")
    assert result.exit_code == 3
    assert f"{config}:2: clouds.india" in result.error


def test_a_group_alone_shows_its_commands(cm: Cm) -> None:
    result = cm("vm")
    assert result.exit_code == 2
    assert "Usage: cm vm" in result.error


def test_debug_shows_where_an_error_comes_from(cm: Cm) -> None:
    assert "Traceback" not in cm("vm list nowhere").error
    result = cm("vm list nowhere --debug")
    assert "Traceback" in result.error
    assert result.error.splitlines()[-1].startswith("cm: there is no cloud")
    assert "Traceback" not in cm("vm list nowhere").error


def test_a_bug_is_one_line_that_asks_for_a_report() -> None:
    def trip() -> None:
        raise KeyError("oops\nand more")

    text, code = words(_raised(trip))
    assert code == 70
    assert text.startswith("cm: unexpected KeyError at test_cm_errors.py:")
    assert "please report it" in text
    assert "\n" not in text


def _raised(act: object) -> BaseException:
    assert callable(act)
    try:
        act()
    except Exception as error:  # noqa: BLE001 - it is what is asked for
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (click.Abort(), 130), (SystemExit(3), 3), (SystemExit("x"), 1)],
)
def test_nothing_ends_the_calling_process(error: BaseException, code: int) -> None:
    def leave() -> int:
        raise error

    assert guarded(Session(), leave) == code


def test_the_clear_text_warning_is_told_once(config: Path) -> None:
    config.write_text("clouds: {india: {driver: memory, password: hush}}\n")
    session = Session(store="memory", config=str(config), embedded=True)
    first, second = run("cloud list", session=session), run("cloud list", session=session)
    session.close()
    assert "clouds.india.password: a secret in clear text" in first.error
    assert "clear text" not in second.error
    assert "hush" not in first.output + first.error


JOURNALLED = (
    "what was sent already is journalled, the next command finds out what became of it (cm op list)"
)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("refresh", "cm: interrupted"),
        ("vm start web-1 --image img-0001 --flavor 1", f"cm: interrupted; {JOURNALLED}"),
    ],
)
def test_ctrl_c_is_one_line_and_130(
    environment: dict[str, str], config: Path, line: str, says: str
) -> None:
    config.write_text("clouds: {slow: {driver: memory, latency: 20}}\n")
    code = (
        "import atexit, sys, time\n"
        "from cloudmesh_sdk.shell.start import main\n"
        "atexit.register(time.sleep, 1)\n"  # as pymongo, which ends its threads then
        "print('ready', flush=True)\n"
        f"sys.exit(main(['--store', 'memory', *{line.split()!r}]))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        end = time.monotonic() + 30
        while _threads(process.pid) < 2:  # the thread that asks the cloud
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)  # impatient people press it twice
        assert process.wait(15) == 130
        assert (first, process.stderr.read()) == (f"{says}\n", "")


def _threads(pid: int) -> int:
    return len([*Path(f"/proc/{pid}/task").iterdir()])


def test_a_reader_that_goes_away_is_no_error(environment: dict[str, str], config: Path) -> None:
    config.write_text("clouds: {big: {driver: memory, servers: 20000}}\n")
    cm = Path(sys.executable).with_name("cm")
    with subprocess.Popen(
        [str(cm), "--store", "memory", "vm", "list"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
        assert process.wait(30) == codes.PIPE
    assert b"Traceback" not in told


def shell(environment: dict[str, str], line: str) -> "subprocess.CompletedProcess[str]":
    cm = shlex.quote(str(Path(sys.executable).with_name("cm")))
    return subprocess.run(
        ["sh", "-c", line.replace("MEM", "cm --store memory").replace("cm", cm, 1)],
        capture_output=True, text=True, check=False, env=environment, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("MEM vm list > /dev/full", 1, "output cannot be written: No space left on device\n"),
        ("cm version > /dev/full", 1, "output cannot be written: No space left on device\n"),
        ("MEM vm list >&-", 1, "output is closed; > /dev/null throws the output away\n"),
        ("MEM <&-", 2, "input is closed, and no command is named (cm --help shows how)\n"),
        ("MEM vm list --format json <&-", 0, ""),
        ("MEM vm lst 2>&-", 2, ""),
    ],
)  # fmt: skip
def test_a_stream_that_is_no_good_is_one_line(
    environment: dict[str, str], line: str, code: int, says: str
) -> None:
    done = shell(environment, line)
    assert (done.returncode, done.stderr) == (code, says and f"cm: standard {says}")


NASTY = "a\x1b[31m\n\t\x9b\u202eb"
SHOWN = r"a\x1b[31m\n\t\x9b\u202eb"


def test_what_a_cloud_says_cannot_command_the_terminal(cm: Cm, config: Path) -> None:
    cm("vm list india")
    path = config.parent / "india.json"
    seen = json.loads(path.read_text())
    for row in seen["servers"].values():
        row["name"] = NASTY
    path.write_text(json.dumps(seen))
    lines = ["vm list india --full", "vm info i-00000001 --cloud india", "vm start -n 1",
             "vm delete i-00000001 --cloud india", f"vm info {NASTY!r} --cloud india",
             "vm list india --format yaml", "vm list india --format json --native"]  # fmt: skip
    for line in lines:
        result = cm(line)
        unseen = [
            letter
            for letter in result.output + result.error
            if letter in set(NASTY) - set("a[31mb\n")
        ]
        assert unseen == [], line
    assert SHOWN in cm("vm list india").output
    assert f"delete india:{SHOWN}?" in cm("vm delete i-00000001 --cloud india").error
    assert json.loads(cm("vm list india --format json").output)[0]["name"] == NASTY
    assert yaml.safe_load(cm("vm list india --format yaml").output)[0]["name"] == NASTY


def test_exit_codes_reach_the_system(program: Program) -> None:
    assert program("vm", "list").returncode == 0
    assert program("vm", "lst").returncode == 2
    assert program("vm", "list", "nowhere").returncode == 3
    assert program("vm", "info", "nobody").returncode == 4
