"""Stands in for pyslurm 25.11.2, which cannot be built for the Slurm that the tests have (22.05).

It has the names, attributes and errors that its documentation gives; it shows that they are used
as documented, not what a real one does. `controller` is what a test fills and looks at.
"""

from types import SimpleNamespace
from typing import Any

__version__ = "25.11.2"

NOTHING = dict.fromkeys((
    "account", "state_reason", "priority", "num_nodes", "ntasks", "cpus", "time_limit",
    "allocated_nodes", "array_id", "array_task_id", "array_tasks_waiting", "array_tasks_parallel",
    "heterogeneous_id", "submit_time", "start_time", "end_time", "comment", "working_directory",
    "standard_output", "standard_error", "memory", "exit_code", "exit_code_signal", "dependencies",
))  # fmt: skip
"""What pyslurm says of what is not there."""


class RPCError(Exception):
    def __init__(self, errno: int, msg: str) -> None:
        self.errno, self.msg = errno, msg
        super().__init__(msg)


class Controller:
    """The jobs there are, what was done to them, and an error that all questions meet."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.partitions: list[Any] = []
        self.nodes: list[Any] = []
        self.acts: list[tuple[str, Any]] = []
        self.submitted: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def ask(self) -> None:
        if self.error is not None:
            raise self.error


controller = Controller()


class Job:
    def __init__(self, job_id: int = 0, **told: Any) -> None:
        self.id = job_id
        self.__dict__ |= {
            **NOTHING, "name": "job", "state": "RUNNING", "partition": "india", "user_id": 1000,
            "user_name": "albert", "heterogeneous_offset": 0, "is_batch_job": True, "gpus": {},
            **told,
        }  # fmt: skip

    @staticmethod
    def load(job_id: int) -> "Job":
        controller.ask()
        for job in controller.jobs:
            if job_id in (job.id, job.__dict__["array_id"]):
                return job
        raise RPCError(2017, "Invalid job id specified")

    def cancel(self) -> None:
        controller.ask()
        controller.acts.append(("cancel", self.id))

    def hold(self, mode: str | None = None) -> None:
        controller.acts.append(("hold", self.id))

    def release(self) -> None:
        controller.acts.append(("release", self.id))


class LatinJob(Job):
    """One whose name is no UTF-8: reading it raises, as pyslurm's does."""

    @property
    def comment(self) -> str:
        return b"caf\xe9 cloudmesh:abc".decode()

    @comment.setter
    def comment(self, value: Any) -> None:
        pass


class _Loaded:
    kind = ""

    @classmethod
    def load(cls) -> dict[Any, Any]:
        controller.ask()
        return {id(each): each for each in getattr(controller, cls.kind)}


class Jobs(_Loaded):
    kind = "jobs"


class Partitions(_Loaded):
    kind = "partitions"


class Nodes(_Loaded):
    kind = "nodes"


class JobSubmitDescription:
    def __init__(self, **asked: Any) -> None:
        self._asked = asked

    def submit(self) -> int:
        controller.submitted.append(self._asked)
        number = 100 + len(controller.submitted)
        held = self._asked.get("priority") == 0
        controller.jobs.append(
            Job(
                number, name=self._asked["name"], comment=self._asked["comment"], state="PENDING",
                state_reason="JobHeldUser" if held else "Priority",
            )
        )  # fmt: skip
        controller.ask()  # an answer that is lost
        return number


slurmctld = SimpleNamespace(
    ping_all=lambda: [
        SimpleNamespace(hostname="head", is_responding=controller.error is None, index=0)
    ]
)
