"""What every suite has: promises as test methods, and `lacks` for those that cannot be tried."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn

import pytest


class Suite:
    """Promises to inherit; give the fixtures that it asks for.

    A fixture that cannot be given is named in `lacks` with the reason: the promises that need it
    are taken out, the reason shows in the report. A promise itself may be named there too (its
    test's name without `test_`). Nothing is ever skipped in silence.
    """

    lacks: ClassVar[Mapping[str, str]] = {}
    """What cannot be given or kept → why, for people."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        missing = lacking(cls)
        for name, test in promises(cls).items():
            setattr(cls, name, None if name in missing else test)

    def test_lacks_names_promises_and_reasons(self) -> None:
        known = set[str]().union(*(needs(n, t) for n, t in promises(type(self)).items()))
        for lack, reason in self.lacks.items():
            assert lack in known, f"lacks[{lack!r}]: no promise or fixture of that name"
            assert reason.strip(), f"lacks[{lack!r}] must say why"


def promises(suite: type) -> dict[str, Callable[..., Any]]:
    """Return the test functions of a suite by name, also those that its `lacks` takes out."""
    found: dict[str, Callable[..., Any]] = {}
    for base in suite.__mro__:
        for name, value in vars(base).items():
            if name.startswith("test_") and inspect.isfunction(value):
                found.setdefault(name, value)
    return found


def lacking(suite: type[Suite]) -> dict[str, str]:
    """Return the tests that a suite's `lacks` takes out, with the reasons."""
    return {
        name: "; ".join(suite.lacks[lack] for lack in sorted(missing))
        for name, test in promises(suite).items()
        if (missing := needs(name, test) & suite.lacks.keys())
    }


def needs(name: str, test: Callable[..., Any]) -> set[str]:
    """Return what a `lacks` may name to take out this test: its fixtures and itself."""
    return {*inspect.signature(test).parameters, name.removeprefix("test_")} - {"self"}


def wanted(suite: object, fixture: str, what: str) -> NoReturn:
    """Fail a test whose fixture its author did not give, saying what to give."""
    name = type(suite).__name__
    pytest.fail(f"{name}: give the fixture `{fixture}` ({what}), or say in `lacks` why not")
