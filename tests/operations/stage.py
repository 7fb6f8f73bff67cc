"""One act, played with a driver that misbehaves as told."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.operations.cases import CASES, Case, Scene, of_server

from cloudmesh_sdk.errors import BackendError
from cloudmesh_sdk.limits import Limits
from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.operations import Runner, Task
from cloudmesh_sdk.operations.runner import intent

METHODS = {"upload": "upload_key", "forget": "delete_key"}
"""Methods of the driver that are not called like the act."""


def case_of(act: str) -> Case:
    """Return an act's case; blind ones have a server to act on, and an image to give it."""
    return CASES.get(act) or Case(
        "web",
        lambda scene: {**of_server(scene), "image": scene.server.image},
        lambda *_: None,
        lambda *_: True,
    )


class Stage:
    """One act of a scene, whose driver misbehaves as told; counts how often it was sent."""

    def __init__(self, scene: Scene, act: str, **limits: Any) -> None:
        self.scene = scene
        self.case = case_of(act)
        self.case.before(scene)
        request = self.case.request(scene)
        self.operation = intent(scene.mesh.user, act, "india", self.case.target, request)
        given = Limits(rate=1000, **limits)
        self.runner = Runner(scene.mesh.store, scene.mesh.clouds.use, limits=lambda _: given)
        self.real = getattr(scene.cloud, METHODS.get(act, act))
        self.sent: list[Operation] = []
        """The operation as it was in the journal each time it was sent."""

    def play(self, monkeypatch: pytest.MonkeyPatch, *behaviour: Callable[..., Any]) -> Operation:
        """Run it; the driver behaves as told call by call, then as it is. Returns what came."""

        def sent(*args: Any) -> Any:
            self.sent.append(self.now())
            number = len(self.sent)
            return (behaviour[number - 1] if number <= len(behaviour) else self.real)(*args)

        method = METHODS.get(self.operation.act, self.operation.act)
        monkeypatch.setattr(self.scene.cloud, method, sent)
        self.answer = self.runner.run([Task(operation=self.operation)])[0]
        return self.now()

    def now(self) -> Operation:
        return self.scene.mesh.operation(self.operation.id)

    def fails(self, error: BackendError) -> Callable[..., Any]:
        """Return what raises an error and does nothing."""

        def failing(*_: Any) -> Any:
            raise error

        return failing

    def lies(self, error: BackendError) -> Callable[..., Any]:
        """Return what does it, and raises an error nevertheless."""

        def lying(*args: Any) -> Any:
            self.real(*args)
            raise error

        return lying
