"""The tests' own EC2 endpoint on loopback: honours ClientToken, pages, and fails on demand.

    with Endpoint() as endpoint:
        endpoint.fail("RunInstances", "cut-after")

As a script, `ec2_endpoint.py --port 0 --state FILE` prints its URL and keeps what it knows in the
file. There, faults are ordered by `POST /_fault` with `{"action": …, "kind": …, "times": 1}`, and
`GET /_calls` counts the requests of each action.
"""

import argparse
import json
import re
import socket
import ssl
import sys
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

if __name__ == "__main__":  # a script finds its neighbour as a test does
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.labs.ec2_account import Account
from tests.labs.ec2_query import Refusal

ACCESS_KEY = "AKIATESTTESTTESTTEST"
SECRET_KEY = "a-secret-that-never-shows"
KINDS = (
    "cut-before", "cut-after", "cut-within", "half-page", "hang", "html", "throttle", "expired",
    "skewed", "garbage", "empty", "drip",
)  # fmt: skip
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>\w+)/\d{8}/[\w-]+/\w+/aws4_request, "
    r"SignedHeaders=[\w;-]*host[\w;-]*, Signature=[0-9a-f]{64}"
)


class Cut(Exception):  # noqa: N818
    """Close the connection without a word."""


class Endpoint:
    """The endpoint, serving in threads of this process while it is entered."""

    def __init__(
        self,
        *,
        port: int = 0,
        state: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.account = Account(state)
        self.calls: Counter[str] = Counter()
        self.connections = 0
        self.clock = 0.0
        """Seconds that this endpoint's clock is ahead."""
        self.retry_after = "0"
        self.stopping = threading.Event()
        self._faults: defaultdict[str, deque[tuple[str, float]]] = defaultdict(deque)
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.endpoint = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            self.url = self.url.replace("http", "https", 1)

    def fail(self, action: str, kind: str, *, times: int = 1, seconds: float = 60.0) -> None:
        """Let the next requests for an action fail; `Code/STATUS` is a kind too."""
        if kind not in KINDS and "/" not in kind:
            raise ValueError(f"no fault named {kind}")
        self._faults[action].extend([(kind, seconds)] * times)

    def forgive(self) -> None:
        """Take back all faults that have not come yet."""
        self._faults.clear()

    def next_fault(self, action: str) -> tuple[str, float]:
        faults = self._faults[action]
        return faults.popleft() if faults else ("", 0.0)

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.02)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    endpoint: Endpoint

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away: tests make them do so."""
        if not isinstance(sys.exception(), (ConnectionError, Cut, ssl.SSLError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.endpoint.connections += 1

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time.time()) + self.server.endpoint.clock, usegmt=True)

    def do_GET(self) -> None:
        endpoint = self.server.endpoint
        shown = {"/_calls": endpoint.calls, "/_instances": endpoint.account.instances}
        self._send(200, json.dumps(shown.get(self.path, {})).encode(), kind="application/json")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/_fault":
            self.server.endpoint.fail(**json.loads(body))
            self._send(204, b"")
            return
        params = dict(parse_qsl(body, keep_blank_values=True))
        action = params.pop("Action")
        params.pop("Version")
        endpoint = self.server.endpoint
        endpoint.calls[action] += 1
        kind, seconds = endpoint.next_fault(action)
        try:
            status, document, headers = self._answer(action, params, kind, seconds)
            self._give(status, document, headers, kind, seconds)
        except Cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(
        self, action: str, params: Mapping[str, str], kind: str, seconds: float
    ) -> tuple[int, bytes, Mapping[str, str]]:
        if kind == "cut-before":
            raise Cut
        try:
            self._refuse(kind)
            answer = self.server.endpoint.account.answer(action, params)
        except Refusal as refusal:
            wait = self.server.endpoint.retry_after
            again = {"Retry-After": wait} if kind == "throttle" else {}
            return refusal.status, _error(refusal), again
        if kind == "hang":
            self.server.endpoint.stopping.wait(seconds)
        content = xml({"requestId": "req-1", **answer})
        space = "http://ec2.amazonaws.com/doc/2016-11-15/"
        return 200, f'<{action}Response xmlns="{space}">{content}</{action}Response>'.encode(), {}

    def _refuse(self, kind: str) -> None:
        """Refuse what is not signed by a known key, and what a fault says."""
        signed = _SIGNED.fullmatch(self.headers.get("Authorization", ""))
        if signed is None or "X-Amz-Date" not in self.headers:
            raise Refusal("MissingAuthenticationToken", "Request is missing a signature", 403)
        if signed["key"] != ACCESS_KEY:
            text = "AWS was not able to validate the provided access credentials"
            raise Refusal("AuthFailure", text, 401)
        if kind == "throttle":
            raise Refusal("RequestLimitExceeded", "Request limit exceeded.", 503)
        if kind == "expired":
            raise Refusal("ExpiredToken", "The security token included in the request is expired")
        if kind == "skewed":
            raise Refusal("RequestExpired", "Request has expired.")
        code, _, status = kind.partition("/")
        if status:
            raise Refusal(code, "as the test asked", int(status))

    def _give(
        self, status: int, body: bytes, headers: Mapping[str, str], kind: str, seconds: float
    ) -> None:
        if kind == "cut-after":
            raise Cut
        if kind == "html":
            self._send(500, b"<!doctype html>\n<title>500</title>\n<h1>Oops</h1>", kind="text/html")
        elif kind == "garbage":
            self._send(200, b"<ListAllMyBucketsResult><Owner/></ListAllMyBucketsResult>")
        elif kind == "empty":
            name = body[1 : body.index(b" ")]
            self._send(200, b"<" + name + b"/>")
        elif kind == "half-page":
            self._send(200, body[: len(body) // 2])
        elif kind == "cut-within":
            self._send(200, body[: len(body) // 2], length=len(body))
            raise Cut
        elif kind == "drip":
            self._send(200, body[:1], length=len(body))
            for byte in body[1:]:
                if self.server.endpoint.stopping.wait(seconds):
                    raise Cut
                self.wfile.write(bytes((byte,)))
        else:
            self._send(status, body, headers=headers)

    def _send(
        self,
        status: int,
        body: bytes,
        *,
        kind: str = "text/xml;charset=UTF-8",
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def xml(value: Any) -> str:
    """Return plain data as EC2 writes it."""
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{xml(part)}</{name}>" for name, part in value.items())
    if isinstance(value, list):
        return "".join(f"<item>{xml(part)}</item>" for part in value)
    return escape(str(value))


def _error(refusal: Refusal) -> bytes:
    error = xml({"Errors": {"Error": {"Code": refusal.code, "Message": str(refusal)}}})
    return f"<?xml version='1.0'?><Response>{error}<RequestID>req-2</RequestID></Response>".encode()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a made-up EC2 account on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, help="keep what it knows in this file")
    options = parser.parse_args()
    endpoint = Endpoint(port=options.port, state=options.state)
    print(endpoint.url, flush=True)
    endpoint.serve()


if __name__ == "__main__":
    main()
