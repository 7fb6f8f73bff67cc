"""cloudmesh.yaml as frozen settings: knows files and the environment, no network.

The file is the path given, else `CLOUDMESH_CONFIG`, else `cloudmesh.yaml` in the user's
configuration directory. Without a file there are no clouds and the profile is the login name.
Every mistake is a `ConfigError` that names file, line and key.
"""

import getpass
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, Self

import attrs
import platformdirs
import yaml

from cloudmesh_sdk.errors import ConfigError, near
from cloudmesh_sdk.references import is_reference
from cloudmesh_sdk.sources import expand

Lines = Mapping[tuple[str, ...], int]
"""Path of a key → its line, counted from 1."""

_SECRET = re.compile(r"password|passphrase|secret|token|api_?key", re.IGNORECASE)
_OURS = ("driver", "from", "active", "defaults")
_TOP = ("profile", "store", "clouds", "queues", "provisioners", "defaults")


@attrs.frozen(kw_only=True)
class Place:
    """A file and the lines of its keys: what an error message needs."""

    path: Path | None = None
    lines: Lines = attrs.field(factory=dict, repr=False)

    def at(self, *key: str) -> str:
        """Return `file:line: a.b.c` of a key, or of the nearest one above it that is there."""
        shown = ".".join(key)
        if self.path is None:
            return shown
        for end in range(len(key), 0, -1):
            if key[:end] in self.lines:
                return f"{self.path}:{self.lines[key[:end]]}: {shown}"
        return f"{self.path}: {shown}"

    def wrong(self, message: str, *key: str) -> NoReturn:
        """Raise a `ConfigError` about a key."""
        raise ConfigError(f"{self.at(*key)}: {message}" if key else f"{self.path}: {message}")


@attrs.frozen(kw_only=True)
class Profile:
    """Who the user is; server names begin with `prefix`."""

    username: str = attrs.field(factory=getpass.getuser)
    email: str = ""
    prefix: str = attrs.field(default=attrs.Factory(lambda self: self.username, takes_self=True))


@attrs.frozen(kw_only=True)
class CloudConfig:
    """One cloud of the file: its driver, and the options that the driver will read."""

    name: str
    driver: str
    options: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    active: bool = True
    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    where: Place = attrs.field(factory=Place, repr=False)


@attrs.frozen(kw_only=True)
class Config:
    """The whole configuration."""

    path: Path | None = None
    profile: Profile = attrs.field(factory=Profile)
    store: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Options of the store (`uri`, `directory` …)."""
    clouds: Mapping[str, CloudConfig] = attrs.field(factory=dict)
    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    warnings: tuple[str, ...] = ()
    """What is not wrong but should be otherwise, such as a secret in clear text."""
    where: Place = attrs.field(factory=Place, repr=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """Read a file; left out, `CLOUDMESH_CONFIG` or the user's own, which need not exist."""
        asked = path or os.environ.get("CLOUDMESH_CONFIG")
        file = Path(asked).expanduser() if asked else default_path()
        if not asked and not file.exists():
            return cls()
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{file}: is not UTF-8: {error.reason} at {error.start}") from error
        return cls.parse(text, path=file)

    @classmethod
    def parse(cls, text: str, *, path: Path | None = None) -> Self:
        """Return the configuration that a text describes; `path` is for messages."""
        data, place = _read(text, path)
        _known(data, _TOP, place)
        clouds = _section(data, "clouds", place)
        return cls(
            path=path,
            profile=_profile(_section(data, "profile", place), place),
            store=_section(data, "store", place),
            clouds={name: _cloud(name, entry, place) for name, entry in clouds.items()},
            defaults=_section(data, "defaults", place),
            warnings=tuple(_clear_text(data, (), place)),
            where=place,
        )

    def username(self) -> str:
        """Return the user name of the profile, else the login name."""
        return self.profile.username


def default_path() -> Path:
    """Return where the user's own cloudmesh.yaml is, or would be."""
    return Path(platformdirs.user_config_dir("cloudmesh")) / "cloudmesh.yaml"


def _read(text: str, path: Path | None) -> tuple[dict[str, Any], Place]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    lines: dict[tuple[str, ...], int] = {}
    try:
        node = loader.get_single_node()
        data = {} if node is None else _plain(node, (), lines, loader.construct_object)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = error.problem or error.context
        raise ConfigError(f"{where}: this is not YAML: {problem}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: this is not YAML: {error}") from error
    finally:
        loader.dispose()
    place = Place(path=path, lines=lines)
    if not isinstance(data, dict):
        place.wrong(f"a mapping was wanted, found {_word(data)}")
    return data, place


def _plain(
    node: yaml.Node,
    key: tuple[str, ...],
    lines: dict[tuple[str, ...], int],
    scalar: Callable[..., Any],
) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, key, lines, scalar) for item in node.value]
    if not isinstance(node, yaml.MappingNode):
        return scalar(node)
    found: dict[str, Any] = {}
    for name_node, value_node in node.value:
        name = str(name_node.value)  # as written: a cloud may be called `on`
        inner = (*key, name)
        if name in found:
            raise yaml.MarkedYAMLError(
                problem=f"the key {'.'.join(inner)} stands here a second time",
                problem_mark=name_node.start_mark,
            )
        lines[inner] = name_node.start_mark.line + 1
        found[name] = _plain(value_node, inner, lines, scalar)
    return found


def _word(value: Any) -> str:
    names = {
        dict: "a mapping", list: "a list", str: "a text", bool: "true or false",
        int: "a number", float: "a number",
    }  # fmt: skip
    return "nothing" if value is None else names.get(type(value), type(value).__name__)


def _section(data: Mapping[str, Any], name: str, place: Place) -> dict[str, Any]:
    found = data.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        place.wrong(f"a mapping was wanted, found {_word(found)}", name)
    return found


def _known(data: Mapping[str, Any], names: tuple[str, ...], place: Place, *key: str) -> None:
    for name in data:
        if name not in names:
            place.wrong(f"no such key; {near(name, names)}", *key, name)


def _profile(data: dict[str, Any], place: Place) -> Profile:
    _known(data, ("username", "email", "prefix"), place, "profile")
    for name, value in data.items():
        if not isinstance(value, str) or not value:
            place.wrong(f"a text was wanted, found {_word(value)}", "profile", name)
    return Profile(**data)


def _cloud(name: str, entry: Any, place: Place) -> CloudConfig:
    key = ("clouds", name)
    if not isinstance(entry, dict):
        place.wrong(f"a mapping with a driver was wanted, found {_word(entry)}", *key)
    driver = entry.get("driver")
    if not isinstance(driver, str):
        place.wrong("the name of a driver is missing (driver: …)", *key)
    active = entry.get("active", True)
    if not isinstance(active, bool):
        place.wrong(f"true or false was wanted, found {_word(active)}", *key, "active")
    options = {option: value for option, value in entry.items() if option not in _OURS}
    if "from" in entry:
        base = expand(entry["from"], where=place.at(*key, "from"))
        options = {**base, **options}
    return CloudConfig(
        name=name,
        driver=driver,
        options=options,
        active=active,
        defaults=_section(entry, "defaults", place),
        where=place,
    )


def _clear_text(data: Any, key: tuple[str, ...], place: Place) -> list[str]:
    if isinstance(data, dict):
        return [w for name, value in data.items() for w in _clear_text(value, (*key, name), place)]
    if key and isinstance(data, str) and _SECRET.search(key[-1]) and not is_reference(data):
        return [f"{place.at(*key)}: a secret in clear text; use env:, file:, keyring: or cmd:"]
    return []
