"""The Celery application: a queue for some users each, messages that survive, answers late."""

import hashlib
from typing import Any

import celery
from kombu.entity import Exchange, Queue

from cloudmesh_sdk.operations.amqp.broker import PATIENCE, transport

TASK = "cloudmesh.run"
"""The one task there is: run the operations of these ids."""

QUEUES = tuple(f"cloudmesh.user.{number:02x}" for number in range(64))
"""The queues. A worker takes from them in turn, so that nobody's many stand before one."""

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
    "broker_connection_timeout": PATIENCE,
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
    """Return an application that talks to the broker of a URI, as `transport` says.

    No connection is opened yet. Raises `ConfigError`, which never holds the URI.
    """
    options = transport(broker, cafile=cafile, certfile=certfile, keyfile=keyfile)
    app = celery.Celery("cloudmesh", broker=broker, set_as_current=False)
    app.conf.update(_SETTINGS)
    app.conf.broker_transport_options = options
    app.conf.task_queues = [_queue(name) for name in QUEUES]
    app.conf.task_default_queue = QUEUES[0]
    return app
