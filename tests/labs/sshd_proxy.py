"""What lies between a client and its server: a way that can be slow, fall silent, or break."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CHUNK = 16_384
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Passes connections on to a port; each change counts for those that are open, too."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.slow = 0.0
        """Seconds that each piece waits."""
        self.heard: Callable[[bytes, bool], None] = lambda data, to_server: None
        """Is shown each piece before it is passed on."""
        self.connections = 0
        """How many were made so far."""
        self._silent = threading.Event()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._over = False
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._spawn(self._take)

    def cut(self) -> None:
        """Break all connections, as a router does that restarts: both sides get a reset."""
        for pair in self._pairs:
            for end in pair:
                _reset(end)

    def inject(self, data: bytes) -> None:
        """Send something to all clients that is not the server's."""
        for client, _ in self._pairs:
            with contextlib.suppress(OSError):
                client.sendall(data)

    def silence(self) -> None:
        """Pass nothing on any more, and say nothing: a cable that was pulled."""
        self._silent.set()

    def speak(self) -> None:
        """Pass on again what comes from now on."""
        self._silent.clear()

    def close(self) -> None:
        """End all of it."""
        self._over = True
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut()
        for thread in self._threads:
            thread.join()
        for pair in self._pairs:
            for end in pair:
                end.close()

    def _spawn(self, what: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=what, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _take(self) -> None:
        while not self._over:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                _reset(client)
                client.close()
                continue
            self._pairs.append((client, server))
            self._spawn(self._pass, client, server, True)
            self._spawn(self._pass, server, client, False)

    def _pass(self, source: socket.socket, target: socket.socket, to_server: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                if self.slow:
                    time.sleep(self.slow)
                self.heard(data, to_server)
                if not self._silent.is_set():
                    target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Give a proxy before a port; it ends with the block."""
    made = Proxy(target)
    try:
        yield made
    finally:
        made.close()
