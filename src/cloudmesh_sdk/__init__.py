"""One mesh over many clouds, queues and provisioners."""

TYPE_CHECKING = False  # type checkers take it for true; importing typing costs 20 modules
if TYPE_CHECKING:
    from cloudmesh_sdk.config import Config as Config
    from cloudmesh_sdk.errors import (
        AuthError as AuthError,
        BackendError as BackendError,
        BackendTimeoutError as BackendTimeoutError,
        CloudmeshError as CloudmeshError,
        ConfigError as ConfigError,
        ConflictError as ConflictError,
        InvalidRequestError as InvalidRequestError,
        NotFoundError as NotFoundError,
        PartialFailure as PartialFailure,
        PluginError as PluginError,
        PolicyError as PolicyError,
        QuotaError as QuotaError,
        StoreError as StoreError,
        ThrottledError as ThrottledError,
        UnavailableError as UnavailableError,
        UnsupportedError as UnsupportedError,
    )
    from cloudmesh_sdk.fanout import Gathered as Gathered
    from cloudmesh_sdk.hooks import hookimpl as hookimpl
    from cloudmesh_sdk.mesh import Mesh as Mesh
    from cloudmesh_sdk.models import (
        Action as Action,
        Flavor as Flavor,
        FloatingIP as FloatingIP,
        Health as Health,
        Image as Image,
        Job as Job,
        JobRequest as JobRequest,
        JobState as JobState,
        Keypair as Keypair,
        Network as Network,
        Node as Node,
        NodeState as NodeState,
        Operation as Operation,
        OperationState as OperationState,
        Port as Port,
        QueueInfo as QueueInfo,
        QueueState as QueueState,
        Quota as Quota,
        RawAnswer as RawAnswer,
        Router as Router,
        Rule as Rule,
        SecurityGroup as SecurityGroup,
        Server as Server,
        ServerRequest as ServerRequest,
        ServerState as ServerState,
        Snapshot as Snapshot,
        Subnet as Subnet,
        Volume as Volume,
        VolumeRequest as VolumeRequest,
        Zone as Zone,
    )
    from cloudmesh_sdk.wire import Exchange as Exchange

__version__ = "0.1.0"

_HOMES = {
    "config": ("Config",),
    "errors": (
        "AuthError", "BackendError", "BackendTimeoutError", "CloudmeshError", "ConfigError",
        "ConflictError", "InvalidRequestError", "NotFoundError", "PartialFailure", "PluginError",
        "PolicyError", "QuotaError", "StoreError", "ThrottledError", "UnavailableError",
        "UnsupportedError",
    ),
    "fanout": ("Gathered",),
    "hooks": ("hookimpl",),
    "mesh": ("Mesh",),
    "models": (
        "Action", "Flavor", "FloatingIP", "Health", "Image", "Job", "JobRequest", "JobState",
        "Keypair", "Network", "Node", "NodeState", "Operation", "OperationState", "Port",
        "QueueInfo", "QueueState", "Quota", "RawAnswer", "Router", "Rule", "SecurityGroup",
        "Server", "ServerRequest", "ServerState", "Snapshot", "Subnet", "Volume", "VolumeRequest",
        "Zone",
    ),
    "wire": ("Exchange",),
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME, "__version__"])  # noqa: PLE0605

if not TYPE_CHECKING:  # else type checkers believe that every name exists

    def __getattr__(name):  # noqa: ANN001, ANN202
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
