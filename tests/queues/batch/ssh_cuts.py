"""The way to a scheduler's commands, cut while one that changes something is at work over there.

The commands stand in a directory, those that change something behind a small script: it does as it
is planned, tells that it is time, and stays until the way is cut.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.labs.openstack.processes import wait
from tests.labs.sshd_lab import Sshd
from tests.labs.sshd_proxy import Proxy, proxy

from cloudmesh_sdk.testing import Moment, closed_port

MOMENTS = (Moment.UNSENT, Moment.LATE, Moment.UNANSWERED, Moment.HALF)
"""Where it can be cut: before the command did its work, which it then never does, or does all the
same; before its first word; in the middle of what it says."""

_COMMAND = """#!/bin/sh
plan={plan}
case " $* " in {only}) ;; *) exec {real} "$@" ;; esac
moment=pass left=0
[ ! -e "$plan/next" ] || read -r moment left < "$plan/next"
[ "$left" -gt 0 ] && echo "$moment $((left - 1))" > "$plan/next" || moment=pass
[ "$moment" = unsent ] || echo {name} >> "$plan/arrived"
case $moment in
pass) exec {real} "$@" ;;
unsent) ;;
late) touch "$plan/late" ;;
*) {real} "$@" > "$plan/said" 2>&1 ;;
esac
[ "$moment" != half ] || head -c 3 "$plan/said"
touch "$plan/begun"
while [ -e "$plan/begun" ]; do sleep 0.02; done
[ "$moment" = late ] || exit 0
sleep 0.2
{real} "$@" > "$plan/said" 2>&1
rm "$plan/late"
"""


class SshCuts:
    """A proxy before an sshd, and commands behind it; a `Cutter` for the suite of queues."""

    def __init__(self, way: Proxy, plan: Path) -> None:
        self.made = 0
        self.arrived: list[str] = []
        self._way = way
        self._there = way.target
        self._plan = plan
        self._then_dark = False
        self._over = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)

    @property
    def port(self) -> int:
        """Where one logs in to be cut off."""
        return self._way.port

    def cut(self, moment: Moment, *, times: int = 1, then_dark: bool = False) -> None:
        self._then_dark = then_dark
        (self._plan / "next").write_text(f"{moment} {times}\n")

    def heal(self) -> None:
        wait("what is late", lambda: not (self._plan / "late").exists(), 20)
        (self._plan / "next").unlink(missing_ok=True)
        self._way.target = self._there

    @contextmanager
    def watching(self) -> Iterator["SshCuts"]:
        """Cut, within the block, whenever a command says so."""
        self._watching.start()
        try:
            yield self
        finally:
            self._over.set()
            self._watching.join()

    def _watch(self) -> None:
        begun = self._plan / "begun"
        while not self._over.wait(0.01):
            if begun.exists():
                self.made += 1
                if self._then_dark:
                    self._way.target = closed_port()
                self._way.cut()
                begun.unlink()


@contextmanager
def ssh_cuts(
    sshd: Sshd, place: Path, real: Path, changes: Mapping[str, str], others: tuple[str, ...]
) -> Iterator[SshCuts]:
    """Give a way to commands of `real` that can be cut, `place` being where they then stand.

    `changes` names those that change something, each with a pattern of its words (of `case` in a
    shell) that say so.
    """
    plan = place / "plan"
    plan.mkdir(parents=True)
    for name, only in changes.items():
        told = {"plan": plan, "only": only, "name": name, "real": real / name}
        (place / name).write_text(_COMMAND.format(**told))
        (place / name).chmod(0o755)
    for name in others:
        (place / name).symlink_to(real / name)
    with proxy(sshd.port) as way:
        sshd.trust(way.port)
        with SshCuts(way, plan).watching() as cuts:
            yield cuts
