"""Many starts at a cloud that fails at random, before and after it did what was asked."""

import random
import threading
from collections import Counter

import pytest

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import BackendTimeoutError, ThrottledError, UnavailableError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState, Server, ServerRequest
from cloudmesh_sdk.operations.bucket import Bucket

STARTS = 150
ERRORS = (ThrottledError, ThrottledError, UnavailableError, BackendTimeoutError)


class Storm:
    """A cloud's start that fails at random; counts what it was asked to do and did."""

    def __init__(self, mesh: Mesh, seed: int) -> None:
        self._cloud = mesh.clouds["india"]
        self._real = self._cloud.start
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self.made = Counter[str]()
        self.sent = Counter[str]()

    def start(self, request: ServerRequest) -> Server:
        """Do it or not, tell or not."""
        with self._lock:
            fate, error = self._dice.random(), self._dice.choice(ERRORS)
            self.sent[request.token] += 1
        if fate < 0.3:
            raise error("not done")
        with self._lock:
            self.made[request.token] += 1  # before the driver could tell that it did it already
        made = self._real(request)
        if fate < 0.5:
            raise error("done, but not told")
        return made


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_cloud_says_nothing_is_made_twice_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("cloudmesh_sdk.retrying.random.uniform", lambda *_: 0.0)
    monkeypatch.setattr(Bucket, "throttled", lambda *_: None)  # slower would not help here
    text = "clouds: {india: {driver: memory, limits: {attempts: 4}}}"
    with Mesh.open("memory", config=Config.parse(text)) as mesh:
        mesh.servers()
        storm, cloud = Storm(mesh, seed), mesh.clouds["india"]
        monkeypatch.setattr(cloud, "start", storm.start)
        mesh.start(name=f"w-[001-{STARTS}]")
        operations = mesh.operations(limit=None)
        by_state = Counter(operation.state for operation in operations)
        there = {server.token for server in cloud.servers()}
    assert set(storm.made.values()) == {1}, "none is sent again that was done"
    assert {o.token: o.attempts for o in operations} == storm.sent
    assert {o.token for o in operations if o.state is OperationState.DONE} == there
    assert by_state.total() == STARTS
    assert by_state[OperationState.DONE] > STARTS * 0.7, "it is worth the while"
    unknown = [o for o in operations if o.state is OperationState.UNKNOWN]
    assert {o.error.kind for o in unknown if o.error} <= {"BackendTimeoutError"}
