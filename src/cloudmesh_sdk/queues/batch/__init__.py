"""What schedulers that are used by commands share: running them, here or over SSH.

`scripts` has what a job's script and its options are made of, `values` how durations and sizes are
written, `xml` reads XML as schedulers write it, `records` and `refusals` have what is done with
jobs and with commands that fail.
"""

from cloudmesh_sdk.queues.batch import records, refusals, scripts, values, xml
from cloudmesh_sdk.queues.batch.base import BatchQueue, BatchSettings, CommandQueue
from cloudmesh_sdk.queues.batch.commands import Commands, Done, Here, Run

__all__ = [
    "BatchQueue", "BatchSettings", "CommandQueue", "Commands", "Done", "Here", "Run",
    "records", "refusals", "scripts", "values", "xml",
]  # fmt: skip
