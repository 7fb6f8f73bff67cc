"""A RabbitMQ that is set up as docs/hosting.md tells it: TLS alone, its own virtual host and user.

Its node, ports, cookie and data are its own, as those of `cloudmesh_sdk.services.broker` are; the
configuration and the commands are the words of the page.
"""

import re
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.labs.rabbit_lab import install
from tests.labs.tls import Authority

from cloudmesh_sdk.services import broker, kin, places

PAGE = Path(__file__).parents[2] / "docs" / "hosting.md"
PROGRAM = broker.PROGRAM.with_name("rabbitmqctl")
PATIENCE = 90.0


def told(kind: str, beginning: str) -> str:
    """Return the block of code of the page that begins so."""
    (found,) = re.findall(
        rf"^```{kind}\n({re.escape(beginning)}.*?)^```", PAGE.read_text(), re.M | re.S
    )
    return str(found)


class TlsRabbit:
    """A broker for `localhost` and nothing else, with one user, whose password is odd."""

    password = "pw @/:%40-geheim"

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory / "ca", "tests")
        self.authority.issue("server", "localhost")
        self._place = places.Place(directory / "broker")
        self._place.root.mkdir(mode=0o700)
        self._access = broker.prepare(self._place)
        self._environment = broker.environment(self._place, self._access)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What the broker said."""
        return self._place.log.read_text()

    def uri(self, **other: str) -> str:
        """Return where it listens, with the password; or with something else in a part of it."""
        part = {
            "scheme": "amqps", "user": "cloudmesh", "password": self.password,
            "host": "localhost", "vhost": "cloudmesh", **other,
        }  # fmt: skip
        login = f"{part['user']}:{quote(part['password'], safe='')}"
        return f"{part['scheme']}://{login}@{part['host']}:{self._access.amqp}/{part['vhost']}"

    def start(self, *blocks: str) -> None:
        """Start it with these blocks as its configuration, and wait until it takes clients."""
        text = "".join(blocks).replace("/etc/rabbitmq", str(self.authority.directory))
        text, changed = re.subn("= 5671$", f"= 127.0.0.1:{self._access.amqp}", text, flags=re.M)
        assert changed == 1
        (self._place.root / "rabbitmq.conf").write_text(f"{text}log.console = true\n")
        with self._place.log.open("ab") as log:
            self._process = subprocess.Popen(
                broker.command(self._access), env=self._environment, cwd=self._place.root,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        assert kin.until(self._listens, PATIENCE), self.log

    def stop(self) -> None:
        """Stop it as at a shutdown, and epmd with it."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(PATIENCE)

    def ctl(self, *words: str, text: str = "") -> str:
        """Run rabbitmqctl and return what it prints."""
        done = subprocess.run(
            [str(PROGRAM), *words], env=self._environment, input=text,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def set_up(self) -> None:
        """Do what the page says, word for word."""
        for line in told("sh", "rabbitmqctl add_vhost").splitlines():
            _, *words = shlex.split(line, comments=True)
            self.ctl(*words, text=f"{self.password}\n")

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self._access.amqp)) == 0


@contextmanager
def running_rabbit() -> Iterator[TlsRabbit]:
    """Give a broker that is set up; it is stopped at the end, and its directory removed."""
    install()
    directory = Path(tempfile.mkdtemp(prefix="cm-rabbit-tls-"))
    rabbit = TlsRabbit(directory)
    try:
        rabbit.start(told("ini", "listeners.tcp"))
        rabbit.set_up()
        yield rabbit
    finally:
        rabbit.stop()
    shutil.rmtree(directory)  # one that failed is kept, for its log
