"""Which image, flavor, cloud is meant, and why."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from cloudmesh_sdk.errors import ConfigError, NotFoundError, UnavailableError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.defaults import suggest_flavor, suggest_image
from cloudmesh_sdk.models import Flavor, Image
from cloudmesh_sdk.providers.memory import MemoryCloud

Make = Callable[[str], Mesh]


def test_layers_from_the_nearest_to_the_farthest(make: Make) -> None:
    mesh = make(
        "clouds: {a: {driver: memory, defaults: {flavor: m1.large}}, b: {driver: memory}}\n"
        "defaults: {flavor: m1.small}\n"
    )
    assert mesh.default("flavor", cloud="a").value == "m1.large"
    assert mesh.default("flavor", cloud="b").value == "m1.small"
    mesh.default("flavor", "m1.medium")
    assert mesh.default("flavor", cloud="a").source == "set for all clouds"
    mesh.default("flavor", "m1.tiny", cloud="a")
    assert mesh.default("flavor", cloud="a").source == "set for a"
    assert mesh.unset("flavor", cloud="a").value == "m1.medium"
    mesh.unset("flavor")
    assert mesh.default("flavor", cloud="a").value == "m1.large"


def test_a_default_of_the_file_names_its_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("config") / "cloudmesh.yaml"
    path.write_text("clouds:\n  a:\n    driver: memory\n    defaults:\n      flavor: m1.large\n")
    with Mesh.open("memory", config=str(path)) as mesh:
        source = mesh.default("flavor", cloud="a").source
    assert source == f"{path}:5: clouds.a.defaults.flavor"


def test_with_nothing_set_something_fitting_is_found_and_explained(mesh: Mesh) -> None:
    assert mesh.default("cloud").value == "india"
    assert mesh.default("cloud").source == "the first active cloud"
    image = mesh.default("image", cloud="india")
    assert image.source == "the newest of a common family"
    assert "ubuntu" in mesh.image("india", image.value).name
    flavor = mesh.default("flavor", cloud="india")
    assert flavor.source == "the smallest that runs the image"


def test_what_was_used_last_is_used_again(mesh: Mesh) -> None:
    mesh.start(cloud="india", flavor="m1.medium")
    told = mesh.default("flavor", cloud="india")
    assert mesh.flavor("india", told.value).name == "m1.medium"
    assert told.source == "last used at india"


def test_a_default_that_is_gone_says_where_it_came_from(mesh: Mesh) -> None:
    mesh.default("image", "no-such-image", cloud="india")
    with pytest.raises(
        NotFoundError, match=r"no image 'no-such-image'.*default image: set for ind"
    ):
        mesh.start(cloud="india")


def test_an_unknown_default_or_cloud_is_refused(mesh: Mesh) -> None:
    with pytest.raises(ConfigError, match="no default 'flavour'; did you mean flavor"):
        mesh.default("flavour", "x")
    with pytest.raises(ConfigError, match="there is no cloud 'indai'"):
        mesh.default("cloud", "indai")


def test_active_is_true_or_false_for_one_cloud(mesh: Mesh) -> None:
    assert mesh.default("active", "false", cloud="india").value is False
    assert [*mesh.active] == ["sierra"]
    mesh.default("active", True, cloud="india")
    assert [*mesh.active] == ["india", "sierra"]
    for nonsense in ("maybe", 1, ["false"]):
        with pytest.raises(ConfigError, match="active is true or false, not"):
            mesh.default("active", nonsense, cloud="india")
    with pytest.raises(ConfigError, match="active holds for one cloud; name it"):
        mesh.default("active", False)
    mesh.store.settings.set_default(mesh.user, "", "active", False)  # by an earlier release
    assert mesh.default("active", cloud="india").value is True
    mesh.unset("active", cloud="india")
    assert mesh.default("active", cloud="off").value is False


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("image", 7, "image is a text, not 7"),
        ("flavor", " ", "flavor is a text, not ' '"),
        ("networks", ["a", 1], "networks is a list of texts, not"),
        ("security_groups", {"a": 1}, "security_groups is a list of texts, not"),
    ],
)
def test_a_default_of_another_type_is_refused(
    mesh: Mesh, key: str, value: object, wanted: str
) -> None:
    with pytest.raises(ConfigError, match=wanted):
        mesh.default(key, value, cloud="india")
    mesh.default("networks", ("a", "b"), cloud="india")
    assert mesh.default("networks", cloud="india").value == ["a", "b"]


def test_all_defaults_are_listed_once(mesh: Mesh) -> None:
    mesh.default("image", "x")
    listed = {(d.cloud, d.key): d.value for d in mesh.defaults()}
    assert listed["", "image"] == "x"
    assert ("india", "image") not in listed
    assert listed["sierra", "flavor"] == "m1.large"
    assert listed["", "prefix"] == "albert"


def test_the_image_of_a_newcomer() -> None:
    def image(name: str, year: int, architecture: str = "x86_64") -> Image:
        made = datetime(year, 1, 1, tzinfo=UTC)
        return Image(cloud="c", id=name, name=name, architecture=architecture, created=made)

    images = [
        image("windows-2025", 2026),
        image("debian-13", 2026),
        image("ubuntu-22.04", 2022),
        image("ubuntu-24.04-arm", 2026, "arm64"),
        image("ubuntu-24.04", 2024),
    ]
    suggested = suggest_image(images)
    assert suggested is not None
    assert suggested.name == "ubuntu-24.04"
    assert suggest_image([]) is None
    same_day = [image("ubuntu-14.04", 2026), image("ubuntu-24.04", 2026), image("ubuntu-9", 2026)]
    newest = suggest_image(same_day)
    assert newest is not None
    assert newest.name == "ubuntu-24.04"


def test_the_flavor_of_a_newcomer_runs_the_image() -> None:
    def flavor(name: str, ram: int, *architectures: str, gpus: int = 0) -> Flavor:
        return Flavor(
            cloud="c", id=name, name=name, vcpus=1, ram=ram, gpus=gpus, architectures=architectures
        )

    image = Image(cloud="c", id="i", name="i", architecture="x86_64", min_ram=1024)
    flavors = [
        flavor("nano", 256, "x86_64"),
        flavor("arm", 1024, "arm64"),
        flavor("gpu", 1024, "x86_64", gpus=1),
        flavor("small", 2048, "x86_64"),
    ]
    suggested = suggest_flavor(flavors, image)
    assert suggested is not None
    assert suggested.name == "small"


@pytest.mark.parametrize(
    ("key", "value", "near"),
    [
        ("flavor", "m1.lrage", "m1.large"),
        ("security_groups", ["web", "shpo"], "shop"),
        ("networks", "publci", "public"),
    ],
)
def test_a_default_that_its_cloud_lacks_is_refused_with_near_names(
    mesh: Mesh, key: str, value: object, near: str
) -> None:
    for name in ("web", "shop"):
        mesh.create_security_group(name, cloud="india")
    mesh.refresh("india", ["flavors", "networks"])
    with pytest.raises(NotFoundError, match=f"did you mean {near}"):
        mesh.default(key, value, cloud="india")
    assert mesh.default(key, cloud="india").source != "set for india"
    mesh.default(key, value)  # for all clouds: some may have it


def test_a_default_that_came_since_the_last_list_is_taken(mesh: Mesh) -> None:
    mesh.security_groups("india")
    cloud = mesh.clouds["india"]
    assert isinstance(cloud, MemoryCloud)
    cloud.create_security_group("new", "")
    assert mesh.default("security_groups", "new", cloud="india").value == "new"


def test_a_default_for_a_cloud_that_is_silent_is_taken(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.flavors("india")

    def silent() -> None:
        raise UnavailableError("not now")

    monkeypatch.setattr(mesh.clouds["india"], "flavors", silent)
    assert mesh.default("flavor", "m9.new", cloud="india").value == "m9.new"


def test_a_zone_is_a_text(mesh: Mesh) -> None:
    assert mesh.default("zone", "nova", cloud="india").source == "set for india"
    with pytest.raises(ConfigError, match="zone is a text, not 7"):
        mesh.default("zone", 7)
