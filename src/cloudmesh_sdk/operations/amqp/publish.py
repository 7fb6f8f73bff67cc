"""Publishing: ids of operations go into the queue of their user, which is confirmed."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import amqp
import celery

from cloudmesh_sdk.errors import ConfigError, UnavailableError
from cloudmesh_sdk.models import Operation
from cloudmesh_sdk.operations.amqp.app import TASK, queue_of
from cloudmesh_sdk.operations.amqp.refusals import ERRORS, meaning

_LOG = logging.getLogger(__name__)


class Publisher:
    """Sends messages for operations; safe to use from many threads."""

    def __init__(self, app: celery.Celery) -> None:
        self._app = app

    def publish(self, operations: Sequence[Operation]) -> None:
        """Send a message for operations of one user.

        Raises `UnavailableError` where it is not confirmed.
        """
        ids, (owner,) = [o.id for o in operations], {o.owner for o in operations}
        with self._translated():
            self._app.send_task(TASK, ids, queue=queue_of(owner))

    def waiting(self, owner: str) -> bool:
        """Tell whether messages wait in the queue of a user."""
        with self._translated(), self._app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=4)
            try:
                found = connection.default_channel.queue_declare(queue_of(owner), passive=True)
            except amqp.exceptions.NotFound:  # no worker ever ran
                return False
            return bool(found.message_count)

    def check(self) -> None:
        """Raise `ConfigError` where the broker will not let us in, however often it is asked.

        One that does not answer may come: that is told of, no more.
        """
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=4)
        except ERRORS as error:
            found = meaning(error)
            if found.lasting:
                raise ConfigError(f"the broker at {self._where} {found.text}") from error
            _LOG.warning("the broker at %s %s; it is waited for", self._where, found.text)

    def close(self) -> None:
        """Give back connections."""
        self._app.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ERRORS as error:
            text = f"the broker at {self._where} {meaning(error).text}"
            raise UnavailableError(text) from error

    @property
    def _where(self) -> str:
        connection = self._app.connection_for_write()
        return ":".join(str(part) for part in (connection.hostname, connection.port) if part)
