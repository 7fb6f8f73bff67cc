"""The user's own keys: none is lost, none is taken for another."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, NotFoundError
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.keys import Keys, same
from cloudmesh_sdk.models import Keypair, Server, ServerRequest
from cloudmesh_sdk.providers.base import HasKeypairs

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPlzqrPYtV6EIyRZ9xQiOhqxqrmMlVRbQ7MWFOXzcjwd albert"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlpqrPYtV6EIyRZ9xQiOhqxqrmMlVRbQ7MWFOXzcjwe other"


def _put(mesh: Mesh, cloud: str, public_key: str) -> HasKeypairs:
    driver = mesh.clouds[cloud]
    assert isinstance(driver, HasKeypairs)
    driver.delete_key("laptop")
    driver.upload_key("laptop", public_key)
    return driver


def test_keys_that_are_added_at_once_are_all_kept(mesh: Mesh) -> None:
    settings = mesh.store.settings
    slow = Keys(settings, mesh.user)
    read = slow.all()  # what another process knew before
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: Keys(settings, mesh.user).add(f"k.{n}", KEY), range(6)))
    assert read == {}
    assert sorted(slow.all()) == [f"k.{n}" for n in range(6)]
    slow.delete("k.3")
    assert sorted(slow.all()) == ["k.0", "k.1", "k.2", "k.4", "k.5"]
    with pytest.raises(NotFoundError, match=r"there is no key 'k\.3'"):
        slow.delete("k.3")
    with pytest.raises(InvalidRequestError, match="name of the key is empty"):
        slow.add(" ", KEY)


def test_adding_a_key_writes_that_key_alone(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []
    monkeypatch.setattr(
        mesh.store.settings, "set_default", lambda owner, scope, key, value: written.append(value)
    )
    Keys(mesh.store.settings, mesh.user).add("laptop", KEY)
    assert written == [KEY]


def test_another_key_of_the_same_name_is_no_login(mesh: Mesh) -> None:
    _put(mesh, "india", OTHER)
    mesh.add_key("laptop", KEY)
    with pytest.raises(ConflictError, match=r"india has another key called 'laptop' than yours"):
        mesh.start(cloud="india")
    assert mesh.operations() == []
    assert mesh.start(cloud="sierra").one().key == "laptop"
    (key, *_) = mesh.keys()
    assert key.clouds == ("sierra",)


def test_a_key_that_was_put_right_since_is_asked_for_again(mesh: Mesh) -> None:
    _put(mesh, "india", OTHER)
    mesh.keypairs("india")  # the view knows the other one
    mesh.add_key("laptop", KEY)
    _put(mesh, "india", KEY)
    assert mesh.start(cloud="india").one().key == "laptop"
    (key, *_) = mesh.keys()
    assert key.clouds == ("india",)


def test_a_key_that_was_taken_off_a_cloud_since_is_brought_again(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.add_key("laptop", KEY)
    mesh.start(cloud="india", key="laptop").complete()
    driver = mesh.clouds["india"]
    assert isinstance(driver, HasKeypairs)
    start, refused = driver.start, []

    def strict(request: ServerRequest) -> Server:
        if request.key not in [row.name for row in driver.keypairs()]:
            refused.append(request.key)
            raise InvalidRequestError("Invalid key_name provided")
        return start(request)

    monkeypatch.setattr(driver, "start", strict)
    driver.delete_key("laptop")
    assert mesh.start(cloud="india", key="laptop").one().key == "laptop"
    assert refused == ["laptop"]


def test_what_is_refused_for_another_reason_is_sent_once(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.add_key("laptop", KEY)
    sent: list[ServerRequest] = []

    def refusing(request: ServerRequest) -> Server:
        sent.append(request)
        raise InvalidRequestError("no such zone")

    monkeypatch.setattr(mesh.clouds["india"], "start", refusing)
    with pytest.raises(InvalidRequestError, match="no such zone"):
        mesh.start(cloud="india", key="laptop")
    assert len(sent) == 1


def test_a_key_that_only_the_cloud_has_may_be_named(mesh: Mesh) -> None:
    _put(mesh, "india", OTHER)
    assert mesh.start(cloud="india", key="laptop").one().key == "laptop"
    with pytest.raises(NotFoundError, match="india has no keypair 'lapto'; did you mean laptop"):
        mesh.start(cloud="india", key="lapto")


def test_what_a_cloud_shows_of_a_key_is_compared_where_it_can_be() -> None:
    packed = base64.b64decode(KEY.split()[1])
    digest = base64.b64encode(hashlib.sha256(packed).digest()).decode()
    md5 = hashlib.md5(packed, usedforsecurity=False).hexdigest()
    colons = ":".join(md5[i : i + 2] for i in range(0, 32, 2))

    def shows(fingerprint: str | None = None, public_key: str | None = None) -> bool | None:
        pair = Keypair(cloud="c", id="k", name="k", fingerprint=fingerprint, public_key=public_key)
        return same(KEY, pair)

    assert shows(public_key=" ".join(KEY.split()[:2]) + " another comment") is True
    assert shows(public_key=OTHER) is False
    assert shows("SHA256:" + digest.rstrip("=")) is True
    assert shows(digest) is True  # as EC2 writes it
    assert shows("SHA256:" + "A" * 43) is False
    assert shows(colons) is True
    assert shows("MD5:" + colons.upper()) is True
    assert shows(":".join(["00"] * 16)) is None  # EC2's are of another form of the key
    assert shows(":".join(["00"] * 20)) is None
    assert shows() is None
