"""Runs one service, and again when it ends by itself: `… services.supervisor DIRECTORY`.

It detaches itself, and returns when its pid file is written. It is small on purpose: neither
the mesh nor a database driver is imported. A service ends when its supervisor is killed.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import attrs

from cloudmesh_sdk.services import kin
from cloudmesh_sdk.services.logs import Log
from cloudmesh_sdk.services.places import Place
from cloudmesh_sdk.services.records import MARK, Known, Life, Program, State
from cloudmesh_sdk.store.mongo.places import read_json, write_private

_PATIENCE = 10.0
"""Seconds that the lock of a predecessor may take to be free."""
_BRIEF = 3.0
"""Seconds that what a dead service leaves has to end."""
_CHUNK = 65536
_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that comes when the parent dies."""


class Supervisor:
    """Keeps one program running until it is told to stop, or gives up."""

    def __init__(self, where: Place, program: Program) -> None:
        self._where, self._program = where, program
        self._log = Log(where.log, size=program.log_size, count=program.log_count)
        self._told = False
        self._waker, self._wake = socket.socketpair()
        self._known = Known(supervisor=kin.myself(), state=State.STOPPED, config=program.config)

    def listen(self) -> None:
        """Hear signals from now on, and say who we are."""
        for end in (self._waker, self._wake):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._tell(state=State.RUNNING)

    def run(self) -> None:
        """Run the program, again and again."""
        bad = 0
        while not self._told:
            began = time.monotonic()
            code = self._live()
            if self._told:
                break
            good = time.monotonic() - began >= self._program.pace.steady
            bad = 1 if good else bad + 1
            pause = self._program.pace.pause(bad)
            if pause is None:
                self._log.say(f"{_how(code)}, the {bad}th time in a row: given up")
                self._tell(state=State.CRASHED, child=None, code=code)
                return
            self._log.say(f"{_how(code)}; it is started again in {pause:g} s")
            self._tell(state=State.BACKING_OFF, child=None, code=code)
            self._wait(pause)
            self._known = attrs.evolve(self._known, restarts=self._known.restarts + 1)
        self._log.say("stopped")
        self._tell(state=State.STOPPED, child=None)

    def _live(self) -> int | None:
        """Run the program until it ends, and end what it leaves; return its exit code."""
        try:
            child = self._spawn()
        except OSError as error:
            self._log.say(f"cannot run {self._program.argv[0]}: {error.strerror}")
            return None
        self._tell(state=State.RUNNING, child=kin.life(child.pid))
        assert child.stdout is not None  # it was asked for
        with child.stdout as output:
            os.set_blocking(output.fileno(), False)
            while child.poll() is None and not self._told:
                self._hear(output, None)
            if child.poll() is None:
                self._end(child, output)
            kin.end(self._where.root, child.pid, _BRIEF)
            self._pump(output)
        return child.returncode

    def _spawn(self) -> "subprocess.Popen[bytes]":
        mark = {MARK: str(self._where.root)}
        me = os.getpid()
        return subprocess.Popen(  # noqa: S603 - what the starter asked for
            self._program.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self._program.env, **mark},
            start_new_session=True,
            preexec_fn=lambda: _end_with(me),  # noqa: PLW1509 - there is one thread
        )

    def _end(self, child: "subprocess.Popen[bytes]", output: IO[bytes]) -> None:
        """Let the program end, and kill it when its time is over."""
        child.terminate()
        deadline = time.monotonic() + self._program.grace
        while child.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                self._log.say(f"did not end in {self._program.grace:g} s: killed")
                child.kill()
                child.wait()
                return
            self._hear(output, left)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._told and (left := deadline - time.monotonic()) > 0:
            self._hear(None, left)

    def _hear(self, output: IO[bytes] | None, seconds: float | None) -> None:
        """Wait for a signal or for words of the program, which go to the log."""
        watched = [self._waker, *([output] if output else ())]
        ready, _, _ = select.select(watched, [], [], seconds)
        if heard := self._waker in ready:
            self._waker.recv(_CHUNK)
        more = output not in ready or output is None or self._pump(output, once=True)
        if not more and not heard:
            # it closed its output and runs on: only a signal can tell anything now
            select.select([self._waker], [], [], seconds)

    def _pump(self, output: IO[bytes], *, once: bool = False) -> bool:
        """Write what the program said to the log; tell whether it may say more."""
        while True:
            try:
                found = os.read(output.fileno(), _CHUNK)
            except BlockingIOError:
                return True
            if not found:
                return False
            self._log.write(found)
            if once:
                return True

    def _stop(self, *_: object) -> None:
        self._told = True

    def _tell(self, **said: Any) -> None:
        self._known = attrs.evolve(self._known, since=time.time(), **said)
        try:
            write_private(self._where.state, json.dumps(attrs.asdict(self._known)))
        except OSError as error:  # a full disk must not leave the service alone
            self._log.say(f"cannot write {self._where.state}: {error.strerror}")


def _end_with(parent: int) -> None:
    """Let this process get SIGTERM when its parent dies, where the system can do that."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _how(code: int | None) -> str:
    if code is None:
        return "did not start"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def left_of(where: Place) -> Life | None:
    """Return the service that a killed supervisor left, if anything of it may run still."""
    known = Known.of(read_json(where.state))
    return known.child if known else None


def main(arguments: Sequence[str]) -> int:
    """Detach, and supervise; the first process returns when the second one can be found."""
    (directory,) = arguments
    where = Place(Path(directory))
    heard, ours = os.pipe()
    if os.fork():
        os.close(ours)
        return 0 if os.read(heard, 1) else 1
    os.close(heard)
    os.setsid()
    with where.lock("supervisor") as lock:
        if not lock.take(timeout=_PATIENCE):
            return 1
        if (left := left_of(where)) is not None:
            kin.end(where.root, left.pid, _BRIEF)
        supervisor = Supervisor(where, Program.of(read_json(where.program)))
        supervisor.listen()
        os.write(ours, b"+")
        os.close(ours)
        supervisor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
