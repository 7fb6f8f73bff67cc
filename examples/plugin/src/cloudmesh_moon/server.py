"""Moon itself, small enough to read: `python -m cloudmesh_moon.server` starts one on loopback.

A driver of a real cloud has no such file: its tests use the vendor's emulator, or a stand-in.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, dict[str, Any]]

IMAGES = [
    {"id": "regolith-24", "title": "Regolith Linux 24", "cpu": "x86_64"},
    {"id": "basalt-9", "title": "Basalt 9", "cpu": "arm64"},
]
SIZES = [
    {"id": "pebble", "cores": 1, "memory.gib": 1, "disk.gib": 8},
    {"id": "boulder", "cores": 8, "memory.gib": 32, "disk.gib": 100},
]
PHASES = {"halt": "eclipsed", "wake": "landed", "kick": "landed"}


class Moon:
    """One account: its machines, and what it answers to a request."""

    def __init__(self, key: str = "demo", machines: int = 0) -> None:
        self.key = key
        self.machines: dict[str, dict[str, Any]] = {}
        for number in range(machines):
            self.launch({"name": f"old-{number}", "image": "basalt-9", "size": "pebble"})

    def answer(
        self, method: str, url: str, key: str | None, body: dict[str, Any] | None = None
    ) -> Answer:
        """Return status and document for a request."""
        if key != self.key:
            return 401, {"error": "this key opens no account"}
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        for verb, pattern, act in self._routes():
            match = re.fullmatch(pattern, parts.path)
            if verb == method and match:
                return act(query, body or {}, *match.groups())
        return 404, {"error": f"nothing at {parts.path}"}

    def _routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        return [
            ("GET", "/v1/me", lambda *_: (200, {"account": "armstrong", "api": "1.2"})),
            ("GET", "/v1/images", lambda query, _: _page("images", IMAGES, query)),
            ("GET", "/v1/sizes", lambda query, _: _page("sizes", SIZES, query)),
            ("GET", "/v1/machines", self._list),
            ("POST", "/v1/machines", self._launch),
            ("GET", "/v1/machines/([^/]+)", self._show),
            ("DELETE", "/v1/machines/([^/]+)", self._remove),
            ("GET", "/v1/machines/([^/]+)/console", self._console),
            ("POST", "/v1/machines/([^/]+)/(halt|wake|kick)", self._act),
        ]

    def launch(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Add a machine, or return the one that this `request_id` made already."""
        for row in self.machines.values():
            if asked.get("request_id") and row["request_id"] == asked["request_id"]:
                return row
        number = f"m-{time.time_ns():x}-{len(self.machines)}"
        self.machines[number] = {
            "id": number,
            "name": asked["name"],
            "phase": "landed",
            "image": asked["image"],
            "size": asked["size"],
            "request_id": asked.get("request_id"),
            "tags": asked.get("tags") or {},
            "addresses": ["192.0.2.11"],
            "crater": "tycho",
            "launched": int(time.time()),
            "crash:report": None,
        }
        return self.machines[number]

    def _list(self, query: dict[str, str], _: object) -> Answer:
        rows = list(self.machines.values())
        if "request_id" in query:
            rows = [row for row in rows if row["request_id"] == query["request_id"]]
        return _page("machines", rows, query)

    def _launch(self, _: object, asked: dict[str, Any]) -> Answer:
        for field, known in (("image", IMAGES), ("size", SIZES)):
            if asked[field] not in [row["id"] for row in known]:
                return 400, {"error": f"there is no {field} {asked[field]}"}
        return 201, self.launch(asked)

    def _show(self, _: object, __: object, number: str) -> Answer:
        if number not in self.machines:
            return 404, {"error": f"there is no machine {number}"}
        return 200, self.machines[number]

    def _remove(self, _: object, __: object, number: str) -> Answer:
        if self.machines.pop(number, None) is None:
            return 404, {"error": f"there is no machine {number}"}
        return 200, {}

    def _console(self, query: object, body: object, number: str) -> Answer:
        status, row = self._show(query, body, number)
        return (status, {"text": f"{row['name']} has landed\n"} if status == 200 else row)

    def _act(self, query: object, body: object, number: str, verb: str) -> Answer:
        status, row = self._show(query, body, number)
        if status == 200:
            row["phase"] = PHASES[verb]
        return status, row


def _page(kind: str, rows: list[dict[str, Any]], query: dict[str, str]) -> Answer:
    ids = [row["id"] for row in rows]
    begin = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    end = begin + int(query.get("limit", 100))
    return 200, {kind: rows[begin:end], "more": end < len(rows)}


def serve(moon: Moon, port: int = 0) -> ThreadingHTTPServer:
    """Return an HTTP server for an account on loopback; call its `serve_forever`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            key = self.headers.get("X-Moon-Key")
            status, found = moon.answer(self.command, self.path, key, body)
            data = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = do_any  # noqa: N815

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


@contextmanager
def serving(moon: Moon) -> Iterator[str]:
    """Serve an account for as long as the context lasts; gives its address."""
    with serve(moon) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


if __name__ == "__main__":
    server = serve(Moon(machines=3))
    print(f"Moon is at http://127.0.0.1:{server.server_address[1]}, the key is demo")
    server.serve_forever()
