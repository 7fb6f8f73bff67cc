"""Which image, flavor, key … is meant when none is named, and where that comes from.

Looked up in this order: set for the cloud, set for all clouds, the cloud's entry in the
configuration, its `defaults`, what was used last at the cloud, what fits best of what is there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import attrs

from cloudmesh_sdk.config import DEFAULTS, Config, Entry
from cloudmesh_sdk.errors import ConfigError, near
from cloudmesh_sdk.models import Flavor, Image
from cloudmesh_sdk.store.base import Settings

KEYS = (*DEFAULTS, "active")
"""What can have a default."""

LISTS = ("security_groups", "networks")
"""Defaults that are a list of texts; `active` is true or false, all others are a text."""

_TRUTH: Mapping[Any, bool] = {
    True: True, "true": True, "yes": True, "on": True,
    False: False, "false": False, "no": False, "off": False,
}  # fmt: skip
"""Words for `active`."""

PER_CLOUD = ("image", "flavor", "key", "security_groups", "networks")
"""Defaults that are remembered as last used at a cloud."""

_FAMILIES = ("ubuntu", "debian", "rocky", "alma", "centos", "amzn", "al2023")
"""Images that a newcomer can use, most wanted first."""

_LEAST_RAM = 512
"""MiB below which common images do not start."""


@attrs.frozen(kw_only=True)
class Default:
    """A default and where it comes from; value None means there is none."""

    columns: ClassVar[tuple[str, ...]] = ("cloud", "key", "value", "source")

    key: str
    cloud: str = ""
    value: Any = None
    source: str = "nothing is set"


class Defaults:
    """The layers of one user's defaults."""

    def __init__(self, config: Config, settings: Settings, owner: str) -> None:
        self._config = config
        self._settings = settings
        self._owner = owner

    def get(self, key: str, cloud: str = "") -> Default:
        """Return a default as far as anything names it."""
        return self._pick(key, cloud, self._settings.defaults(self._owner))

    def active(self) -> tuple[str, ...]:
        """Return the names of the clouds that are on."""
        kept = self._settings.defaults(self._owner)
        return tuple(c for c in self._config.clouds if self._pick("active", c, kept).value)

    def all(self, clouds: Sequence[str]) -> list[Default]:
        """Return every default that is set, for the user and for each cloud."""
        kept = self._settings.defaults(self._owner)
        found = [self._pick(key, cloud, kept) for cloud in ("", *clouds) for key in KEYS]
        general = {d.key: d for d in found if not d.cloud}
        return [
            d
            for d in found
            if d.value is not None
            and (
                not d.cloud or (d.value, d.source) != (general[d.key].value, general[d.key].source)
            )
        ]

    def set(self, key: str, value: Any, cloud: str = "") -> Default:
        """Set a default (None: unset) and return what then holds; raises `ConfigError`."""
        self.check(key)
        if value is not None:
            value = _checked(key, value, cloud)
        self._settings.set_default(self._owner, cloud, key, value)
        return self.get(key, cloud)

    def used(self, cloud: str, values: Mapping[str, Any]) -> None:
        """Remember what was used at a cloud, where that is new."""
        kept = self._settings.defaults(self._owner).get(cloud, {})
        for key in PER_CLOUD:
            value = values.get(key)
            if value and kept.get(f"last_{key}") != value:
                self._settings.set_default(self._owner, cloud, f"last_{key}", value)

    def check(self, key: str) -> None:
        """Raise `ConfigError` with near names where nothing has such a default."""
        if key not in KEYS:
            raise ConfigError(f"there is no default {key!r}; {near(key, KEYS, what='there')}")

    def _pick(self, key: str, cloud: str, kept: Mapping[str, Mapping[str, Any]]) -> Default:
        self.check(key)
        for look in _LAYERS:
            found = look(self._config, kept, key, cloud)
            if found is not None:
                value, source = found
                return Default(key=key, cloud=cloud, value=value, source=source)
        return Default(key=key, cloud=cloud)


def _checked(key: str, value: Any, cloud: str) -> Any:
    """Return a value as it is kept, or raise `ConfigError` where it is none for its key."""
    if key == "active":
        if not cloud:
            raise ConfigError("active holds for one cloud; name it (--cloud NAME)")
        word = value.strip().lower() if isinstance(value, str) else value
        if not isinstance(word, str | bool) or word not in _TRUTH:
            raise ConfigError(f"active is true or false, not {value!r}")
        return _TRUTH[word]
    if key in LISTS and isinstance(value, list | tuple):
        if not all(isinstance(item, str) and item.strip() for item in value):
            raise ConfigError(f"{key} is a list of texts, not {value!r}")
        return list(value)
    if not isinstance(value, str) or not value.strip():
        what = "list of texts" if key in LISTS else "text"
        raise ConfigError(f"{key} is a {what}, not {value!r}")
    return value


_Kept = Mapping[str, Mapping[str, Any]]
_Found = tuple[Any, str] | None


def _set_for_cloud(_: Config, kept: _Kept, key: str, cloud: str) -> _Found:
    value = kept.get(cloud, {}).get(key) if cloud else None
    return None if value is None else (value, f"set for {cloud}")


def _set_for_all(_: Config, kept: _Kept, key: str, __: str) -> _Found:
    value = kept.get("", {}).get(key) if key != "active" else None
    return None if value is None else (value, "set for all clouds")


def _cloud_entry(config: Config, _: _Kept, key: str, cloud: str) -> _Found:
    entry: Entry | None = config.clouds.get(cloud) or config.queues.get(cloud)
    if entry is None:
        return None
    if key == "active":
        return (entry.active, entry.where.at(entry.section, cloud, "active"))
    value = entry.defaults.get(key)
    return None if value is None else (value, entry.where.at(entry.section, cloud, "defaults", key))


def _configured(config: Config, _: _Kept, key: str, __: str) -> _Found:
    value = config.defaults.get(key)
    return None if value is None else (value, config.where.at("defaults", key))


def _profile(config: Config, _: _Kept, key: str, __: str) -> _Found:
    return (config.profile.prefix, "the profile") if key == "prefix" else None


def _last(_: Config, kept: _Kept, key: str, cloud: str) -> _Found:
    value = kept.get(cloud, {}).get(f"last_{key}") if cloud else None
    return None if value is None else (value, f"last used at {cloud}")


_LAYERS: Sequence[Callable[[Config, _Kept, str, str], _Found]] = (
    _set_for_cloud, _set_for_all, _cloud_entry, _configured, _profile, _last,
)  # fmt: skip


def suggest_image(images: Sequence[Image]) -> Image | None:
    """Return an image that a newcomer can use: a known family, public, x86_64, the newest."""

    def rank(image: Image) -> tuple[Any, ...]:
        name = image.name.lower()
        family = next((i for i, word in enumerate(_FAMILIES) if word in name), len(_FAMILIES))
        made = image.created.timestamp() if image.created else 0.0
        version = tuple(-int(number) for number in re.findall(r"\d+", name)[:4])
        return (image.architecture not in (None, "x86_64"), family, -made, version, image.name)

    return min(images, key=rank, default=None)


def suggest_flavor(flavors: Sequence[Flavor], image: Image | None) -> Flavor | None:
    """Return the smallest flavor that can run an image: least price, cores, memory."""
    architecture = image.architecture if image else None
    least = max(_LEAST_RAM, (image.min_ram or 0) if image else 0)

    def rank(flavor: Flavor) -> tuple[Any, ...]:
        fits = not flavor.architectures or architecture in (None, *flavor.architectures)
        enough = flavor.ram is None or flavor.ram >= least
        price = flavor.price if flavor.price is not None else float("inf")
        size = (flavor.gpus, price, flavor.vcpus or 0, flavor.ram or 0)
        return (not fits, not enough, *size, flavor.name)

    return min(flavors, key=rank, default=None)
