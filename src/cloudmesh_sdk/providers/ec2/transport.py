"""Connections to EC2, and answers read from them within their time."""

import time
from typing import Any

import urllib3
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

from cloudmesh_sdk.providers.ec2.errors import Late
from cloudmesh_sdk.providers.ec2.settings import Ec2Settings

_THREADS = 8
_CHUNK = 1 << 18


def pool(url: str, settings: Ec2Settings) -> urllib3.PoolManager:
    """Return the connections to an endpoint, by way of a proxy where the environment names one."""
    options: dict[str, Any] = {"maxsize": _THREADS, "cert_reqs": "CERT_NONE"}
    if settings.verify:
        trusted = settings.ca_bundle or get_cert_path(True)
        options |= {"cert_reqs": "CERT_REQUIRED", "ca_certs": trusted}
    proxy = get_environ_proxies(url).get(url.partition(":")[0])
    if proxy:
        return urllib3.ProxyManager(proxy, **options)
    return urllib3.PoolManager(**options)


def whole(response: urllib3.BaseHTTPResponse, end: float) -> bytes:
    """Return the body, read as it comes so that neither silence nor a trickle outlasts `end`."""
    chunks = []
    while chunk := response.read1(_CHUNK):
        chunks.append(chunk)
        left = end - time.monotonic()
        if left <= 0:
            raise Late("its time was over in the middle of the answer")
        if (socket := getattr(response.connection, "sock", None)) is not None:
            socket.settimeout(left)
    return b"".join(chunks)
