"""Operations: journalled before they go out, run in threads, found again after a crash."""

from cloudmesh_sdk.operations.act import Act
from cloudmesh_sdk.operations.acts import ACTS
from cloudmesh_sdk.operations.reconcile import due, reconcile, see
from cloudmesh_sdk.operations.runner import Runner, Task
from cloudmesh_sdk.operations.servers import SERVER_ACTS

__all__ = ["ACTS", "SERVER_ACTS", "Act", "Runner", "Task", "due", "reconcile", "see"]
