"""Running a job as processes of this machine that outlive whoever started them.

A job is started by a shell that ends at once, in a session of its own. A wrapper claims the start
(so that a job whose starter died is never started twice), writes down its process, runs the job,
and writes its exit status. So what became of a job can be read by anybody, at any time.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import attrs
import psutil

from cloudmesh_sdk.errors import UnavailableError

_WRAPPER = r"""
cd "$1" && mkdir "start.$2" 2>/dev/null || exit 0
echo $$ > pid.new && mv pid.new pid
cd "$3" || { echo 125 > "$1/status.new"; mv "$1/status.new" "$1/status"; exit; }
"$4"
code=$?
echo $code > "$1/status.new" && mv "$1/status.new" "$1/status"
"""
_LAUNCH = '/bin/sh -c "$0" "$@" </dev/null >>"$CM_OUT" 2>>"$CM_ERR" & echo $$ $!'
_LAUNCH_SECONDS = 30.0


@attrs.frozen(kw_only=True)
class Launched:
    """The processes of a job: its group, and its wrapper with the moment that began."""

    group: int
    pid: int
    began: float | None


class Room:
    """The directory of one job: its script, the files that its wrapper writes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def furnish(self, script: str, environment: Mapping[str, str]) -> None:
        """Write the script and the variables; nobody else may read them."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text, mode in (
            ("script", script, 0o700), ("environment", json.dumps(dict(environment)), 0o600),
        ):  # fmt: skip
            path = self.directory / name
            path.touch(mode=mode)
            path.write_text(text, encoding="utf-8", errors="surrogateescape")

    def environment(self) -> dict[str, str]:
        """Return the variables; raises `UnavailableError` where they are gone."""
        try:
            text = (self.directory / "environment").read_text(encoding="utf-8")
        except OSError as error:
            raise UnavailableError(f"the job's variables are gone: {error.strerror}") from error
        found: dict[str, str] = json.loads(text)
        return found

    def forget_environment(self) -> None:
        """Remove the variables, which may hold secrets: nobody needs them any more."""
        (self.directory / "environment").unlink(missing_ok=True)

    def launch(
        self, base: "Room", attempt: int, *, workdir: str, output: str, error: str,
        more: Mapping[str, str],
    ) -> Launched:  # fmt: skip
        """Start the job with the script of a base; raises `UnavailableError`."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        script = str(base.directory / "script")
        words = [_WRAPPER, "sh", str(self.directory), str(attempt), workdir, script]
        env = {**base.environment(), **more}
        try:
            said = subprocess.run(  # noqa: S603 - what the user handed in is what shall run
                ["/bin/sh", "-c", _LAUNCH, *words],
                env={**env, "CM_OUT": output, "CM_ERR": error},
                capture_output=True,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                timeout=_LAUNCH_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error_:
            raise UnavailableError(f"a job cannot be started: {error_}") from error_
        group, pid = map(int, said.stdout.split())
        return Launched(group=group, pid=pid, began=began(pid))

    def claim(self, attempt: int) -> bool:
        """Tell whether a start was never begun; from now on it never will be."""
        try:
            (self.directory / f"start.{attempt}").mkdir()
        except FileExistsError:
            return False
        return True

    def pid(self) -> int | None:
        """Return the process that the wrapper wrote down, None where it has not."""
        text = self._read("pid")
        return int(text) if text.isdecimal() else None

    def status(self) -> int | None:
        """Return the exit status that the wrapper wrote down, None where it has not."""
        text = self._read("status")
        return int(text) if text.isdecimal() else None

    def remove(self) -> None:
        """Remove the directory with all that is in it."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _read(self, name: str) -> str:
        with suppress(FileNotFoundError):
            return (self.directory / name).read_text(encoding="utf-8").strip()
        return ""


def began(pid: int) -> float | None:
    """Return when a process began, in seconds; None where there is none, or none that runs."""
    try:
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
        return None if ended else process.create_time()
    except psutil.NoSuchProcess:
        return None


def lives(pid: int | None, since: float | None) -> bool:
    """Tell whether a process that began then is still there: ids of processes are used again."""
    if pid is None or since is None:
        return False
    now = began(pid)
    return now is not None and abs(now - since) < 1.0


def end(group: int, *, hard: bool) -> None:
    """Ask the processes of a job to end, or end them."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL if hard else signal.SIGTERM)
