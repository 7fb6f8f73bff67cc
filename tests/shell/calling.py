"""How the tests of the shell call it."""

import subprocess
from collections.abc import Callable

from cloudmesh_sdk.shell.result import Result

Cm = Callable[[str], Result]
"""Runs a line in this process."""

Program = Callable[..., "subprocess.CompletedProcess[str]"]
"""Runs the installed cm in a process of its own."""
