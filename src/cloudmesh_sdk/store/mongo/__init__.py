"""The store in MongoDB: a server of one's own by URI, or an embedded one for one user.

`MongoStore` is resolved on first use, so that the keeper of the embedded server stays small.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudmesh_sdk.store.mongo.store import MongoStore as MongoStore

__all__ = ["MongoStore"]

if not TYPE_CHECKING:  # else type checkers believe that every name exists

    def __getattr__(name):  # noqa: ANN001, ANN202
        if name != "MongoStore":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from cloudmesh_sdk.store.mongo.store import MongoStore

        return MongoStore
