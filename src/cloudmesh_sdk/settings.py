"""From options of the configuration to a driver's `Settings`: names, types, secrets."""

import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

from cloudmesh_sdk.errors import ConfigError, near
from cloudmesh_sdk.options import Option, describe
from cloudmesh_sdk.references import resolve

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def build(settings: type, options: Mapping[str, Any], *, where: str) -> Any:
    """Return a driver's settings; secrets are fetched now.

    Raises `ConfigError` for an unknown option (with near names), a missing one (all at once), a
    value of a wrong type, a secret that cannot be had. `where` begins the message.
    """
    known = describe(settings)
    for name in options:
        if name not in known:
            raise ConfigError(f"{where}.{name}: the driver has no such option; {near(name, known)}")
    lacking = [o.name for o in known.values() if o.required and options.get(o.name) is None]
    if lacking:
        raise ConfigError(f"{where}: the driver needs {', '.join(lacking)}")
    return settings(
        **{name: _value(known[name], value, f"{where}.{name}") for name, value in options.items()}
    )


def _value(option: Option, value: Any, where: str) -> Any:
    if option.secret:
        value = resolve(value, where=where)
    fitted = _fit(value, option.type)
    if fitted is _NO:
        found = "a secret of another type" if option.secret else repr(value)
        wanted = _wanted(option.type)
        hint = "; put quotes around it" if "a text" in wanted and not _holds(value) else ""
        raise ConfigError(f"{where}: {wanted} was wanted, found {found}{hint}")
    return fitted


_NO = object()


def _fit(value: Any, wanted: Any) -> Any:  # noqa: PLR0911 - a table of types would be longer
    """Return the value as the wanted type has it, or `_NO`."""
    origin = get_origin(wanted)
    if origin in (Union, types.UnionType):
        fits = (_fit(value, choice) for choice in get_args(wanted))
        return next((fit for fit in fits if fit is not _NO), _NO)
    if origin is Literal:
        return value if value in get_args(wanted) else _NO
    if origin is tuple:
        items = [_fit(item, get_args(wanted)[0]) for item in value] if _listed(value) else [_NO]
        return _NO if _NO in items else tuple(items)
    if wanted is type(None):
        return None if value is None else _NO
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted is int and isinstance(value, bool):
        return _NO
    if wanted is str and isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # digits; a number with a point may have been written otherwise (1.10)
    return value if wanted is Any or isinstance(value, origin or wanted) else _NO


def _listed(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _holds(value: Any) -> bool:
    return _listed(value) or isinstance(value, Mapping)


def _wanted(wanted: Any) -> str:
    if get_origin(wanted) in (Union, types.UnionType):
        choices = (c for c in get_args(wanted) if c is not type(None))
        return " or ".join(map(_wanted, choices))
    if get_origin(wanted) is Literal:
        return f"one of {', '.join(map(str, get_args(wanted)))}"
    if get_origin(wanted) is tuple:
        return "a list"
    return _WORDS.get(wanted, "a mapping")
