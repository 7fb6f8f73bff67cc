"""What the memory cloud reads from the configuration, and the errors it can be told to raise."""

import attrs

from cloudmesh_sdk import errors
from cloudmesh_sdk.errors import BackendError, ConfigError, near
from cloudmesh_sdk.options import option

FAULTS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, BackendError)
}
"""What `fail` may name."""


@attrs.frozen(kw_only=True)
class MemorySettings:
    """What the memory cloud reads from the configuration; all may be left out."""

    servers: int = option("How many servers a new cloud starts with", default=0)
    page: int = option("How many records one answer holds", default=1000)
    boot: float = option("Seconds until a started server runs", default=0.0)
    quota: int | None = option("Most servers of the account; none for no limit", default=None)
    file: str | None = option(
        "JSON file that keeps the cloud; processes may share it", default=None
    )
    timeout: float = option("Seconds to wait for an answer", default=30.0)
    latency: float = option("Seconds that every call takes", default=0.0)
    hang: float = option("Seconds of silence on top of that, to practise", default=0.0)
    fail: str | bool = option(
        "To practise: the error that every call raises (AuthError …; true: UnavailableError)",
        default="",
    )
    lose: int = option("To practise: how many starts are done but never answered", default=0)
    password: str = option("Not needed; shows how secrets are kept", default="", secret=True)


_LEAST = {
    "servers": 0, "page": 1, "boot": 0, "quota": 0, "timeout": 0, "latency": 0, "hang": 0,
    "lose": 0,
}  # fmt: skip
"""The least that a setting may be."""


def check(settings: MemorySettings, cloud: str) -> type[BackendError] | None:
    """Return the error that every call raises; raises `ConfigError` where a setting is wrong."""
    for name, least in _LEAST.items():
        value = getattr(settings, name)
        if value is not None and not least <= value < float("inf"):
            raise ConfigError(f"{cloud}.{name}: {least} or more was wanted, found {value}")
    return fault(settings.fail)


def fault(fail: str | bool) -> type[BackendError] | None:
    """Return the error that `fail` names, None where it names none; raises `ConfigError`."""
    if isinstance(fail, bool):
        return FAULTS["UnavailableError"] if fail else None
    if fail and fail not in FAULTS:
        raise ConfigError(f"fail: there is no error named {fail!r}; {near(fail, FAULTS)}")
    return FAULTS.get(fail)
