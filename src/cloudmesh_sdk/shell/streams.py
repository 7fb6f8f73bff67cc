"""The three streams of a process and its Ctrl-C: what is said when they are no good."""

import os
import signal
import sys
import threading
from pathlib import Path

from cloudmesh_sdk.shell import codes


def ready() -> bool:
    """Tell whether there is an output to write to; the other streams are made up for.

    A closed stream leaves its number to the next file or socket that is opened, so the null
    device takes it first.
    """
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None:
            while os.open(os.devnull, os.O_RDWR) < number:
                pass
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
    if sys.stdout is not None:
        return True
    print("cm: standard output is closed; > /dev/null throws the output away", file=sys.stderr)
    return False


def unwritable(error: OSError) -> bool:
    """Tell whether an error comes from writing to standard output: it keeps what it cannot."""
    if isinstance(error, BrokenPipeError):
        return True
    if sys.stdout is None:
        return False
    try:
        sys.stdout.flush()
    except OSError as again:
        return again.errno == error.errno
    return error.filename is None and _printing(error)  # a stream without a buffer keeps nothing


def _printing(error: OSError) -> bool:
    """Tell whether it was a `print` of the shell that raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = trace.tb_frame.f_code.co_filename if trace is not None else ""
    return Path(place).parent == Path(__file__).parent


def lost(error: OSError) -> int:
    """Tell that the output cannot be written, unless its reader went away; return the exit code."""
    # what is still in the buffer would complain once more at the end of the process
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return codes.PIPE
    print(f"cm: standard output cannot be written: {error.strerror}", file=sys.stderr)
    return codes.ERROR


def deafen() -> None:
    """Ignore Ctrl-C from now on: the process is ending, and does so once."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
