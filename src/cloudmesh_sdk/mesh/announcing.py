"""Telling a broker of operations that wait."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cloudmesh_sdk.errors import PluginError, UnavailableError
from cloudmesh_sdk.models import Health, Operation

if TYPE_CHECKING:
    from cloudmesh_sdk.config import Config
    from cloudmesh_sdk.mesh import Mesh
    from cloudmesh_sdk.operations.amqp.line import Line
    from cloudmesh_sdk.store.base import Store


def application(config: "Config") -> Any:
    """Return the Celery application of a configuration; raises `ConfigError`, `PluginError`."""
    try:
        from cloudmesh_sdk.operations.amqp.app import application as opened
    except ImportError as error:
        raise _lacking() from error
    return opened(config.tasks.uri(), **config.tasks.certificates())


def check_broker(config: "Config") -> Health:
    """Ask the broker of a configuration who it is and who we are there.

    Raises `ConfigError` where it refuses us, `UnavailableError` where it does not answer, and
    `PluginError`.
    """
    try:
        from cloudmesh_sdk.operations.amqp.broker import look  # not Celery, which is slow to import
    except ImportError as error:
        raise _lacking() from error
    return look(config.tasks.uri(), **config.tasks.certificates())


def _lacking() -> PluginError:
    return PluginError(
        "a broker needs Celery, which is not installed: pip install 'cloudmesh-sdk[tasks]'"
    )


def line(config: "Config", store: "Store", app: Any) -> "Line":
    """Return the line of those who wait for the services of a configuration."""
    from cloudmesh_sdk.limits import Limits
    from cloudmesh_sdk.operations.amqp.line import Line
    from cloudmesh_sdk.operations.amqp.publish import Publisher

    def limit(cloud: str) -> int:
        entry = config.queues.get(cloud) or config.clouds.get(cloud)
        return Limits().parallel if entry is None else entry.limits.parallel

    return Line(store=store, limit=limit, publish=Publisher(app).publish)


class Announcer:
    """Tells the broker of operations that wait."""

    def __init__(self, mesh: "Mesh") -> None:
        self._app = application(mesh.config)
        self._line = line(mesh.config, mesh.store, self._app)

    def announce(self, operations: Sequence[Operation]) -> UnavailableError | None:
        """Let those begin for whom there are slots; return why nobody could be told.

        Then they wait in the journal, and a worker finds them there.
        """
        places = dict.fromkeys((o.cloud, o.account) for o in operations)
        try:
            for cloud, account in places:
                self._line.fill(cloud, account)
        except UnavailableError as error:
            text = f"{error}; {len(operations)} operations wait in the journal until it takes them"
            return UnavailableError(text)
        return None

    def close(self) -> None:
        """Give back connections."""
        self._app.close()
