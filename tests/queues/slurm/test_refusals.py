"""What Slurm's commands said when they failed (22.05, 25.11), and what it means."""

import pytest

from cloudmesh_sdk.errors import (
    AuthError,
    BackendError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from cloudmesh_sdk.queues.batch import Done
from cloudmesh_sdk.queues.slurm.refusals import failed, refusal

FAILED = "sbatch: error: Batch job submission failed: "
SQUEUE = "slurm_load_jobs error: "
SAID: list[tuple[str, int, str, type[BackendError]]] = [
    ("squeue", 1, f"{SQUEUE}Unable to contact slurm controller (connect failure)",
     UnavailableError),
    ("squeue", 1, f"{SQUEUE}Socket timed out on send/recv operation", UnavailableError),
    ("squeue", 1, f"{SQUEUE}Zero Bytes were transmitted or received", UnavailableError),
    ("squeue", 1, f"{SQUEUE}Invalid job id specified", NotFoundError),
    ("squeue", 1, f"{SQUEUE}Protocol authentication error", AuthError),
    ("squeue", 1, f"{SQUEUE}RPC rate limit exceeded", ThrottledError),
    ("squeue", 0, "squeue: error: Invalid user: nosuch", InvalidRequestError),
    ("squeue", 139, "", UnavailableError),
    ("/bin/sh", 1, f"{FAILED}Invalid partition name specified", InvalidRequestError),
    ("/bin/sh", 1, f"{FAILED}Invalid account or account/partition combination specified",
     InvalidRequestError),
    ("/bin/sh", 1, f"{FAILED}Invalid qos specification", InvalidRequestError),
    ("/bin/sh", 1, f"{FAILED}Job dependency problem", InvalidRequestError),
    ("/bin/sh", 255, "sbatch: unrecognized option '--nosuch'", InvalidRequestError),
    ("/bin/sh", 255, "sbatch: error: Invalid --time specification", InvalidRequestError),
    ("/bin/sh", 1, f"{FAILED}Requested time limit is invalid (missing or exceeds some limit)",
     QuotaError),
    ("/bin/sh", 1, f"{FAILED}Node count specification invalid", QuotaError),
    ("/bin/sh", 1, f"{FAILED}Invalid job array specification", QuotaError),
    ("/bin/sh", 1, f"{FAILED}Job violates accounting/QOS policy (job submit limit, ...)",
     QuotaError),
    ("/bin/sh", 1, "sbatch: error: Memory specification can not be satisfied", QuotaError),
    ("/bin/sh", 1, f"{FAILED}Requested node configuration is not available", QuotaError),
    ("/bin/sh", 1, "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
     QuotaError),
    ("/bin/sh", 1, f"{FAILED}User's group not permitted to use this partition", AuthError),
    ("/bin/sh", 127, "/bin/sh: 1: exec: sbatch: not found", UnsupportedError),
    ("scancel", 210, "scancel: error: Kill job error on job id 10: Access/permission denied",
     AuthError),
    ("scontrol", 1, "Invalid user id for job 7\nslurm_suspend error: Invalid user id", AuthError),
    ("sacct", 1, "Slurm accounting storage is disabled", UnsupportedError),
]  # fmt: skip
"""Command (`/bin/sh` runs sbatch), exit status, standard error, what we raise."""


@pytest.mark.parametrize(("command", "status", "err", "kind"), SAID)
def test_each_failure_has_its_error(
    command: str, status: int, err: str, kind: type[BackendError]
) -> None:
    done = Done(argv=(command,), status=status, out=b"", err=err.encode() + b"\n")
    assert failed(done)
    error = refusal("hpc", done)
    assert type(error) is kind
    assert "\n" not in str(error)
    assert str(error).startswith("hpc: ")


def test_an_error_is_one_clear_line() -> None:
    text = b"sbatch: error: invalid partition specified: nosuch\nsbatch: error: Batch job failed\n"
    done = Done(argv=("/bin/sh",), status=1, out=b"", err=text)
    assert str(refusal("hpc", done)) == (
        "hpc: sbatch: invalid partition specified: nosuch; Batch job failed"
    )


def test_an_answer_with_a_warning_is_an_answer() -> None:
    done = Done(argv=("squeue",), status=0, out=b"jobs", err=b"squeue: error: noise\n")
    assert not failed(done)
    assert not failed(Done(argv=("squeue",), status=0, out=b"", err=b"Welcome to india\n"))
