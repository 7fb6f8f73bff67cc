"""Slurm: by its commands (here or over SSH), by slurmrestd, or by pyslurm."""

from cloudmesh_sdk.queues.slurm.queue import SlurmQueue
from cloudmesh_sdk.queues.slurm.settings import SlurmSettings

__all__ = ["SlurmQueue", "SlurmSettings"]
