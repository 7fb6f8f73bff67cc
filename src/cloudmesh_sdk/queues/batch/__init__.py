"""What schedulers that are used by commands share: running them, here or over SSH.

`scripts` has what a job's script and its options are made of.
"""

from cloudmesh_sdk.queues.batch import scripts
from cloudmesh_sdk.queues.batch.base import BatchQueue, BatchSettings, CommandQueue
from cloudmesh_sdk.queues.batch.commands import Commands, Done, Here

__all__ = ["BatchQueue", "BatchSettings", "CommandQueue", "Commands", "Done", "Here", "scripts"]
