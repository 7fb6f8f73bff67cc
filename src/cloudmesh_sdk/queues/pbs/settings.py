"""What a PBS manager reads from the configuration."""

from typing import Literal

import attrs

from cloudmesh_sdk.options import option
from cloudmesh_sdk.queues.batch import BatchSettings


@attrs.frozen(kw_only=True)
class PbsSettings(BatchSettings):
    """Where a PBS is, and which one."""

    dialect: Literal["auto", "pbs", "torque"] = option(
        "whose commands these are: pbs (OpenPBS, PBS Professional) or torque; auto: qstat is asked",
        default="auto",
    )
