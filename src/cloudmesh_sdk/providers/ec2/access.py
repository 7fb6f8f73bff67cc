"""Who may come in, and from where: keypairs and security groups of EC2."""

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from cloudmesh_sdk.errors import ConflictError, InvalidRequestError, NotFoundError
from cloudmesh_sdk.models import Keypair, Rule, SecurityGroup
from cloudmesh_sdk.providers.base import Cloud, HasKeypairs, HasSecurityGroups
from cloudmesh_sdk.providers.ec2 import keys, network, records
from cloudmesh_sdk.providers.ec2.client import Client
from cloudmesh_sdk.providers.ec2.errors import code_of
from cloudmesh_sdk.providers.ec2.launch import listed


class Access(Cloud, HasKeypairs, HasSecurityGroups):
    """Keypairs and security groups of an account."""

    _client: Client

    def keypairs(self) -> Iterator[Keypair]:
        """Yield the keypairs of this account."""
        answer = self._client.call("DescribeKeyPairs", {"IncludePublicKey": "true"})
        found = self._client.part(answer, "DescribeKeyPairs", "keySet")
        yield from self._client.records("DescribeKeyPairs", records.keypair, found)

    def upload_key(self, name: str, public_key: str) -> Keypair:
        """Store a public key under a name; the same key again is no error."""
        if not keys.blob(public_key):
            raise InvalidRequestError(
                f"{self.name}: key {name} is no public key in OpenSSH form (ssh-ed25519 AAAA…)"
            )
        material = base64.b64encode(public_key.encode()).decode()
        params = {"KeyName": name, "PublicKeyMaterial": material}
        try:
            native = self._client.call("ImportKeyPair", params)
        except ConflictError as error:
            if code_of(error) != "InvalidKeyPair.Duplicate":
                raise
            native = self._same_key(name, public_key, error)
        whole = {**native, "publicKey": public_key}
        return self._client.records("ImportKeyPair", records.keypair, [whole])[0]

    def _same_key(self, name: str, public_key: str, taken: ConflictError) -> dict[str, Any]:
        answer = self._client.call(
            "DescribeKeyPairs", {**listed("KeyName", (name,)), "IncludePublicKey": "true"}
        )
        for native in self._client.part(answer, "DescribeKeyPairs", "keySet"):
            if keys.same(native, public_key):
                return dict(native)
        raise ConflictError(
            f"{self.name} has another key named {name}; delete it or take another name",
            request_id=taken.request_id,
        ) from taken

    def delete_key(self, name: str) -> None:
        try:
            self._client.call("DeleteKeyPair", {"KeyName": name})
        except NotFoundError:
            return

    def security_groups(self) -> Iterable[SecurityGroup]:
        return network.security_groups(self._client)

    def create_security_group(self, name: str, description: str) -> SecurityGroup:
        return network.create(self._client, name, description)

    def delete_security_group(self, group: SecurityGroup) -> None:
        network.delete(self._client, group.id)

    def allow(self, group: SecurityGroup, rule: Rule) -> None:
        network.change(self._client, "Authorize", group.id, rule)

    def revoke(self, group: SecurityGroup, rule: Rule) -> None:
        network.change(self._client, "Revoke", group.id, rule)
