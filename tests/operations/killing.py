"""Processes that are killed at a step of what they do, forked from one that has all imported."""

import atexit
import json
import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

VICTIM = Path(__file__).with_name("victim.py")


def killed(config: Path, act: str, step: int) -> bool:
    """Let a process do an act and die at a step; tell whether it had so many."""
    code, told, errors = _ask([str(config), act, str(step)])
    assert code in (0, -signal.SIGKILL), errors
    assert (code == 0) == (told == "done\n"), (code, told)
    return code != 0


def _ask(words: list[str]) -> tuple[int, str, str]:
    """Have a victim forked, with our environment; return its exit code and what it printed."""
    mother = _mother()
    assert mother.stdin is not None
    assert mother.stdout is not None
    mother.stdin.write(json.dumps([words, dict(os.environ)]) + "\n")
    mother.stdin.flush()
    answer = mother.stdout.readline()
    assert answer, f"the process that forks victims ended: {mother.poll()}"
    code, told, errors = json.loads(answer)
    return code, told, errors


@cache
def _mother() -> "subprocess.Popen[str]":
    """Start the process that forks victims, once; it ends with this one."""
    mother = subprocess.Popen(
        [sys.executable, str(VICTIM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(mother.communicate)  # closes its stdin, which ends it
    return mother
