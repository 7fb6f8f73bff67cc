"""Publishing: the id of an operation goes into the queue of its user, and is confirmed."""

from collections.abc import Iterator
from contextlib import contextmanager

import amqp
import celery
import kombu

from cloudmesh_sdk.errors import UnavailableError
from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.operations.amqp.app import TASK, queue_of


class Publisher:
    """Sends messages for operations; safe to use from many threads."""

    def __init__(self, app: celery.Celery) -> None:
        self._app = app

    def publish(self, operation: Operation) -> None:
        """Send the message of an operation; raises `UnavailableError` if it is not confirmed."""
        with self._translated():
            self._app.send_task(TASK, [operation.id], queue=queue_of(operation.owner))

    def waiting(self, owner: str) -> bool:
        """Tell whether messages wait in the queue of a user."""
        with self._translated(), self._app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=4)
            try:
                found = connection.default_channel.queue_declare(queue_of(owner), passive=True)
            except amqp.exceptions.NotFound:  # no worker ever ran
                return False
            return bool(found.message_count)

    def close(self) -> None:
        """Give back connections."""
        self._app.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (kombu.exceptions.OperationalError, amqp.exceptions.AMQPError, OSError) as error:
            text = f"the broker at {self._where} does not answer: {error}"
            raise UnavailableError(text) from error

    @property
    def _where(self) -> str:
        connection = self._app.connection_for_write()
        return f"{connection.hostname}:{connection.port}"
