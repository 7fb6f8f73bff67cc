"""A real EC2 API server on loopback: moto's, in a process of its own.

Its checks of images, key pairs and instance types are off by default and are turned on here.
"""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_CHECKS = {
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
}
_SERVE = """
import sys, threading
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""
_START = 90.0


@contextmanager
def moto_server() -> Iterator[str]:
    """Give the URL of a fresh server; it ends with the block, and with this process."""
    command = [sys.executable, "-W", "ignore", "-c", _SERVE]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # its end tells the server to stop, however we end
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **_CHECKS},
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), "moto's server did not start"
            _answers(url)
            yield url
        finally:
            process.kill()


def _answers(url: str) -> None:
    end = time.monotonic() + _START
    while True:
        try:
            with urllib.request.urlopen(f"{url}/moto-api/", timeout=_START):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """Give the URL of one moto server for the whole test run."""
    with moto_server() as url:
        yield url
