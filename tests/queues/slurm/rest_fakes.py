"""An HTTP endpoint that answers as slurmrestd did, for what a real one of 22.05 cannot show."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from cloudmesh_sdk.queues.slurm import SlurmQueue, SlurmSettings
from cloudmesh_sdk.testing import Loopback, Reply, Request

CAPTURES = Path(__file__).parent / "captures"
Answer = Reply | Callable[[Request], Reply]
OLD, NEW = "v0.0.38", "v0.0.44"


def captured(version: str, name: str) -> Reply:
    """Return an answer that was captured; its status is in its name."""
    words = name.split(".")
    status = int(words[1]) if words[1].isdecimal() else 200
    return Reply(status=status, body=(CAPTURES / f"rest-{version}" / name).read_bytes())


def listed(*jobs: Mapping[str, Any], **more: Any) -> Reply:
    """Return a list of jobs."""
    return Reply(body={"errors": [], "warnings": [], "jobs": list(jobs), **more})


def job(id: int, *, user: str = "albert", **more: Any) -> dict[str, Any]:  # noqa: A002
    """Return a job in flat words."""
    return {
        "job_id": id, "job_state": "PENDING", "user_name": user, "partition": "india",
        "name": "one", "submit_time": 1795341451, **more,
    }  # fmt: skip


def described(*versions: int, accounting: bool = True) -> Reply:
    """Return slurmrestd's description of itself."""
    paths = [f"/slurm/v0.0.{number}/jobs" for number in versions]
    paths += [f"/slurmdb/v0.0.{number}/jobs" for number in versions if accounting]
    return Reply(body={"openapi": "3.0.3", "paths": {path: {} for path in paths}})


def jwt(**claims: Any) -> str:
    """Return a token that says something of itself."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(p).decode().rstrip("=") for p in parts), "sig"])


@attrs.define
class Slurmrestd:
    """Answers by method and path; `GET jobs` stands for those of every version."""

    server: Loopback
    answers: dict[str, Answer]

    @property
    def asked(self) -> list[str]:
        """What was asked so far: method and path, without the version's part."""
        return [_short(request) for request in self.server.requests]

    def last(self, what: str) -> Request:
        """Return the last request of a kind."""
        return [request for request in self.server.requests if _short(request) == what][-1]

    def queue(self, **chosen: Any) -> SlurmQueue:
        """Return a queue that asks here."""
        settings = {"slurm_user": "albert", "token": jwt(sun="albert"), **chosen}
        return SlurmQueue("hpc", SlurmSettings(transport="rest", url=self.server.url, **settings))


def _short(request: Request) -> str:
    words = request.path.split("/")
    return f"{request.method} {'/'.join(words[3:])}" if words[2:3] != ["v3"] else "GET openapi"


@contextmanager
def slurmrestd(**answers: Answer) -> Iterator[Slurmrestd]:
    """Give an endpoint of 22.05, or of what is said as `openapi`; all else is added later."""
    known: dict[str, Answer] = {"GET openapi": answers.pop("openapi", described(37, 38))}
    known |= {f"GET {name}": answer for name, answer in answers.items()}

    def answer(request: Request) -> Reply:
        found = known.get(_short(request))
        if found is None:
            return captured("22.05", "err-path.404.txt")
        return found(request) if callable(found) else found

    with Loopback(answer) as server:
        yield Slurmrestd(server, known)
