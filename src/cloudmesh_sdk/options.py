"""How a driver describes what it reads from the configuration.

A driver's `Settings` is a frozen attrs class whose fields are made with `option`; configuration
checks, `cm register` prompts and the documentation all come from it.
"""

from typing import Any

import attrs

_KEY = "cloudmesh"


def option(help: str, *, default: Any = attrs.NOTHING, secret: bool = False) -> Any:  # noqa: A002
    """Declare one setting of a driver; a secret one never shows in a repr."""
    return attrs.field(
        default=default,
        kw_only=True,
        repr=not secret,
        metadata={_KEY: {"help": help, "secret": secret}},
    )


@attrs.frozen(kw_only=True)
class Option:
    """One setting of a driver, as users are told about it."""

    name: str
    help: str
    type: Any
    required: bool
    default: Any
    secret: bool


def describe(settings: type) -> dict[str, Option]:
    """Return the options of a `Settings` class by name, in order."""
    attrs.resolve_types(settings)
    return {field.name: _option(field) for field in attrs.fields(settings)}


def _option(field: "attrs.Attribute[Any]") -> Option:
    notes = field.metadata.get(_KEY, {})
    default = field.default
    required = default is attrs.NOTHING
    return Option(
        name=field.name,
        help=notes.get("help", ""),
        type=field.type,
        required=required,
        default=None if required else default,
        secret=notes.get("secret", False),
    )
