"""Drivers by name."""

from importlib.metadata import EntryPoint
from typing import Any

import pytest
from stevedore import NamedExtensionManager

from cloudmesh_sdk import plugins
from cloudmesh_sdk.errors import PluginError
from cloudmesh_sdk.providers.memory import MemoryCloud


def _point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "cloudmesh.providers")


@pytest.fixture
def extra(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """More entry points than are installed."""
    points: list[EntryPoint] = []
    real = NamedExtensionManager.list_entry_points

    def more(self: NamedExtensionManager[Any]) -> list[EntryPoint]:
        return [*real(self), *points]

    monkeypatch.setattr(NamedExtensionManager, "list_entry_points", more)
    return points


def test_our_drivers_are_there() -> None:
    assert {"memory", "ec2", "libcloud"} <= set(plugins.names("providers"))
    assert plugins.load("providers", "memory") is MemoryCloud


def test_an_unknown_name_gets_near_ones() -> None:
    with pytest.raises(PluginError, match=r"no driver named 'memroy' .*did you mean memory"):
        plugins.load("providers", "memroy")


def test_a_broken_driver_says_why_and_hides_no_other(extra: list[EntryPoint]) -> None:
    extra.append(_point("broken", "no_such_module_anywhere:Cloud"))
    with pytest.raises(PluginError, match=r"broken .* does not import: No module named"):
        plugins.load("providers", "broken")
    told = {plugin.name: plugin.error for plugin in plugins.check("providers")}
    assert "does not import" in told["broken"]
    assert told["memory"] == ""


def test_a_missing_extra_is_named(extra: list[EntryPoint]) -> None:
    extra.append(_point("azure", "cloudmesh_sdk.no_such_room:Cloud"))
    with pytest.raises(PluginError, match=r"pip install 'cloudmesh-sdk\[azure\]'"):
        plugins.load("providers", "azure")


def test_two_of_one_name_are_refused(extra: list[EntryPoint]) -> None:
    extra.append(_point("memory", "other.package:Memory"))
    with pytest.raises(PluginError, match="several plug-ins call themselves 'memory'"):
        plugins.load("providers", "memory")


def test_third_parties_can_be_left_out(
    extra: list[EntryPoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    extra.append(_point("theirs", "other.package:Cloud"))
    assert "theirs" in plugins.names("providers")
    monkeypatch.setenv("CLOUDMESH_PLUGINS", "")
    assert "theirs" not in plugins.names("providers")
    assert "memory" in plugins.names("providers")
