"""What Slurm's commands find in their environment."""

from collections.abc import Mapping

_SQUEUE = (
    "ACCOUNT", "ALL", "ARRAY", "FEDERATION", "FORMAT", "FORMAT2", "LICENSES", "LOCAL", "NAMES",
    "PARTITION", "PRIORITY", "QOS", "SIBLING", "SORT", "STATES", "USERS",
)  # fmt: skip
_SCANCEL = (
    "ACCOUNT", "BATCH", "CRON", "CTLD", "FULL", "HURRY", "INTERACTIVE", "NAME", "PARTITION", "QOS",
    "STATE", "USER", "VERBOSE", "WCKEY",
)  # fmt: skip
_OTHERS = ("SACCT_FEDERATION", "SACCT_LOCAL", "SLURM_CLUSTERS", "SLURM_EXIT_ERROR")

ENVIRONMENT: Mapping[str, str | None] = {
    **dict.fromkeys(f"SQUEUE_{name}" for name in _SQUEUE),
    **dict.fromkeys(f"SCANCEL_{name}" for name in _SCANCEL),
    **dict.fromkeys(_OTHERS),
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "SLURM_TIME_FORMAT": "standard",
    "SLURM_BITSTR_LEN": "0",  # all indices of an array, not the first 64 letters of them
}
"""Times in UTC, and nothing that the user set to see less (squeue(1), scancel(1), sacct(1))."""

AS_USER: Mapping[str, str | None] = dict.fromkeys(
    ("SBATCH_WAIT", "SBATCH_DEBUG", "SBATCH_EXPORT", "SBATCH_ARRAY_INX", "SLURM_EXIT_ERROR")
)
"""For sbatch: the user's own, for the job inherits it; but nothing that makes sbatch wait, talk,
or submit another job than was asked for (sbatch(1))."""
