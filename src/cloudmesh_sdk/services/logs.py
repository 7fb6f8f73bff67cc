"""Logs of services: written with a limit, read from their ends."""

import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TextIO


class Log:
    """A log that begins anew when it is long; so many old ones are kept as `.1`, `.2` and so on.

    A full disk does not end who writes: what is lost meanwhile is counted, and told later.
    """

    def __init__(self, path: Path, *, size: int, count: int) -> None:
        self._path, self._size, self._count = path, size, count
        self._lost, self._why = 0, ""
        self._within_line = False

    def write(self, data: bytes) -> None:
        """Append bytes; no line is parted by the beginning of a new log."""
        told = f"[{self._lost} bytes are lost: {self._why}]\n".encode() if self._lost else b""
        try:
            for part in self._parts(told + data):
                with open(self._path, "ab", buffering=0, opener=_private) as file:
                    file.write(part)
        except OSError as error:
            self._lost, self._why = self._lost + len(data), error.strerror or str(error)
        else:
            self._lost = 0
            self._within_line = not data.endswith(b"\n")

    def say(self, text: str) -> None:
        """Append a line of the supervisor's own, with the time."""
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        self.write(f"{now} supervisor: {text}\n".encode())

    def _parts(self, data: bytes) -> Iterator[bytes]:
        """Yield what belongs into this log, and what belongs into the next one where it is full."""
        found = self._path.stat().st_size if self._path.exists() else 0
        if not found or found + len(data) <= self._size:
            yield data
            return
        end, data = self._end_of_line(data)
        yield end
        if data:
            self._rotate()
            yield data

    def _end_of_line(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the rest of the line that the log ends with, and what comes after it."""
        if not self._within_line:
            return b"", data
        line, newline, rest = data.partition(b"\n")
        return line + newline, rest

    def _rotate(self) -> None:
        for number in range(self._count - 1, 0, -1):
            older = _old(self._path, number)
            if older.exists():
                older.replace(_old(self._path, number + 1))
        self._path.replace(_old(self._path, 1))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def tail(path: Path, lines: int) -> list[str]:
    """Return the last lines of a log, those of old ones included."""
    numbers = sorted(
        int(old.suffix[1:])
        for old in path.parent.glob(f"{path.name}.*")
        if old.suffix[1:].isdigit()
    )
    found: list[str] = []
    for part in (path, *(_old(path, number) for number in numbers)):
        if len(found) >= lines:
            break
        found = _read(part) + found
    return found[-lines:] if lines else []


def follow(path: Path, *, pause: float = 0.2) -> Generator[str, None, None]:
    """Return what is written from now on, line by line, for ever; also after a new log began."""
    file = _opened(path)
    if file is not None:
        file.seek(0, os.SEEK_END)
    return _lines(path, file, pause)


def _lines(path: Path, file: TextIO | None, pause: float) -> Generator[str, None, None]:
    rest = ""
    try:
        while True:
            renewed = file is None or _is_old(file, path)  # what stands in the old one goes first
            while file is not None and (found := file.readline()):
                rest += found
                if rest.endswith("\n"):
                    yield rest.rstrip("\n")
                    rest = ""
            newer = _opened(path) if renewed else None
            if newer is None:
                time.sleep(pause)
                continue
            if file is not None:
                file.close()
            file = newer
    finally:
        if file is not None:
            file.close()


def _opened(path: Path) -> TextIO | None:
    return path.open("r", encoding="utf-8", errors="replace") if path.exists() else None


def _old(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _read(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _is_old(file: TextIO, path: Path) -> bool:
    """Tell whether another file has the name of the log now."""
    return path.exists() and os.fstat(file.fileno()).st_ino != path.stat().st_ino
