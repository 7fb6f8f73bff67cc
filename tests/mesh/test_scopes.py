"""Who shares a list of jobs."""

from pathlib import Path

import pytest

from cloudmesh_sdk.config import Config, QueueConfig
from cloudmesh_sdk.errors import ConfigError
from cloudmesh_sdk.mesh.scopes import Scopes, scope

SECRET = "correct-horse"


def entry(text: str, name: str = "fg") -> QueueConfig:
    return Config.parse(f"queues: {{{name}: {{{text}}}}}").queues[name]


@pytest.mark.parametrize(
    ("mine", "yours"),
    [
        ("driver: slurm, host: login.a", "driver: slurm, host: login.a, user: berta"),
        ("driver: slurm, host: login.a", "driver: slurm, host: login.a, timeout: 5"),
        ("driver: slurm, host: login.a", "driver: slurm, host: login.a, interval: 60"),
        ("driver: slurm, host: login.a", "driver: slurm, host: login.a, identity: /k"),
        (
            "driver: slurm, url: 'https://a', token: one",
            "driver: slurm, url: 'https://a', token: two",
        ),
    ],
)
def test_who_means_the_same_manager_shares_its_list(mine: str, yours: str) -> None:
    assert scope(entry(mine), "albert") == scope(entry(yours), "berta")


@pytest.mark.parametrize(
    ("mine", "yours"),
    [
        ("driver: slurm, host: login.a", "driver: slurm, host: login.b"),
        ("driver: slurm, host: login.a", "driver: pbs, host: login.a"),
        ("driver: slurm, host: a, cluster: x", "driver: slurm, host: a, cluster: y"),
        ("driver: slurm, host: a, shared: false", "driver: slurm, host: a, shared: false"),
    ],
)
def test_who_means_another_one_or_sees_only_his_own_does_not(mine: str, yours: str) -> None:
    assert scope(entry(mine), "albert") != scope(entry(yours), "berta")


def test_another_name_is_another_list() -> None:
    text = "driver: slurm, host: login.a"
    assert scope(entry(text, "one"), "albert") != scope(entry(text, "two"), "albert")


def test_commands_that_run_here_are_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    here = scope(entry("driver: slurm"), "albert")
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    assert scope(entry("driver: slurm"), "albert") != here
    far = scope(entry("driver: slurm, host: login.a"), "albert")
    monkeypatch.undo()
    assert scope(entry("driver: slurm, host: login.a"), "albert") == far


def test_no_secret_is_in_a_scope() -> None:
    with_secret = entry(f"driver: slurm, url: 'https://a', token: {SECRET}")
    without = entry("driver: slurm, url: 'https://a'")
    assert scope(with_secret, "albert") == scope(without, "albert")


def test_an_entry_that_cannot_be_read_has_no_account(tmp_path: Path) -> None:
    text = "queues: {fg: {driver: slurm, from: 'clouds.yaml:none'}}"
    scopes = Scopes(Config.parse(text).queues, "albert")
    assert scopes.account("fg") is None
    with pytest.raises(ConfigError):
        _ = scopes["fg"]
    assert scopes.account("other") is None
