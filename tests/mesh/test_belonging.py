"""An entry that comes to mean another account: what the former one had is not shown as its own."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
import yaml

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import CloudmeshError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.models import OperationState, Server
from cloudmesh_sdk.providers.memory import MemoryCloud, MemorySettings
from cloudmesh_sdk.store.memory import MemoryStore

Meant = Callable[..., Mesh]


class Branch(MemoryCloud):
    """A cloud whose servers are those of the project that it was opened for."""

    def __init__(self, name: str, settings: dict[str, str]) -> None:
        super().__init__(name, MemorySettings(servers=1))
        self.project = settings.get("project_name", "")

    def servers(self) -> Iterator[Server]:
        self.calls += 1
        made = next(iter(super().servers()))
        yield attrs.evolve(made, id=f"id-{self.project}", name=f"of-{self.project}")


@pytest.fixture
def meant(monkeypatch: pytest.MonkeyPatch) -> Iterator[Meant]:
    """Makes meshes on one store, for an entry `india` with some options."""
    from cloudmesh_sdk import plugins
    from cloudmesh_sdk.mesh import registry

    monkeypatch.setattr(plugins, "load", lambda *_: Branch)
    monkeypatch.setattr(Branch, "Settings", dict, raising=False)
    monkeypatch.setattr(registry, "build", lambda _, options, where: options)
    store = MemoryStore()

    def made(**options: str) -> Mesh:
        text = yaml.safe_dump({"clouds": {"india": {"driver": "branch", **options}}})
        return Mesh(Config.parse(text), store, user="albert")

    yield made
    store.close()


def names(mesh: Mesh) -> list[str]:
    return [server.name for server in mesh.servers()]


def test_another_projects_servers_are_not_shown_as_this_ones(meant: Meant) -> None:
    assert names(meant(project_name="physics")) == ["of-physics"]
    other = meant(project_name="chemistry")
    assert names(other) == ["of-chemistry"]
    assert [s.name for s in other.servers(missing=True)] == ["of-chemistry"]


def test_a_refresh_by_changes_does_not_keep_another_projects_servers(meant: Meant) -> None:
    meant(project_name="physics").refresh()
    other = meant(project_name="chemistry")
    other.refresh(kinds="servers")
    assert names(other) == ["of-chemistry"]


def test_a_server_of_another_project_cannot_be_deleted_by_its_name(meant: Meant) -> None:
    assert names(meant(project_name="physics")) == ["of-physics"]
    with pytest.raises(CloudmeshError, match="no server 'of-physics'"):
        meant(project_name="chemistry").delete("of-physics")


def test_what_was_used_last_in_another_project_is_no_default(meant: Meant) -> None:
    first = meant(project_name="physics")
    first.refresh()
    first._defaults.used("india", {"image": "img-0001", "networks": ["net-of-physics"]})
    first.default("flavor", "m1.large", cloud="india")
    other = meant(project_name="chemistry")
    other.refresh()
    assert other.default("networks", cloud="india").value is None
    assert other.default("flavor", cloud="india").value == "m1.large"


def test_what_only_tunes_keeps_the_view(meant: Meant) -> None:
    assert names(meant(project_name="physics")) == ["of-physics"]
    tuned = meant(project_name="physics", timeout="5", password="other", cacert="/ca.pem")
    assert names(tuned) == ["of-physics"]
    assert not tuned.clouds._open, "nothing was asked"


def test_the_variables_of_another_shell_mean_another_account(
    meant: Meant, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"from": "environment"}
    monkeypatch.setenv("OS_AUTH_URL", "https://keystone.example.org/v3")
    monkeypatch.setenv("OS_PROJECT_NAME", "physics")
    assert names(meant(**entry)) == ["of-physics"]
    monkeypatch.setenv("OS_PROJECT_NAME", "chemistry")
    assert names(meant(**entry)) == ["of-chemistry"]


def test_an_entry_that_cannot_be_read_shows_what_was_seen(
    meant: Meant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entry = {"from": "environment"}
    with monkeypatch.context() as shell:
        shell.setenv("OS_AUTH_URL", "https://keystone.example.org/v3")
        shell.setenv("OS_PROJECT_NAME", "physics")
        assert names(meant(**entry)) == ["of-physics"]
    assert names(meant(**entry)) == ["of-physics"]


def test_no_secret_is_kept_of_an_account(meant: Meant) -> None:
    mesh = meant(project_name="physics", password="open-sesame")
    mesh.refresh()
    kept = mesh.store.settings.defaults("albert")["india"]
    assert (
        kept
        == meant(project_name="physics", password="another").store.settings.defaults("albert")[
            "india"
        ]
    )
    assert "sesame" not in str(kept)
    assert "physics" not in str(kept)


def test_what_became_of_an_act_is_not_asked_of_another_account(meant: Meant) -> None:
    first = meant(project_name="physics")
    first.start(name="mine", image="debian-13")
    (asked,) = first.operations()
    assert asked.account
    left = first.store.journal.change(
        asked, state=OperationState.RUNNING, runner="elsewhere/1/1", finished=None,
        lease=datetime.now(UTC) - timedelta(hours=1),
    )  # fmt: skip
    assert left is not None
    assert meant(project_name="chemistry").reconcile() == []
    assert first.operation(asked.id).state is OperationState.RUNNING
    assert [o.id for o in meant(project_name="physics").reconcile()] == [asked.id]
