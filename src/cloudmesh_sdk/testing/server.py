"""Servers on loopback that do what a test tells them: answer, delay, cut, garble, keep silent.

All close with their `with` block, and listen on a free port of 127.0.0.1 only.
"""

import contextlib
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

import attrs

_HOST = "127.0.0.1"


@attrs.frozen(kw_only=True)
class Request:
    """One request as the server got it; header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None where there is none."""
        return json.loads(self.body) if self.body else None


@attrs.frozen(kw_only=True)
class Reply:
    """What to answer: `body` is bytes, text, or plain data that goes out as JSON.

    `delay` holds the answer back for so many seconds. `cut` closes the connection after so many
    bytes of the body, though the headers promise all of it; 0 with `status` 0 sends nothing.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    delay: float = 0.0
    cut: int | None = None

    def encoded(self) -> tuple[bytes, str]:
        """Return the bytes of the body and their content type."""
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/html; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json"


LOST = Reply(status=0, cut=0)
"""The connection ends where an answer should be."""


class Loopback:
    """An HTTP server that asks a function for each answer and keeps the requests it got.

    >>> with Loopback(lambda request: Reply(body={"path": request.path})) as server:
    ...     len(server.requests)
    0
    """

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        """May be replaced while the server runs."""
        self.requests: list[Request] = []
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer((_HOST, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.daemon = True

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{_HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing: tests read `requests`."""

            def do_any(self) -> None:
                with contextlib.suppress(ConnectionError):  # the client has hung up, as it may
                    loopback._serve(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_any  # noqa: N815

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        parts = urlsplit(handler.path)
        request = Request(
            method=handler.command,
            path=parts.path,
            query={key: values[-1] for key, values in parse_qs(parts.query).items()},
            headers={key.lower(): value for key, value in handler.headers.items()},
            body=handler.rfile.read(length),
        )
        self.requests.append(request)
        reply = self.answer(request)
        self._closing.wait(reply.delay)
        if reply.status:
            _send(handler, reply)
        if reply.cut is not None:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    body, kind = reply.encoded()
    handler.send_response(reply.status)
    for name, value in {"Content-Type": kind, **reply.headers}.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body if reply.cut is None else body[: reply.cut])
    handler.wfile.flush()


Fault = Literal["refuse", "lose", "short", "garble", "hold"]
"""What a proxy does to one connection: `refuse` closes it at once; `lose` closes it when the
server has begun to answer, so that the request was done; `short` keeps back the last byte of the
first answer and closes; `garble` turns the answer's bytes into others; `hold` passes on none."""

_QUIET = 0.1
"""Seconds without a byte after which an answer is taken to be over."""


class Proxy:
    """A TCP proxy in front of a server on loopback; `faults` are used up, one a connection."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.faults: deque[Fault] = deque()
        self.connections = 0
        """How many were opened so far."""
        self._closing = threading.Event()
        self._listener = socket.create_server((_HOST, 0))
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Its address for HTTP clients, without a slash at the end."""
        return f"http://{_HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        for end in (self._listener, *self._open.copy()):
            _close(end)
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed by __exit__
                return
            self.connections += 1
            fault = self.faults.popleft() if self.faults else None
            threading.Thread(target=self._join, args=(client, fault), daemon=True).start()

    def _join(self, client: socket.socket, fault: Fault | None) -> None:
        if fault == "refuse":
            client.close()
            return
        server = socket.create_connection((_HOST, self._target))
        self._open |= {client, server}
        back = threading.Thread(target=self._back, args=(server, client, fault), daemon=True)
        back.start()
        _pump(client, server, lambda data: data)
        back.join()
        self._open -= {client, server}

    def _back(self, server: socket.socket, client: socket.socket, fault: Fault | None) -> None:
        if fault == "hold":
            self._closing.wait()
        elif fault in ("lose", "short"):
            data = _answer(server)
            with contextlib.suppress(OSError):  # the client may have left
                client.sendall(data[:-1] if fault == "short" else b"")
        else:
            turn = (lambda data: bytes(b ^ 0x15 for b in data)) if fault else (lambda data: data)
            _pump(server, client, turn)
        _close(client)
        _close(server)


def _answer(server: socket.socket) -> bytes:
    """Return what a server says until it is quiet."""
    data = server.recv(65536)
    server.settimeout(_QUIET)
    with contextlib.suppress(TimeoutError):
        while piece := server.recv(65536):
            data += piece
    return data


def _pump(source: socket.socket, target: socket.socket, turn: Callable[[bytes], bytes]) -> None:
    with contextlib.suppress(OSError):  # either end may close at any time
        while data := source.recv(65536):
            target.sendall(turn(data))
        target.shutdown(socket.SHUT_WR)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be closed already
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextlib.contextmanager
def silence() -> Iterator[int]:
    """Give a port where connections are taken and nobody ever says a word."""
    with socket.create_server((_HOST, 0), backlog=64) as listener:
        yield int(listener.getsockname()[1])


def closed_port() -> int:
    """Return a port of loopback where nobody listens (just now)."""
    with socket.create_server((_HOST, 0)) as listener:
        return int(listener.getsockname()[1])
