"""Connections that break at a moment of one's choice: proxies in front of HTTP services.

    with Cuts() as cuts:
        cloud = MyCloud("mine", Settings(url=cuts.at(url)))
        cuts.cut(Moment.UNANSWERED)
        cloud.start(request)  # is done, and its answer is lost

They pass whole messages on, so that they know where a request and its answer end.
"""

import contextlib
import enum
import io
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from email.message import Message
from http import HTTPStatus
from http.client import parse_headers
from typing import BinaryIO, Self
from urllib.parse import parse_qs, urlsplit

import attrs

from cloudmesh_sdk.testing.server import Request

_HOST = "127.0.0.1"
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset."""

_BARE = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
"""Answers without a body, whatever their headers say (RFC 9112, 6.3)."""

_READS = ("GET", "HEAD", "OPTIONS")


class Moment(enum.StrEnum):
    """Where a connection is cut."""

    UNSENT = "unsent"
    """Before the request reached the service."""
    LATE = "late"
    """When the request was sent, before the service has it, which does it a little later."""
    UNANSWERED = "unanswered"
    """When the request was done and answered, before the first byte of the answer came."""
    RESET = "reset"
    """The same, by a reset where an end is expected."""
    BODILESS = "bodiless"
    """Before the body of the answer; within its headers where it has none."""
    HALF = "half"
    """In the middle of the body; of the headers where there is none."""
    SPENT = "spent"
    """After the answer, so that the connection is dead when the next request wants it."""


@attrs.frozen(kw_only=True)
class _Part:
    """A request or an answer as it came: the first line, all of the head, the body."""

    line: str
    head: bytes
    headers: Message
    body: bytes = b""

    @property
    def raw(self) -> bytes:
        return self.head + self.body

    def until(self, moment: Moment) -> bytes:
        """Return what of an answer comes through before the cut."""
        if moment is Moment.SPENT:
            return self.raw
        if moment is Moment.BODILESS:
            return self.head if self.body else self.head[:-2]
        if moment is Moment.HALF:
            half = self.body[: len(self.body) // 2]
            return self.head + half if self.body else self.head[: len(self.head) // 2]
        return b""


def writes(request: Request) -> bool:
    """Tell whether a request changes something, as its method says."""
    return request.method not in _READS


class Cuts:
    """Proxies that share one plan of what to cut; `changes` tells which requests it is about.

    Others pass, until it is `dark`. What is `LATE` comes so many seconds after the cut. All end
    with the `with` block.
    """

    def __init__(self, changes: Callable[[Request], bool] = writes, *, late: float = 0.05) -> None:
        self.arrived: list[Request] = []
        """Requests that change something and reached their service."""
        self.made = 0
        """How many connections were cut so far."""
        self._changes = changes
        self._lateness = late
        self._late = 0
        self._lock = threading.Lock()
        self._none_late = threading.Condition(self._lock)
        self._moment: Moment | None = None
        self._left = 0
        self._then_dark = False
        self._dark = False
        self._over = False
        self._ends: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def at(self, url: str) -> str:
        """Return the address of a proxy in front of an `http` URL on this machine, path and all."""
        parts = urlsplit(url)
        assert parts.scheme == "http", f"a proxy cannot look into {url}"
        assert parts.port, f"{url} names no port"
        door = socket.create_server((_HOST, 0), backlog=64)
        self._ends.add(door)
        self._spawn(self._accept, door, (parts.hostname or _HOST, parts.port))
        here = f"{_HOST}:{door.getsockname()[1]}"
        return parts._replace(netloc=here).geturl()

    def cut(self, moment: Moment, *, times: int = 1, then_dark: bool = False) -> None:
        """Cut the next so many requests that change something at a moment.

        `then_dark`: after them nothing gets through any more, until `heal`.
        """
        with self._lock:
            self._moment, self._left, self._then_dark = moment, times, then_dark

    def heal(self) -> None:
        """Let all pass from now on, once what is late has come."""
        with self._none_late:
            self._none_late.wait_for(lambda: not self._late)
            self._moment, self._left, self._dark = None, 0, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._over = True
            for end in self._ends:
                with contextlib.suppress(OSError):  # the other side may have closed it
                    end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
        for thread in self._threads:
            thread.join()

    def _spawn(self, what: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=what, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, door: socket.socket, where: tuple[str, int]) -> None:
        with door, contextlib.suppress(OSError):  # it ends with the `with` block
            while True:
                client, _ = door.accept()
                self._spawn(self._serve, client, where)

    def _serve(self, client: socket.socket, where: tuple[str, int]) -> None:
        """Pass on what one client asks, until one end closes or it is cut."""
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            asked = stack.enter_context(self._held(client))
            server = socket.create_connection(where)
            answered = stack.enter_context(self._held(server))
            while (request := _request(asked)) is not None:
                if not self._pass(request, client, server, answered):
                    return

    @contextlib.contextmanager
    def _held(self, end: socket.socket) -> Iterator[BinaryIO]:
        """Give what comes from one end; closed with the block, and woken when all is over."""
        with end, end.makefile("rb") as stream:
            with self._lock:
                if self._over:
                    raise ConnectionAbortedError
                self._ends.add(end)
            try:
                yield stream
            finally:
                with self._lock:
                    self._ends.discard(end)

    def _pass(
        self, part: _Part, client: socket.socket, server: socket.socket, answered: BinaryIO
    ) -> bool:
        """Pass one request and its answer on; tell whether the connection is still good."""
        request = _read(part)
        moment = self._plan(request)
        if moment is Moment.UNSENT:
            return False
        if moment is Moment.LATE:
            self._pass_later(part, client, server, answered)
            return False
        server.sendall(part.raw)
        answer = _answer(answered, request.method, client)
        if answer is None:
            return False
        if moment is None:
            client.sendall(answer.raw)
            return True
        if moment is Moment.RESET:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        client.sendall(answer.until(moment))
        return False

    def _pass_later(
        self, part: _Part, client: socket.socket, server: socket.socket, answered: BinaryIO
    ) -> None:
        """Leave the client, and pass its request on all the same."""
        try:
            client.shutdown(socket.SHUT_RDWR)
            time.sleep(self._lateness)
            server.sendall(part.raw)
            answered.readline()  # it is done by then
        finally:
            with self._none_late:
                self._late -= 1
                self._none_late.notify_all()

    def _plan(self, request: Request) -> Moment | None:
        """Return where to cut an exchange, None to let it pass; take note of what will arrive."""
        with self._lock:
            moment = None
            if self._dark:
                moment = Moment.UNSENT
            elif self._changes(request) and self._moment is not None and self._left:
                moment = self._moment
                self._left -= 1
                self._dark = self._then_dark and not self._left
            self.made += moment is not None
            self._late += moment is Moment.LATE
            if moment is not Moment.UNSENT and self._changes(request):
                self.arrived.append(request)
            return moment


def _request(stream: BinaryIO) -> _Part | None:
    """Return the next request with its body, None where the client has left."""
    part = _head(stream)
    if part is None:
        return None
    coded = "transfer-encoding" in part.headers
    body = _chunks(stream) if coded else stream.read(int(part.headers["content-length"] or 0))
    return attrs.evolve(part, body=body)


def _answer(stream: BinaryIO, method: str, client: socket.socket) -> _Part | None:
    """Return the answer with its body, None where there is none; those on the way are passed on."""
    while (part := _head(stream)) is not None:
        status = int(part.line.split()[1])
        if status >= HTTPStatus.OK:
            body = b"" if method == "HEAD" or status in _BARE else _body(stream, part)
            return attrs.evolve(part, body=body)
        client.sendall(part.raw)
    return None


def _head(stream: BinaryIO) -> _Part | None:
    line = stream.readline()
    if not line.strip():
        return None
    rest = b""
    while piece := stream.readline():
        rest += piece
        if not piece.strip():
            break
    headers = parse_headers(io.BytesIO(rest))
    return _Part(line=line.decode("latin-1").strip(), head=line + rest, headers=headers)


def _body(stream: BinaryIO, part: _Part) -> bytes:
    if "transfer-encoding" in part.headers:
        return _chunks(stream)
    length = part.headers["content-length"]
    return stream.read() if length is None else stream.read(int(length))


def _chunks(stream: BinaryIO) -> bytes:
    """Return a body in chunks as it is, with their lengths (RFC 9112, 7.1)."""
    raw = b""
    while line := stream.readline():
        raw += line
        size = int(line.partition(b";")[0], 16)
        if not size:
            break
        raw += stream.read(size + 2)
    while piece := stream.readline():  # trailers
        raw += piece
        if not piece.strip():
            break
    return raw


def _read(part: _Part) -> Request:
    method, target, _ = part.line.split(" ", 2)
    parts = urlsplit(target)
    return Request(
        method=method,
        path=parts.path,
        query={key: values[-1] for key, values in parse_qs(parts.query).items()},
        headers={key.lower(): value for key, value in part.headers.items()},
        body=part.body,
    )
