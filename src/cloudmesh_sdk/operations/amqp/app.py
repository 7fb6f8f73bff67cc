"""The Celery application: a queue for some users each, messages that survive, answers late."""

import hashlib
import ssl
from typing import Any
from urllib.parse import urlsplit

import celery
from kombu.entity import Exchange, Queue

from cloudmesh_sdk.errors import ConfigError

TASK = "cloudmesh.run"
"""The one task there is: run the operations of these ids."""

QUEUES = tuple(f"cloudmesh.user.{number:02x}" for number in range(64))
"""The queues. A worker takes from them in turn, so that nobody's many stand before one."""

_PATIENCE = 4.0
"""Seconds that a broker has to answer who wants to publish."""

_SETTINGS: dict[str, Any] = {
    # what is confirmed is on disk, and stays until it was run
    "task_default_delivery_mode": "persistent",
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_create_missing_queues": False,
    # whoever is free takes one; a process holds no more than it runs
    "worker_prefetch_multiplier": 1,
    "worker_disable_rate_limits": True,  # the store keeps those of clouds
    # the journal knows what came of it, and nothing else is told anybody
    "task_ignore_result": True,
    "task_store_errors_even_if_ignored": False,
    "result_backend": None,
    "worker_send_task_events": False,
    "worker_enable_remote_control": False,
    "task_serializer": "json",
    "accept_content": ["json"],
    # a broker that is away is waited for, however long
    "broker_connection_timeout": _PATIENCE,
    "broker_connection_retry": True,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_heartbeat": 30,
    # what runs while it is away goes on: its second message finds that it has a runner
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.2},
    "worker_hijack_root_logger": False,
    "worker_log_color": False,
    "broker_pool_limit": 2,
}


def _queue(name: str) -> Any:
    made: Any = Queue
    exchange: Any = Exchange
    return made(name, exchange("cloudmesh", type="direct"), routing_key=name)


def queue_of(owner: str) -> str:
    """Return the queue of a user: always the same one."""
    digest = hashlib.blake2b(owner.encode(), digest_size=2).digest()
    return QUEUES[int.from_bytes(digest, "big") % len(QUEUES)]


def application(
    broker: str,
    *,
    cafile: str | None = None,
    certfile: str | None = None,
    keyfile: str | None = None,
) -> celery.Celery:
    """Return an application that talks to the broker of a URI; no connection is opened yet.

    `amqps://` is always verified: by `cafile`, else by the authorities that the system trusts;
    `certfile` and `keyfile` show who we are. Raises `ConfigError`, which never holds the URI.
    """
    scheme, host = urlsplit(broker).scheme, urlsplit(broker).hostname
    if scheme not in ("amqp", "amqps") or not host:
        raise ConfigError("the broker's URI must begin with amqp:// or amqps://, and name a host")
    if scheme == "amqp" and (cafile or certfile):
        raise ConfigError(
            "tasks names certificates, but the broker's URI begins with amqp://, which encrypts "
            "nothing; write amqps:// or leave them out"
        )
    app = celery.Celery("cloudmesh", broker=broker, set_as_current=False)
    app.conf.update(_SETTINGS)
    app.conf.broker_transport_options = {"confirm_publish": True, "confirm_timeout": _PATIENCE}
    app.conf.task_queues = [_queue(name) for name in QUEUES]
    app.conf.task_default_queue = QUEUES[0]
    if scheme == "amqps":
        _check(cafile, certfile, keyfile)
        # here and not in broker_use_ssl: a pooled connection is reused for equal options only
        app.conf.broker_transport_options["ssl"] = {
            "cert_reqs": ssl.CERT_REQUIRED, "ca_certs": cafile, "server_hostname": host,
            "certfile": certfile, "keyfile": keyfile,
        }  # fmt: skip
    return app


def _check(cafile: str | None, certfile: str | None, keyfile: str | None) -> None:
    """Raise `ConfigError` where a file of certificates is none that can be used.

    Else the first connection would fail, in words of OpenSSL that name no file.
    """
    named = "tasks.cafile", cafile
    try:
        context = ssl.create_default_context(cafile=cafile)
        if certfile is not None:
            named = "tasks.certfile", certfile
            context.load_cert_chain(certfile, keyfile, password="")  # never asks a terminal
    except OSError as error:  # those of OpenSSL are, too
        key, path = named
        beside = f" (its key: {keyfile})" if keyfile and key == "tasks.certfile" else ""
        why = "it is no PEM file of that" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(f"{key} {path}{beside} cannot be used: {why}") from error
