"""A MongoDB on TCP as a group would host one: a replica set, TLS alone, users with passwords."""

import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from tests.labs.tls import Authority

from cloudmesh_sdk.services import kin
from cloudmesh_sdk.store.mongo import binary

PATIENCE = 60.0
_ROOT = "geheim-root"


def _joined(certificate: Path, key: Path) -> Path:
    """Return a file with both, as MongoDB's options want them."""
    both = certificate.with_name(f"{certificate.stem}.both.pem")
    both.touch(0o600)
    both.write_text(certificate.read_text() + key.read_text())
    return both


class TlsMongo:
    """A server for `localhost` and nothing else; its user's password has odd characters."""

    password = "pw @/:%40-geheim"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = Authority(directory / "ca", "tests")
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]

    def client_certificate(self, authority: Authority) -> Path:
        """Return a file with a certificate for a client and its key."""
        return _joined(*authority.issue("client"))

    def uri(self, *, password: str = "", host: str = "localhost", **options: str) -> str:
        """Return where it listens, as docs/hosting.md tells it, with other options perhaps."""
        login = f"cloudmesh:{quote(password or self.password, safe='')}"
        given = {
            "replicaSet": "rs0", "authSource": "cloudmesh", "tls": "true",
            "tlsCAFile": str(self.authority.certificate), **options,
        }  # fmt: skip
        words = "&".join(f"{k}={quote(v, safe='')}" for k, v in given.items() if v)
        return f"mongodb://{login}@{host}:{self._port}/?{words}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let it run, with its user made."""
        server = _joined(*self.authority.issue("server", "localhost"))
        key, data = self.directory / "keyfile", self.directory / "db"
        key.touch(0o600)
        key.write_text(secrets.token_hex(256))
        data.mkdir()
        with (self.directory / "mongod.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    binary.find(), "--dbpath", data, "--port", str(self._port),
                    "--bind_ip", "127.0.0.1", "--nounixsocket", "--replSet", "rs0",
                    "--auth", "--keyFile", key, "--tlsMode", "requireTLS",
                    "--tlsCertificateKeyFile", server, "--tlsCAFile", self.authority.certificate,
                    "--tlsAllowConnectionsWithoutCertificates",
                    "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "16",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        try:
            self._set_up()
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def root(self, login: str = f"root:{_ROOT}@") -> MongoClient[dict[str, Any]]:
        """Return a client that may do everything."""
        tls = f"tls=true&tlsCAFile={quote(str(self.authority.certificate), safe='')}"
        return MongoClient(f"mongodb://{login}localhost:{self._port}/?directConnection=true&{tls}")

    def _set_up(self) -> None:
        member = {"_id": 0, "host": f"localhost:{self._port}"}
        with self.root(login="") as client:
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
            assert kin.until(lambda: _is_primary(client), PATIENCE)
            client.admin.command("createUser", "root", pwd=_ROOT, roles=["root"])
        roles = [{"role": "readWrite", "db": "cloudmesh"}]  # no more than the page gives it
        with self.root() as client:
            client["cloudmesh"].command("createUser", "cloudmesh", pwd=self.password, roles=roles)


def _is_primary(client: MongoClient[dict[str, Any]]) -> bool:
    return bool(client.admin.command("hello").get("isWritablePrimary"))


@contextmanager
def running_mongo() -> Iterator[TlsMongo]:
    """Give a running server; it is stopped at the end, and its directory removed."""
    mongo = TlsMongo(Path(tempfile.mkdtemp(prefix="cm-mongo-tls-")))
    with mongo.running():
        yield mongo
    shutil.rmtree(mongo.directory)  # one that failed is kept, for its log
