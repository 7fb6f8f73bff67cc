"""What a cloud promises that keeps public SSH keys."""

import base64
import os
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError
from cloudmesh_sdk.models import Keypair, Server
from cloudmesh_sdk.providers.base import Cloud, HasKeypairs
from cloudmesh_sdk.testing.clouds import CloudFixtures
from cloudmesh_sdk.testing.listing import check_record


def public_key() -> str:
    """Return a new public key (OpenSSH form) that nobody has the other half of."""
    kind = b"ssh-ed25519"
    parts = (kind, os.urandom(32))
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return f"{kind.decode()} {base64.b64encode(blob).decode()} kit@example.org"


class KeypairSuite(CloudFixtures):
    """Promises of `HasKeypairs`."""

    @pytest.fixture
    def keys(self, cloud: Cloud) -> HasKeypairs:
        """Return the cloud as one with keypairs."""
        assert isinstance(cloud, HasKeypairs)
        return cloud

    @pytest.fixture
    def key(self, keys: HasKeypairs) -> Iterator[str]:
        """Give a name for a keypair, forgotten at last."""
        name = f"kit-{uuid4().hex[:12]}"
        yield name
        keys.delete_key(name)

    def test_an_uploaded_key_is_listed(self, cloud: Cloud, keys: HasKeypairs, key: str) -> None:
        made = keys.upload_key(key, public_key())
        (row,) = [row for row in keys.keypairs() if row.name == key]
        check_record(row, Keypair, cloud.name)
        assert made.name == row.name == row.id == key
        assert row.fingerprint
        assert made.fingerprint == row.fingerprint

    def test_the_same_key_again_is_no_error(self, keys: HasKeypairs, key: str) -> None:
        text = public_key()
        assert keys.upload_key(key, text) == keys.upload_key(key, text)
        assert [row.name for row in keys.keypairs()].count(key) == 1

    def test_another_key_of_the_name_is_a_conflict(self, keys: HasKeypairs, key: str) -> None:
        first = keys.upload_key(key, public_key())
        with pytest.raises(ConflictError):
            keys.upload_key(key, public_key())
        (row,) = [row for row in keys.keypairs() if row.name == key]
        assert row.fingerprint == first.fingerprint

    def test_what_is_no_key_is_refused(self, keys: HasKeypairs, key: str) -> None:
        with pytest.raises(InvalidRequestError):
            keys.upload_key(key, "this is no key")

    def test_deleting_a_key_twice_is_no_error(self, keys: HasKeypairs, key: str) -> None:
        keys.upload_key(key, public_key())
        keys.delete_key(key)
        assert key not in [row.name for row in keys.keypairs()]
        keys.delete_key(key)

    def test_a_server_shows_its_key(
        self, cloud: Cloud, keys: HasKeypairs, key: str, started: Callable[..., Server]
    ) -> None:
        keys.upload_key(key, public_key())
        assert self.seen(cloud, started(key=key)).key == key
