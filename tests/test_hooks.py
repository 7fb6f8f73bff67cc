"""Plug-ins hear what happens, and only hooks that exist."""

import sys
import types
from importlib.metadata import EntryPoint

import pytest

from cloudmesh_sdk import hooks
from cloudmesh_sdk.errors import PluginError
from cloudmesh_sdk.models import ServerRequest


def _module(monkeypatch: pytest.MonkeyPatch, name: str, **functions: object) -> EntryPoint:
    module = types.ModuleType(name)
    for key, function in functions.items():
        setattr(module, key, function)
    monkeypatch.setitem(sys.modules, name, module)
    return EntryPoint(name, name, "cloudmesh.hooks")


def test_the_first_answer_chooses_the_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    @hooks.hookimpl
    def choose_cloud(candidates: list[str], request: ServerRequest | None) -> str:
        assert request is None
        return candidates[-1]

    point = _module(monkeypatch, "greedy", choose_cloud=choose_cloud)
    hook = hooks.manager([point]).hook
    assert hook.choose_cloud(candidates=["a", "b"], request=None) == "b"
    assert hooks.manager().hook.choose_cloud(candidates=["a"], request=None) is None


def test_a_misspelt_hook_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    @hooks.hookimpl
    def server_strated(server: object) -> None:
        """Never called."""

    point = _module(monkeypatch, "typo", server_strated=server_strated)
    with pytest.raises(PluginError, match=r"does not fit.*server_strated"):
        hooks.manager([point])


def test_a_plug_in_that_does_not_import_is_named() -> None:
    point = EntryPoint("gone", "no_such_module_anywhere", "cloudmesh.hooks")
    with pytest.raises(PluginError, match="hook plug-in gone does not import"):
        hooks.manager([point])


def test_the_sound_ones_are_kept_and_the_others_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    good = _module(monkeypatch, "good", add_commands=hooks.hookimpl(lambda: None))
    gone = EntryPoint("gone", "no_such_module_anywhere", "cloudmesh.hooks")
    assert hooks.sound([gone, good]) == [good]
    assert "left out: hook plug-in gone does not import" in caplog.text
