"""slurmrestd: what is asked and what is made of answers that a real one of 22.05 cannot show."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.queues.slurm.rest_fakes import (
    captured,
    described,
    job,
    jwt,
    listed,
    slurmrestd,
)

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    BackendTimeoutError,
    ConfigError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.models import Job, JobRequest, JobState
from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings, rest_changes, rest_client
from cloudmesh_sdk.testing import CANARY, LOST, Reply, Request
from cloudmesh_sdk.wire import Exchange

WAITS = Job(cloud="hpc", id="7", name="one", state=JobState.PENDING)
NEWER = described(41, 42, 43, 44)


def ids(queue: SlurmQueue) -> list[str]:
    return [each.id for each in queue.jobs()]


def test_the_newest_version_of_both_is_found_by_one_question() -> None:
    with slurmrestd(jobs=listed(job(1))) as rest, rest.queue() as queue:
        assert [*ids(queue), *ids(queue)] == ["1", "1"]
        assert rest.asked == ["GET openapi", "GET jobs", "GET jobs"]
        assert rest.server.requests[-1].path == "/slurm/v0.0.38/jobs"
        assert queue.calls == 3
    with slurmrestd(openapi=NEWER, jobs=listed()) as rest, rest.queue() as queue:
        ids(queue)
        assert rest.server.requests[-1].path == "/slurm/v0.0.44/jobs"


def test_a_version_that_is_newer_than_all_known_is_tried(caplog: pytest.LogCaptureFixture) -> None:
    with slurmrestd(openapi=described(47, 46), jobs=listed()) as rest, rest.queue() as queue:
        ids(queue)
        assert rest.server.requests[-1].path == "/slurm/v0.0.46/jobs"
    assert "newer than what was tried" in caplog.text
    with (
        slurmrestd(openapi=described(30)) as rest,
        rest.queue() as queue,
        pytest.raises(UnsupportedError, match="api_version"),
    ):
        ids(queue)


def test_a_version_that_is_set_is_not_looked_for() -> None:
    with slurmrestd(jobs=listed(job(1))) as rest, rest.queue(api_version="v0.0.37") as queue:
        ids(queue)
        assert rest.server.requests[0].path == "/slurm/v0.0.37/jobs"
        with pytest.raises(ConfigError, match=r"'newest' is no version .*v0\.0\.38"):
            rest.queue(api_version="newest")


def test_both_headers_are_sent_and_no_secret_is_told() -> None:
    told: list[Exchange] = []
    token = jwt(sun="albert", jti=CANARY)
    with slurmrestd(jobs=listed(job(1))) as rest, rest.queue(token=token) as queue:
        rest.answers["POST job/submit"] = Reply(body={"errors": [], "job_id": 7})
        rest.answers["GET job/7"] = listed(job(7))
        queue.watch = told.append
        ids(queue)
        queue.submit(
            JobRequest(
                name="one", token="t", script=f"#!/bin/sh\n: {CANARY}\n", workdir="/tmp",
                environment={"SECRET": CANARY},
            )
        )  # fmt: skip
        headers = rest.server.requests[1].headers
    assert headers["x-slurm-user-name"] == "albert"
    assert headers["x-slurm-user-token"] == token
    assert len(told) == queue.calls == 4
    assert CANARY not in repr(told)
    assert token not in repr(told)
    assert [(each.service, each.status) for each in told] == [("slurmrestd", 200)] * 4
    assert '"name":"one"' in told[2].body


@pytest.mark.parametrize(
    ("openapi", "unchanged"),
    [
        (described(38), Reply(status=304)),
        (
            NEWER,
            listed(
                last_update={"set": True, "infinite": False, "number": 0},
                warnings=[{"description": "No job changes since update_time[5]=now"}],
            ),
        ),
    ],
)
def test_unchanged_is_never_empty(openapi: Reply, unchanged: Reply) -> None:
    def jobs(request: Request) -> Reply:
        since = {"set": True, "infinite": False, "number": 1795341512}
        return unchanged if "update_time" in request.query else listed(job(1), last_update=since)

    with slurmrestd(openapi=openapi, jobs=jobs) as rest, rest.queue() as queue:
        assert [ids(queue) for _ in range(3)] == [["1"]] * 3
        told = [request.query.get("update_time") for request in rest.server.requests[1:]]
        assert told == [None, "1795341512", "1795341512"]


def test_an_empty_list_of_changes_is_not_believed() -> None:
    kept = [job(1)]

    def jobs(request: Request) -> Reply:
        return listed() if "update_time" in request.query else listed(*kept)

    with slurmrestd(jobs=jobs) as rest, rest.queue() as queue:
        assert [ids(queue), ids(queue)] == [["1"], ["1"]]
        assert rest.asked == ["GET openapi", *["GET jobs"] * 3]
        kept.clear()
        assert ids(queue) == []


def test_a_submit_is_never_looked_for_in_what_was_kept() -> None:
    with slurmrestd(jobs=listed(job(1, comment="cloudmesh:t"))) as rest, rest.queue() as queue:
        ids(queue)
        assert queue.find("t") is not None
        assert rest.last("GET jobs").query == {}


def test_changes_are_asked_for_since_a_moment_of_the_controllers_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    changes = rest_changes.Changes()
    assert changes.query() == {}
    changes.keep([], {"jobs": []}, 1000.0, 1001.0)
    assert changes.query() == {}  # of no job no time is known
    changes.keep([], {"jobs": [job(1)]}, 1000.0, 1003.0)
    assert changes.query() == {"update_time": str(1795341451 - 2)}
    # twenty seconds after that answer it was at least so much later there, too
    changes.keep([], {"jobs": [job(1)]}, 1023.0, 1024.0)
    assert changes.query() == {"update_time": str(1795341451 + 20 - 2)}
    now[0] = 1023.0 + 301
    assert changes.query() == {}


def test_a_token_that_ran_out_is_not_sent() -> None:
    over = datetime.now(UTC) - timedelta(hours=1)
    token = jwt(sun="albert", exp=int(over.timestamp()))
    with slurmrestd(jobs=listed()) as rest, rest.queue(token=token) as queue:
        with pytest.raises(AuthError, match=rf"{over:%H:%M:%S} UTC.*scontrol token") as caught:
            ids(queue)
        assert rest.asked == []
        assert queue.calls == 0
    assert token not in str(caught.value)


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("22.05", "err-badtoken.500.json"), ("22.05", "err-notoken.401.txt"),
        ("25.11", "err-badtoken.511.json"), ("25.11", "err-notoken.401.txt"),
    ],
)  # fmt: skip
def test_a_token_that_is_refused_says_what_to_do(version: str, name: str) -> None:
    with slurmrestd(jobs=captured(version, name)) as rest:
        with rest.queue() as queue, pytest.raises(AuthError, match="scontrol token"):
            ids(queue)
        with (
            rest.queue(slurm_user="berta") as queue,
            pytest.raises(AuthError, match="token is albert's, and slurm_user is berta"),
        ):
            ids(queue)
        with rest.queue(token=None) as queue, pytest.raises(AuthError, match="no token is set"):
            ids(queue)


def test_a_failure_without_reason_after_a_while_is_no_refused_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rest_client, "_LONG", 0.2)  # 22.05 takes nine seconds
    silent = captured("22.05", "err-badtoken.500.json")
    answer = Reply(status=500, body=silent.body, delay=0.3)
    with (
        slurmrestd(jobs=answer) as rest,
        rest.queue() as queue,
        pytest.raises(UnavailableError, match="controller is down"),
    ):
        ids(queue)


def test_errors_in_an_answer_of_200_are_errors() -> None:
    away = {"error": "Unable to contact slurm controller (connect failure)", "error_number": 1800}
    answer = Reply(body={"errors": [away], "jobs": []})
    with slurmrestd(jobs=answer) as rest, rest.queue() as queue:
        with pytest.raises(UnavailableError, match=r"hpc: GET .*Unable to contact"):
            ids(queue)
        assert rest.asked.count("GET jobs") == 1  # a controller in trouble is not hammered


def test_warnings_are_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    warned = listed(job(1), warnings=[{"description": "disk\nalmost full"}])
    with slurmrestd(jobs=warned) as rest, rest.queue() as queue:
        assert ids(queue) == ["1"]
    (record,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert "slurmrestd warns: disk almost full" in record.getMessage()


def test_too_many_questions_are_asked_again_when_it_is_time() -> None:
    answers = [Reply(status=429, headers={"Retry-After": "1"}), listed(job(1))]
    with slurmrestd(jobs=lambda _: answers.pop(0)) as rest, rest.queue() as queue:
        begun = time.monotonic()
        assert ids(queue) == ["1"]
        assert time.monotonic() - begun >= 1
        assert queue.calls == 3


@pytest.mark.parametrize("broken", [LOST, Reply(body='{"errors": [], "jobs": []}', cut=9)])
def test_an_answer_that_was_cut_is_asked_for_again(broken: Reply) -> None:
    answers = [broken, listed(job(1))]
    with slurmrestd(jobs=lambda _: answers.pop(0)) as rest, rest.queue() as queue:
        assert ids(queue) == ["1"]
    with slurmrestd(jobs=broken) as rest, rest.queue() as queue:
        with pytest.raises(UnavailableError, match="cut"):
            ids(queue)
        assert rest.asked.count("GET jobs") == 3


@pytest.mark.parametrize(
    "body", ["PANIC", b"", b"\xff\xfe", "[]", "null", '{"jobs": 5}', '{"jobs": {}}', '{"errors":']
)
def test_nonsense_is_unavailable(body: Any) -> None:
    with (
        slurmrestd(jobs=Reply(body=body)) as rest,
        rest.queue() as queue,
        pytest.raises(UnavailableError),
    ):
        ids(queue)


@contextmanager
def trickling() -> Iterator[int]:
    """Give a port where an answer comes a byte at a time and has no end."""

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client leaves, then the test
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while True:
                    client.sendall(b" ")
                    time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
    thread.join(5)
    assert not thread.is_alive()


def test_neither_silence_nor_a_trickle_outlasts_the_deadline() -> None:
    with slurmrestd(jobs=Reply(delay=5)) as rest, rest.queue(timeout=0.5) as queue:
        begun = time.monotonic()
        with pytest.raises(BackendTimeoutError):
            ids(queue)
        assert 0.5 <= time.monotonic() - begun < 3
    with trickling() as port:
        settings = SlurmSettings(transport="rest", url=f"http://127.0.0.1:{port}", timeout=0.5)
        begun = time.monotonic()
        with SlurmQueue("hpc", settings) as queue, pytest.raises(BackendTimeoutError):
            ids(queue)
        assert 0.5 <= time.monotonic() - begun < 3


@pytest.mark.parametrize("act", ["cancel", "hold", "release"])
def test_another_users_job_is_left_alone_with_nothing_sent(act: str) -> None:
    with slurmrestd() as rest:
        rest.answers["GET job/7"] = listed(job(7, user="berta"))
        with (
            rest.queue() as queue,
            pytest.raises(AuthError, match=r"job 7 is berta's and cannot be \w+ by albert"),
        ):
            getattr(queue, act)(WAITS)
        assert {words.split()[0] for words in rest.asked} == {"GET"}
        rest.answers["DELETE job/7"] = rest.answers["POST job/7"] = Reply(body={"errors": []})
        with rest.queue(slurm_user="root") as queue:
            getattr(queue, act)(WAITS)
        assert rest.asked[-1].split()[0] in ("DELETE", "POST")


@pytest.mark.parametrize(
    ("openapi", "version", "name"),
    [
        (described(38), "22.05", "delete-unknown.500.json"),
        (NEWER, "25.11", "delete-unknown.json"), (NEWER, "25.11", "delete-again.json"),
    ],
)  # fmt: skip
def test_a_job_that_is_gone_is_cancelled_already(openapi: Reply, version: str, name: str) -> None:
    with slurmrestd(openapi=openapi) as rest, rest.queue() as queue:
        rest.answers["GET job/7"] = captured("22.05", "err-job-unknown.500.json")
        queue.cancel(WAITS)
        assert "DELETE job/7" not in rest.asked
        rest.answers["GET job/7"] = listed(job(7))
        rest.answers["DELETE job/7"] = captured(version, name)
        queue.cancel(WAITS)
        assert rest.asked[-1] == "DELETE job/7"


@pytest.mark.parametrize(
    ("version", "name"),
    [("22.05", "delete-notowner.500.json"), ("25.11", "delete-notowner.500.json")],
)
def test_a_cancel_that_is_not_permitted_says_so(version: str, name: str) -> None:
    with slurmrestd() as rest, rest.queue() as queue:
        rest.answers["GET job/7"] = listed(job(7))
        rest.answers["DELETE job/7"] = captured(version, name)
        with pytest.raises(AuthError) as caught:
            queue.cancel(WAITS)
        assert "scontrol token" not in str(caught.value)


def test_one_of_an_array_is_meant_by_its_index() -> None:
    parts = [
        job(7, array_job_id=7, array_task_id=None, array_task_string="2-9%2"),
        job(8, array_job_id=7, array_task_id=1),
    ]
    with slurmrestd(openapi=NEWER) as rest, rest.queue() as queue:
        rest.answers["GET job/7"] = listed(*parts)
        for words in ("DELETE job/7_3", "POST job/8", "POST job/7"):
            rest.answers[words] = Reply(body={"errors": [], "results": None})
        found = queue.job("7_3")
        assert (found.index, found.count, found.indices) == (3, 1, "")
        queue.cancel(found)
        queue.release(queue.job("7_1"))
        assert rest.asked[-1] == "POST job/8"
        queue.release(queue.job("7"))
        assert rest.last("POST job/7").json == {"hold": False}
        with pytest.raises(UnsupportedError, match="cannot hold or release 7_3 alone"):
            queue.release(found)
        with pytest.raises(NotFoundError):
            queue.job("7_1000")


def request(**more: Any) -> JobRequest:
    return JobRequest(
        **{"name": "one", "token": "t1", "command": ("true",), "workdir": "/w"} | more
    )


@pytest.mark.parametrize(
    ("version", "name", "error"),
    [
        ("22.05", "submit-badpart.500.json", InvalidRequestError),
        ("22.05", "submit-noenv.400.json", InvalidRequestError),
        ("25.11", "submit-badpart.500.json", InvalidRequestError),
        ("25.11", "submit-noenv.500.json", InvalidRequestError),
        ("22.05", "err-badtoken.500.json", AuthError),
    ],
)
def test_a_submit_that_was_refused_is_not_looked_for(
    version: str, name: str, error: type[BackendError]
) -> None:
    with slurmrestd() as rest, rest.queue() as queue:
        rest.answers["POST job/submit"] = captured(version, name)
        with pytest.raises(error, match=r"^hpc: POST [^\n]+$"):
            queue.submit(request())
        assert rest.asked == ["GET openapi", "POST job/submit"]


@pytest.mark.parametrize(
    ("openapi", "version", "name", "number"),
    [
        (described(38), "22.05", "submit-envobj.json", 31),
        (NEWER, "25.11", "submit-envlist.json", 33),
        (NEWER, "25.11", "submit-array.json", 36),
    ],
)
def test_a_submit_gives_the_job_as_it_is(
    openapi: Reply, version: str, name: str, number: int
) -> None:
    with slurmrestd(openapi=openapi) as rest, rest.queue() as queue:
        rest.answers["POST job/submit"] = captured(version, name)
        rest.answers[f"GET job/{number}"] = listed(job(number))
        assert queue.submit(request()).id == str(number)
        assert rest.last("POST job/submit").json["job"]["comment"] == "cloudmesh:t1"


def test_a_controller_that_is_full_took_nothing() -> None:
    full = {"error_code": 11, "error": "Resource temporarily unavailable"}  # 22.05, MaxJobCount
    with slurmrestd() as rest, rest.queue() as queue:
        rest.answers["POST job/submit"] = Reply(status=500, body={"errors": [full]})
        with pytest.raises(QuotaError):
            queue.submit(request())
        assert rest.asked == ["GET openapi", "POST job/submit"]


def test_a_job_that_was_submitted_held_is_no_error() -> None:
    said = {"error_code": 2042, "error": "Job is in held state, pending scheduler release"}
    with slurmrestd() as rest, rest.queue() as queue:
        rest.answers["POST job/submit"] = Reply(body={"errors": [said], "job_id": 7})
        rest.answers["GET job/7"] = listed(job(7, state_reason="JobHeldUser"))
        assert queue.submit(request(held=True)).state is JobState.HELD


@pytest.mark.parametrize("lost", [LOST, Reply(body={"errors": [], "job_id": 7}, cut=5)])
def test_a_job_whose_answer_was_lost_is_found_and_not_sent_again(lost: Reply) -> None:
    made: list[dict[str, Any]] = []

    def submit(asked: Request) -> Reply:
        made.append(job(7, comment=asked.json["job"]["comment"]))
        return lost

    with slurmrestd(jobs=lambda _: listed(*made)) as rest, rest.queue() as queue:
        rest.answers["POST job/submit"] = submit
        rest.answers["GET job/7"] = lambda _: listed(*made)
        assert queue.submit(request()).id == "7"
        assert queue.submit(request()).id == "7"
    assert rest.asked.count("POST job/submit") == 1


def test_a_submit_in_doubt_is_not_sent_again_soon() -> None:
    with slurmrestd(jobs=listed()) as rest, rest.queue(timeout=2) as queue:
        rest.answers["POST job/submit"] = LOST
        for _ in range(2):
            with pytest.raises((UnavailableError, BackendTimeoutError)):
                queue.submit(request())
    assert rest.asked.count("POST job/submit") == 1


def test_what_is_no_text_is_refused_before_it_is_asked() -> None:
    with slurmrestd() as rest, rest.queue() as queue:
        with pytest.raises(InvalidRequestError, match="texts in UTF-8 alone"):
            queue.submit(request(environment={"NAME": "caf\udce9"}))
        assert "POST job/submit" not in rest.asked


def test_a_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = SlurmSettings(transport="rest", socket=str(tmp_path / "none"))
    with pytest.raises(UnavailableError, match=f"reached: {tmp_path}/none: No such file"):
        SlurmQueue("hpc", settings).check()


def test_what_slurmrestd_cannot_do_is_refused_before_it_is_asked() -> None:
    with slurmrestd() as rest, rest.queue() as queue:
        with pytest.raises(UnsupportedError, match="--switches of sbatch"):
            queue.submit(request(options=("--switches=2",)))
        assert "POST job/submit" not in rest.asked


def test_output_is_not_read_where_it_is_not(tmp_path: Path) -> None:
    away = SlurmQueue("hpc", SlurmSettings(transport="rest", url="http://login.example.org:6820"))
    with away as queue, pytest.raises(UnsupportedError, match="set a host"):
        queue.output(WAITS)
    (tmp_path / "out").write_text("hello\n")
    with slurmrestd() as rest, rest.queue() as queue:
        rest.answers["GET job/7"] = listed(job(7, standard_output=str(tmp_path / "out")))
        assert queue.output(WAITS) == "hello\n"


@pytest.mark.parametrize(("openapi", "version"), [(described(38), "22.05"), (NEWER, "25.11")])
def test_check_tells_version_identity_and_skew(openapi: Reply, version: str) -> None:
    answers = {name: captured(version, f"{name}.json") for name in ("ping", "diag")}
    with slurmrestd(openapi=openapi, **answers) as rest, rest.queue() as queue:
        health = queue.check()
        assert health.version.startswith(version)
        assert health.identity == f"albert at {rest.server.url}"
        told = answers["diag"].body.partition(b'"req_time":')[2]
        moment = int(b"".join(told[:60].partition(b"17")[1:])[:10])
        assert health.skew == pytest.approx(time.time() - moment, abs=2)


def test_a_controller_that_is_down_is_unavailable() -> None:
    down = Reply(body={"errors": [], "pings": [{"hostname": "vm", "ping": "DOWN", "status": -1}]})
    with (
        slurmrestd(ping=down) as rest,
        rest.queue() as queue,
        pytest.raises(UnavailableError, match="does not reach Slurm's controller"),
    ):
        queue.check()


def test_history_is_asked_as_each_family_wants_it() -> None:
    since = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    nothing = {"error": "Nothing found with query", "error_number": 9003}
    answer = Reply(status=200, body={"errors": [nothing], "jobs": []})
    with slurmrestd(jobs=answer) as rest, rest.queue() as queue:
        assert list(queue.history(user="albert", since=since)) == []
        asked = rest.last("GET jobs")
        assert asked.path == "/slurmdb/v0.0.38/jobs"
        assert asked.query["start_time"] == f"uts{int(since.timestamp())}"
        assert "users" not in asked.query
        list(queue.history(ids=["5", "7_1"]))
        assert rest.last("GET jobs").query == {"skip_steps": "true", "step": "5,7_1"}
    with slurmrestd(openapi=NEWER, jobs=listed()) as rest, rest.queue() as queue:
        list(queue.history(user="albert", since=since))
        asked = rest.last("GET jobs")
        assert asked.query["start_time"] == str(int(since.timestamp()))
        assert asked.query["users"] == "albert"


def test_without_accounting_only_what_is_remembered_is_told() -> None:
    done = job(1, job_state="COMPLETED", end_time=1795341460, exit_code=0)
    bare = described(38, accounting=False)
    with slurmrestd(openapi=bare, jobs=listed(done, job(2))) as rest, rest.queue() as queue:
        assert [each.id for each in queue.history(ids=["1", "2"])] == ["1"]
        with pytest.raises(UnsupportedError, match="does not speak of accounting"):
            list(queue.history(user="albert"))


@pytest.mark.parametrize(("number", "kind"), [(38, dict), (39, list), (40, list)])
def test_what_is_sent_is_of_the_versions_family(number: int, kind: type) -> None:
    with slurmrestd(openapi=described(number)) as rest, rest.queue() as queue:
        rest.answers["POST job/submit"] = Reply(body={"errors": [], "job_id": 7})
        rest.answers["GET job/7"] = listed(job(7))
        queue.submit(request())
        assert isinstance(rest.last("POST job/submit").json["job"]["environment"], kind)
