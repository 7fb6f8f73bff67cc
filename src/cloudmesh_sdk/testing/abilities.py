"""What a cloud promises that has an ability: a suite for each, to inherit beside `CloudSuite`."""

import base64
import os
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError
from cloudmesh_sdk.models import Keypair, Quota, Rule, SecurityGroup, Server, ServerState
from cloudmesh_sdk.providers.base import (
    Cloud,
    HasConsole,
    HasKeypairs,
    HasQuotas,
    HasSecurityGroups,
    HasSuspend,
)
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


class SecurityGroupSuite(CloudFixtures):
    """Promises of `HasSecurityGroups`."""

    @pytest.fixture
    def groups(self, cloud: Cloud) -> HasSecurityGroups:
        """Return the cloud as one with security groups."""
        assert isinstance(cloud, HasSecurityGroups)
        return cloud

    @pytest.fixture
    def group(self, groups: HasSecurityGroups) -> Iterator[SecurityGroup]:
        """Give a new group, deleted at last."""
        made = groups.create_security_group(f"kit-{uuid4().hex[:12]}", "of the kit")
        yield made
        groups.delete_security_group(made)

    def test_a_new_group_lets_nothing_in(
        self, cloud: Cloud, groups: HasSecurityGroups, group: SecurityGroup
    ) -> None:
        row = self._now(groups, group)
        check_record(row, SecurityGroup, cloud.name)
        assert (row.name, row.description) == (group.name, "of the kit")
        assert [rule for rule in row.rules if rule.direction == "ingress"] == []

    def test_rules_come_and_go_once(self, groups: HasSecurityGroups, group: SecurityGroup) -> None:
        ssh = Rule(from_port=22, to_port=22, remote="192.0.2.0/24")
        web = Rule(from_port=8000, to_port=8080)
        for rule in (ssh, web, ssh):
            groups.allow(group, rule)
        assert set(self._ports(groups, group)) == {22, 8000}
        assert len(self._ports(groups, group)) == 2
        assert {ssh, web} <= set(self._now(groups, group).rules)
        for _ in range(2):
            groups.revoke(group, ssh)
        assert self._ports(groups, group) == [8000]

    def test_deleting_a_group_twice_is_no_error(
        self, groups: HasSecurityGroups, group: SecurityGroup
    ) -> None:
        groups.delete_security_group(group)
        assert group.id not in [row.id for row in groups.security_groups()]
        groups.delete_security_group(group)

    def test_a_server_shows_its_groups(
        self, cloud: Cloud, group: SecurityGroup, started: Callable[..., Server]
    ) -> None:
        server = started(security_groups=(group.name,))
        assert {*self.seen(cloud, server).security_groups} & {group.name, group.id}
        cloud.delete(server)
        self.gone(cloud, server)

    def _now(self, groups: HasSecurityGroups, group: SecurityGroup) -> SecurityGroup:
        rows = groups.security_groups()
        (row,) = [row for row in rows if row.id == group.id]
        return row

    def _ports(self, groups: HasSecurityGroups, group: SecurityGroup) -> list[int | None]:
        rules = self._now(groups, group).rules
        return [rule.from_port for rule in rules if rule.direction == "ingress"]


class ConsoleSuite(CloudFixtures):
    """Promises of `HasConsole`."""

    def test_the_console_is_text(self, cloud: Cloud, started: Callable[..., Server]) -> None:
        assert isinstance(cloud, HasConsole)
        assert isinstance(cloud.console(started()), str)


class QuotaSuite(CloudFixtures):
    """Promises of `HasQuotas`."""

    def test_quotas_are_numbers_with_names(self, cloud: Cloud) -> None:
        assert isinstance(cloud, HasQuotas)
        quotas = list(cloud.quotas())
        assert quotas
        for quota in quotas:
            assert isinstance(quota, Quota)
            assert (quota.cloud, bool(quota.name)) == (cloud.name, True)
            assert quota.native
            for number in (quota.used, quota.limit):
                assert number is None or number >= 0, "unlimited is None, not a negative number"
        names = [quota.name for quota in quotas]
        assert len(set(names)) == len(names)


class SuspendSuite(CloudFixtures):
    """Promises of `HasSuspend`."""

    def test_suspend_and_resume(self, cloud: Cloud, started: Callable[..., Server]) -> None:
        server = started()
        assert isinstance(cloud, HasSuspend)
        cloud.suspend(server)
        self.until(cloud, server, ServerState.SUSPENDED)
        cloud.resume(server)
        self.until(cloud, server, ServerState.RUNNING)
