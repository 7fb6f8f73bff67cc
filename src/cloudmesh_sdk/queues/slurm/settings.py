"""What a Slurm manager reads from the configuration."""

from typing import Literal

import attrs

from cloudmesh_sdk.options import option
from cloudmesh_sdk.queues.batch import BatchSettings


@attrs.frozen(kw_only=True)
class SlurmSettings(BatchSettings):
    """Where a Slurm is, and which way it is asked."""

    transport: Literal["auto", "command", "rest", "pyslurm"] = option(
        "how Slurm is asked: command, rest, pyslurm; auto: what there is", default="auto"
    )
    cluster: str | None = option("cluster, where there are several", default=None)
    url: str | None = option("address of slurmrestd, such as http://login:6820", default=None)
    socket: str | None = option("Unix socket of slurmrestd, in place of url", default=None)
    token: str | None = option(
        "token for slurmrestd, as `scontrol token` prints it", default=None, secret=True
    )
    slurm_user: str | None = option(
        "whose token that is; left out: your user name here", default=None
    )
    api_version: str | None = option(
        "version of slurmrestd's interface, such as v0.0.38; left out: the newest of both",
        default=None,
    )
    verify: bool = option("check slurmrestd's certificate", default=True)
    cacert: str | None = option("file of the authority that signed it", default=None)
