"""`cm` without a command, on a terminal: history, completion, variables."""

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

import platformdirs
from click.shell_completion import ShellComplete
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.patch_stdout import patch_stdout

from cloudmesh_sdk import __version__
from cloudmesh_sdk.shell.app import COMMANDS, app
from cloudmesh_sdk.shell.running import guarded
from cloudmesh_sdk.shell.script import leaves, run_line
from cloudmesh_sdk.shell.session import Session

_WELCOME = "cm {version}. help lists the commands, help COMMAND explains one, quit leaves."


class Words(Completer):
    """Completes commands, options and the names that the store knows."""

    def __init__(self, session: Session) -> None:
        self._complete = ShellComplete(app, {"obj": session}, "cm", "_CM_COMPLETE")

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002
    ) -> Iterable[Completion]:
        words, last = split(document.text_before_cursor)
        if not words:
            yield from (Completion(name, -len(last)) for name in _first(last))
            return
        for item in self._complete.get_completions(words, last):
            yield Completion(
                str(item.value), -len(last), display_meta=item.help[:60] if item.help else ""
            )


def split(text: str) -> tuple[list[str], str]:
    """Return the whole words of a line, without a leading `cm`, and the one being written."""
    try:
        words = shlex.split(text)
    except ValueError:  # within quotes there is nothing to complete
        words = text.split()
    last = words.pop() if words and not text[-1:].isspace() else ""
    return (words[1:] if words[:1] == ["cm"] else words), last


def _first(begin: str) -> list[str]:
    names = (*COMMANDS, "set", "quit")
    return [name for name in sorted(names) if name.startswith(begin)]


def interact(session: Session) -> int:
    """Read and run lines until the user leaves; the exit code is that of the last line."""
    prompt: PromptSession[str] = PromptSession(
        history=FileHistory(str(history_file())), completer=Words(session),
        complete_while_typing=False,
    )  # fmt: skip
    print(_WELCOME.format(version=__version__), file=sys.stderr)
    code = 0
    while True:
        try:
            with patch_stdout():
                line = prompt.prompt("cm> ")
        except KeyboardInterrupt:  # the line is dropped, as in other shells
            continue
        except EOFError:
            return code
        if leaves(line):
            return code
        code = guarded(session, lambda: run_line(session, line))  # noqa: B023


def history_file() -> Path:
    """Return the file of past lines, which only its owner may read."""
    folder = Path(platformdirs.user_state_dir("cloudmesh"))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "history"
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    return path
