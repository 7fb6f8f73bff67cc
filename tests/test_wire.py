"""Exchanges: shown as curl commands, kept on tapes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloudmesh_sdk.wire import Exchange, as_curl, read, write

EXCHANGE = Exchange(
    cloud="india",
    service="compute",
    method="POST",
    url="https://nova.example.org/v2.1/servers?a=1&b=it's",
    headers={"X-Auth-Token": "***", "User-Agent": "cloudmesh", "Content-Type": "application/json"},
    body='{"server": {"name": "it\'s"}}',
    status=202,
    answered={"Content-Length": "1234", "Content-Type": "application/json"},
    answer='{"server": {"id": "ü"}}',
    at=datetime(2026, 11, 22, 22, 0, tzinfo=UTC),
    elapsed=0.1234,
    request_id="req-1",
)


def test_an_exchange_is_shown_as_a_curl_command_and_what_came_of_it() -> None:
    assert as_curl(EXCHANGE).splitlines() == [
        (
            "curl -g -i -X POST 'https://nova.example.org/v2.1/servers?a=1&b=it'\"'\"'s' "
            "-H 'X-Auth-Token: ***' -H 'Content-Type: application/json' "
            '-d \'{"server": {"name": "it\'"\'"\'s"}}\''
        ),
        "HTTP 202, 1,234 bytes in 0.123 s, req-1",
        "{",
        '  "server": {',
        '    "id": "ü"',
        "  }",
        "}",
    ]


def test_what_had_no_answer_says_why() -> None:
    silent = Exchange(
        cloud="india", service="", method="GET", url="http://x", error="refused", at=EXCHANGE.at
    )
    assert as_curl(silent) == "curl -g -i -X GET http://x\nno answer in 0.000 s: refused"


def test_long_bodies_are_cut_where_it_is_said() -> None:
    long = Exchange(
        cloud="c", service="s", method="GET", url="u", status=200, answer="x" * 5_000,
        at=EXCHANGE.at,
    )  # fmt: skip
    last = as_curl(long, shown=10).splitlines()[-1]
    assert last == "x" * 10 + "… (4,990 characters more)"


def test_a_tape_gives_back_what_was_written(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    other = Exchange(cloud="c", service="", method="GET", url="u", error="no", at=EXCHANGE.at)
    write(tape, EXCHANGE)
    write(tape, other)
    assert list(read(tape)) == [EXCHANGE, other]
    assert tape.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("line", ["{", "[]", '{"at": 3}', '{"cloud": "c", "at": "2026-01-01"}'])
def test_a_line_that_is_no_exchange_is_named(tmp_path: Path, line: str) -> None:
    tape = tmp_path / "tape"
    write(tape, EXCHANGE)
    with tape.open("a") as stream:
        stream.write(f"\n{line}\n")
    with pytest.raises(ValueError, match=r"tape, line 3: no exchange stands there"):
        list(read(tape))


def test_a_command_is_shown_behind_the_place_where_it_ran() -> None:
    command = Exchange(
        cloud="india", service="command", method="RUN", url="albert@login.india",
        body="squeue -h", status=1, answered={"content-length": "0"}, answer="no such queue",
        at=EXCHANGE.at, elapsed=0.25,
    )  # fmt: skip
    assert as_curl(command).splitlines() == [
        "albert@login.india$ squeue -h",
        "exit status 1, 0 bytes in 0.250 s",
        "no such queue",
    ]
