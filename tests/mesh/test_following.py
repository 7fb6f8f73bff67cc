"""Who asks for it is shown how far acts and waits are; nobody else is."""

import threading
from collections.abc import Callable
from itertools import pairwise

import pytest
from tests.mesh.conftest import Make

from cloudmesh_sdk.errors import StoreError
from cloudmesh_sdk.mesh import Mesh, following
from cloudmesh_sdk.models import Server, ServerRequest
from cloudmesh_sdk.progress import Progress

ONE_AT_A_TIME = "clouds: {india: {driver: memory, limits: {parallel: 1}}}"


class Screen:
    """Keeps what is shown, and lets a test wait for it."""

    def __init__(self) -> None:
        self.times: list[list[Progress]] = []
        self._news = threading.Condition()

    def __call__(self) -> Callable[[Progress], None]:
        self.times.append([])

        def shown(progress: Progress) -> None:
            with self._news:
                self.times[-1].append(progress)
                self._news.notify_all()

        return shown

    def wait(self, text: str) -> None:
        """Wait until a line says this."""
        with self._news:
            assert self._news.wait_for(lambda: self._says(text), 30), self.times

    def _says(self, text: str) -> bool:
        return any(line.said == text for p in self.times[-1:] for now in p for line in now.lines)


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def mesh(make: Make, monkeypatch: pytest.MonkeyPatch) -> Mesh:
    monkeypatch.setattr(following, "AFTER", 0.0)
    monkeypatch.setattr(following, "_EVERY", 0.01)
    return make(ONE_AT_A_TIME)


def held(mesh: Mesh, monkeypatch: pytest.MonkeyPatch, until: Callable[[], object]) -> None:
    """Let a cloud wait for something before it starts the server `last`."""
    real = mesh.clouds["india"].start

    def start(request: ServerRequest) -> Server:
        if request.name == "last":
            until()
        return real(request)

    monkeypatch.setattr(mesh.clouds["india"], "start", start)


def test_an_act_shows_how_far_it_is_and_what_came_of_it(
    mesh: Mesh, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(mesh, monkeypatch, lambda: screen.wait("2/3"))
    mesh.follow(screen)
    assert len(mesh.start(name=["a", "b", "last"]).complete()) == 3
    (shown,) = screen.times
    assert [line.said for line in shown[-1].lines] == ["3/3"]
    assert shown[-1].is_over
    assert all(before != after for before, after in pairwise(shown))


def test_a_wait_shows_what_others_do(
    mesh: Mesh, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(mesh, monkeypatch, lambda: screen.wait("1/2"))
    mesh.follow(screen)
    asked = mesh.later.start(name=["a", "last"])
    mesh.wait_operations(asked, timeout=60).complete()
    assert str(screen.times[-1][-1]).startswith("start at india  2/2 in ")


def test_where_nobody_asked_or_it_is_over_at_once_nothing_is_shown(
    mesh: Mesh,
    screen: Screen,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    mesh.start(name="unasked").complete()
    monkeypatch.setattr(following, "AFTER", 3600.0)
    mesh.follow(screen)
    mesh.start(name="quick").complete()
    mesh.follow(None)
    mesh.start(name="unasked-again").complete()
    assert screen.times == []
    assert capfd.readouterr() == ("", "")


def test_what_goes_wrong_while_it_is_shown_is_logged_and_stops_no_act(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = threading.Event()

    def broken(progress: Progress) -> None:
        tried.set()
        raise ValueError("no paper")

    held(mesh, monkeypatch, lambda: tried.wait(30))
    mesh.follow(lambda: broken)
    assert mesh.start(name="last").one().name == "last"
    assert [r.getMessage() for r in caplog.records] == [
        "how far operations are could not be shown: ValueError('no paper')"
    ]


def test_a_store_that_is_away_for_a_moment_is_asked_again(
    mesh: Mesh, screen: Screen, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    held(mesh, monkeypatch, lambda: screen.wait("0/1"))
    find, times = mesh.store.journal.find, iter([True])

    def away(**asked: object) -> object:
        if next(times, False):
            raise StoreError("away")
        return find(**asked)  # type: ignore[arg-type]

    monkeypatch.setattr(mesh.store.journal, "find", away)
    mesh.follow(screen)
    mesh.start(name="last").complete()
    assert "how far operations are is not shown: away" in caplog.text
    assert screen.times[-1][-1].is_over


def test_an_act_that_fails_shows_that_and_raises_its_error(
    mesh: Mesh, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        screen.wait("1/2")
        raise ValueError("a driver's own fault")

    held(mesh, monkeypatch, refuse)
    mesh.follow(screen)
    found = mesh.start(name=["a", "last"])
    assert set(found.errors) == {"last"}
    assert screen.times[-1][-1].lines[0].said == "1/2, 1 failed"
