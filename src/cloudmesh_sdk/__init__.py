"""One mesh over many clouds, queues and provisioners."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudmesh_sdk.config import Config as Config
    from cloudmesh_sdk.errors import (
        AuthError as AuthError,
    )
    from cloudmesh_sdk.errors import (
        BackendError as BackendError,
    )
    from cloudmesh_sdk.errors import (
        BackendTimeoutError as BackendTimeoutError,
    )
    from cloudmesh_sdk.errors import (
        CloudmeshError as CloudmeshError,
    )
    from cloudmesh_sdk.errors import (
        ConfigError as ConfigError,
    )
    from cloudmesh_sdk.errors import (
        ConflictError as ConflictError,
    )
    from cloudmesh_sdk.errors import (
        InvalidRequestError as InvalidRequestError,
    )
    from cloudmesh_sdk.errors import (
        NotFoundError as NotFoundError,
    )
    from cloudmesh_sdk.errors import (
        PartialFailure as PartialFailure,
    )
    from cloudmesh_sdk.errors import (
        PluginError as PluginError,
    )
    from cloudmesh_sdk.errors import (
        PolicyError as PolicyError,
    )
    from cloudmesh_sdk.errors import (
        QuotaError as QuotaError,
    )
    from cloudmesh_sdk.errors import (
        StoreError as StoreError,
    )
    from cloudmesh_sdk.errors import (
        ThrottledError as ThrottledError,
    )
    from cloudmesh_sdk.errors import (
        UnavailableError as UnavailableError,
    )
    from cloudmesh_sdk.errors import (
        UnsupportedError as UnsupportedError,
    )
    from cloudmesh_sdk.fanout import Gathered as Gathered
    from cloudmesh_sdk.hooks import hookimpl as hookimpl
    from cloudmesh_sdk.mesh import Mesh as Mesh
    from cloudmesh_sdk.models import (
        Flavor as Flavor,
    )
    from cloudmesh_sdk.models import (
        Health as Health,
    )
    from cloudmesh_sdk.models import (
        Image as Image,
    )
    from cloudmesh_sdk.models import (
        Keypair as Keypair,
    )
    from cloudmesh_sdk.models import (
        Operation as Operation,
    )
    from cloudmesh_sdk.models import (
        OperationState as OperationState,
    )
    from cloudmesh_sdk.models import (
        Server as Server,
    )
    from cloudmesh_sdk.models import (
        ServerRequest as ServerRequest,
    )
    from cloudmesh_sdk.models import (
        ServerState as ServerState,
    )

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
        "Flavor", "Health", "Image", "Keypair", "Operation", "OperationState", "Server",
        "ServerRequest", "ServerState",
    ),
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
