"""What commands of a real PBS said when they failed."""

from pathlib import Path

import pytest

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.queues.batch import Done
from cloudmesh_sdk.queues.pbs.refusals import over, refusal

HEAD = Path(__file__).parent / "captures" / "head-2026-04"

SAID: dict[str, type[BackendError]] = {
    "err-qdel-garbage": NotFoundError,
    "err-qdel-notowner": AuthError,
    "err-qhold-notowner": AuthError,
    "err-qhold-unknown": NotFoundError,
    "err-qrls-unknown": NotFoundError,
    "err-qdel-unknown": NotFoundError,
    "err-qdel-two": NotFoundError,
    "err-qdel-finished": ConflictError,
    "err-qstat-badqueue.json": InvalidRequestError,
    "err-qstat-down": UnavailableError,
    "err-qstat-server": UnavailableError,
    "err-qstat-unknown": NotFoundError,
    "err-qstat-unknown.json": NotFoundError,
    "err-qstat-mixed.json": NotFoundError,
    "err-qstat-badfmt": InvalidRequestError,
    "qstat-json-nof.json": InvalidRequestError,
    "qstat-finished-nox.json": ConflictError,
    "err-qsub-badarray": InvalidRequestError,
    "err-qsub-badname": InvalidRequestError,
    "err-qsub-badopt": InvalidRequestError,
    "err-qsub-badqueue": InvalidRequestError,
    "err-qsub-badres": InvalidRequestError,
    "err-qsub-badwalltime": InvalidRequestError,
    "err-qsub-closedqueue": ConflictError,
    "err-qsub-longname": InvalidRequestError,
    "err-qsub-nofile": InvalidRequestError,
    "err-qsub-overwalltime": QuotaError,
}
"""Every capture with an exit status, and what we raise."""


def captured(name: str) -> Done:
    """Return a command that ended as it did then."""
    err, code = HEAD / f"{name}.err", HEAD / f"{name}.rc"
    command = next(word for word in ("qdel", "qhold", "qrls", "qstat", "qsub") if word in name)
    return Done(
        argv=(f"/opt/pbs/bin/{command}",),
        status=int(code.read_text()) if code.exists() else 0,
        out=(HEAD / name).read_bytes(),
        err=err.read_bytes() if err.exists() else b"",
    )


def test_every_capture_that_failed_is_here() -> None:
    failed = {path.name.removesuffix(".rc") for path in HEAD.glob("*.rc")}
    assert failed == set(SAID)


@pytest.mark.parametrize("name", SAID)
def test_each_failure_has_its_error(name: str) -> None:
    error = refusal("hpc", captured(name))
    assert type(error) is SAID[name]
    assert "\n" not in str(error)
    assert "usage" not in str(error)
    assert str(error).startswith("hpc: q")


@pytest.mark.parametrize("path", sorted(HEAD.glob("*.suberr")), ids=lambda path: path.stem)
def test_what_qsub_refuses_is_said_in_one_line(path: Path) -> None:
    error = refusal("hpc", Done(argv=("qsub",), status=2, out=b"", err=path.read_bytes()))
    assert isinstance(error, InvalidRequestError)
    first = path.read_text().split("\n")[0].removeprefix("qsub: ")
    assert str(error) == f"hpc: qsub: {first}"


def test_an_error_names_what_and_why() -> None:
    assert str(refusal("hpc", captured("err-qsub-badres"))) == (
        "hpc: qsub: Unknown resource Resource_List.nosuch"
    )
    assert str(refusal("hpc", captured("err-qstat-down"))) == (
        "hpc: qstat: Connection refused; cannot connect to server 10.99.0.4 (errno=15010)"
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [(153, NotFoundError), (159, AuthError), (170, InvalidRequestError), (173, ConflictError),
     (187, InvalidRequestError), (166, InvalidRequestError), (188, QuotaError),
     (35, ConflictError), (36, UnsupportedError), (255, UnavailableError),
     (2, InvalidRequestError), (139, UnavailableError)],
)  # fmt: skip
def test_a_status_alone_says_enough(status: int, kind: type[BackendError]) -> None:
    done = Done(argv=("qstat",), status=status, out=b"", err=b"")
    error = refusal("hpc", done)
    assert type(error) is kind
    assert str(error) == f"hpc: qstat: it ended with status {status} and said nothing"


def test_a_job_that_is_over_or_gone_is_cancelled_already() -> None:
    for name in ("err-qdel-finished", "err-qdel-unknown", "err-qrls-notheld", "ok-qrls"):
        assert over(captured(name))
    for name in ("err-qdel-notowner", "err-qdel-garbage", "err-qhold-notowner"):
        assert not over(captured(name))


def test_what_pbs_lets_pass_has_no_status() -> None:
    """Qhold of a running job, qrls of one that is not held, and an unknown job to wait for."""
    for name in ("ok-qhold-running", "ok-qrls", "err-qrls-notheld", "err-qsub-baddep"):
        assert captured(name).status == 0
