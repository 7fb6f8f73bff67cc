"""A RabbitMQ of the user's own, on loopback only: `python -m cloudmesh_sdk.services.broker`.

Debian's package, run as an ordinary process: node name, ports, cookie, home and data are its
own, so that the system's RabbitMQ, if one runs, is neither used nor disturbed. There is one
user, with a random password that stands in files of mode 0600 and nowhere else.
"""

import hashlib
import os
import random
import secrets
import shlex
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.errors import ConfigError, PluginError
from cloudmesh_sdk.services import places
from cloudmesh_sdk.services.places import Place
from cloudmesh_sdk.services.program import arguments, claim, run
from cloudmesh_sdk.store.mongo.places import read_json, write_private

NAME = "broker"
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Debian's launcher itself; the one on PATH changes to the user rabbitmq first."""
PACKAGE = "rabbitmq-server"

_VHOST = "cloudmesh"
_LOWEST, _HIGHEST = 16000, 32000
"""Ports to choose from: below those that the kernel gives to clients."""
_GREETING = b"AMQP\x00\x00\x09\x01"
"""How a client of AMQP 0-9-1 begins (its specification, 4.2.2)."""
_METHOD = b"\x01"
"""Type of the first frame that a broker answers with (4.2.3)."""
_FOREIGN = ("RABBITMQ_", "ERL_", "CLOUDMESH_")
"""Beginnings of variables that would change our broker, or are none of its business."""

_CONFIG = """\
# Written by cm service start broker, each time.
listeners.tcp.1 = 127.0.0.1:{amqp}
default_vhost = {vhost}
default_user = {user}
default_pass = {password}
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
# a worker answers for a task when it is over, which may take long
consumer_timeout = 86400000
disk_free_limit.absolute = 50MB
log.file = false
log.console = true
log.console.level = warning
log.console.use_colors = off
log.connection.level = error
"""


@attrs.frozen(kw_only=True)
class Access:
    """Ports of our broker, and who may come in."""

    amqp: int
    distribution: int
    nodes: int
    """Port of epmd, which Erlang's nodes find each other by."""
    user: str = "cloudmesh"
    password: str = attrs.field(repr=False)
    cookie: str = attrs.field(repr=False)

    @property
    def uri(self) -> str:
        """Where it listens, with the password."""
        return f"amqp://{self.user}:{self.password}@127.0.0.1:{self.amqp}/{_VHOST}"


def uri(config: Config) -> str:
    """Return the URI of our own broker, which is a secret.

    Raises `ConfigError` where none was ever started for this configuration.
    """
    where = places.place(config, NAME, create=False)
    found = _access(where)
    if found is None:
        raise ConfigError(
            f"no broker was started in {where.root}; start it: cm service start broker"
        )
    return found.uri


def answers(config: Config) -> bool:
    """Tell whether our broker runs and takes clients."""
    found = _access(places.place(config, NAME, create=False))
    return found is not None and _greets(found.amqp)


def check() -> None:
    """Raise `PluginError` where RabbitMQ is not installed."""
    missing = [name for name in (str(PROGRAM), "epmd", "erl") if shutil.which(name) is None]
    if missing:
        raise PluginError(
            f"the broker needs RabbitMQ, and there is no {missing[0]}; install Debian's package: "
            f"apt-get install {PACKAGE}"
        )


def prepare(where: Place) -> Access:
    """Write the files of a broker; what there is of password, cookie and free ports stays."""
    found = _access(where) or _new_access()
    if not all(map(_free, (found.amqp, found.distribution, found.nodes))):
        amqp, distribution, nodes = _ports()
        found = attrs.evolve(found, amqp=amqp, distribution=distribution, nodes=nodes)
    write_private(where.root / "access.json", _as_json(found))
    write_private(where.root / "uri", found.uri)  # for `broker: embedded`, or "file:…"
    words = attrs.asdict(found, filter=lambda field, _: field.name != "cookie")
    write_private(where.root / "rabbitmq.conf", _CONFIG.format(vhost=_VHOST, **words))
    write_private(where.root / "enabled_plugins", "[].\n")
    for name in ("home", "data"):
        (where.root / name).mkdir(mode=0o700, exist_ok=True)
    cookie = where.root / "home" / ".erlang.cookie"
    write_private(cookie, found.cookie)
    cookie.chmod(0o400)  # Erlang refuses any other mode
    return found


def command(access: Access) -> list[str]:
    """Return the command line; the process that it makes is the broker, epmd is beside it."""
    epmd = ["epmd", "-port", str(access.nodes), "-address", "127.0.0.1"]
    if shutil.which("setpriv"):  # Linux: epmd ends when the broker does, however that ends
        epmd = ["setpriv", "--pdeathsig", "TERM", *epmd]
    return ["/bin/sh", "-c", f"{shlex.join(epmd)} & exec {shlex.quote(str(PROGRAM))}"]


def environment(where: Place, access: Access) -> dict[str, str]:
    """Return the environment that keeps the broker to its place and to loopback."""
    kept = {n: value for n, value in os.environ.items() if not n.startswith(_FOREIGN)}
    digest = hashlib.sha256(os.fsencode(where.root)).hexdigest()[:12]
    return kept | {
        "HOME": str(where.root / "home"),
        "RUNNING_UNDER_SYSTEMD": "true",  # to the launcher: become Erlang, stay no shell
        "RABBITMQ_NODENAME": f"cloudmesh-{digest}@localhost",
        "RABBITMQ_MNESIA_BASE": str(where.root / "data"),
        "RABBITMQ_LOG_BASE": str(where.root),
        "RABBITMQ_CONFIG_FILE": str(where.root / "rabbitmq.conf"),
        # what stands in /etc/rabbitmq is for the system's RabbitMQ
        "RABBITMQ_CONF_ENV_FILE": str(where.root / "none-env.conf"),
        "RABBITMQ_CONFIG_FILES": str(where.root / "none.d" / "*.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(where.root / "none-advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(where.root / "enabled_plugins"),
        "RABBITMQ_DIST_PORT": str(access.distribution),
        "RABBITMQ_PID_FILE": str(where.root / "rabbitmq.pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-proto_dist inet_tcp -kernel inet_dist_use_interface {127,0,0,1}"
        ),
        "ERL_EPMD_PORT": str(access.nodes),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP": str(where.root / "erl_crash.dump"),
    }


def main(words: Sequence[str]) -> None:
    """Become the broker of a configuration."""
    config = Config.load(arguments(words, NAME).config)
    check()
    where = places.place(config, NAME)
    claim(where, inherited=True)  # before ports are looked at: those of a running one are in use
    access = prepare(where)
    argv = command(access)
    os.umask(0o077)
    os.chdir(where.root)
    os.execve(argv[0], argv, environment(where, access))  # noqa: S606 - our own command line


def _access(where: Place) -> Access | None:
    found = read_json(where.root / "access.json")
    return Access(**found) if found else None


def _as_json(access: Access) -> str:
    import json

    return json.dumps(attrs.asdict(access))


def _new_access() -> Access:
    amqp, distribution, nodes = _ports()
    return Access(
        amqp=amqp,
        distribution=distribution,
        nodes=nodes,
        password=secrets.token_urlsafe(32),
        cookie=secrets.token_hex(32),
    )


def _ports() -> tuple[int, int, int]:
    """Return three ports that nobody listens on."""
    found = (port for port in random.sample(range(_LOWEST, _HIGHEST), 2000) if _free(port))
    return next(found), next(found), next(found)


def _free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections do not count
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _greets(port: int) -> bool:
    """Tell whether a broker answers; Erlang listens only when all is ready."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
            client.sendall(_GREETING)
            return client.recv(1) == _METHOD
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
