"""`cm raw`."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cloudmesh_sdk.models import RawAnswer
from cloudmesh_sdk.shell import codes, params
from cloudmesh_sdk.shell.app import Command
from cloudmesh_sdk.shell.output import note, print_data
from cloudmesh_sdk.shell.session import Session
from cloudmesh_sdk.tables import visible

_METHOD = re.compile(r"[A-Za-z]+")
_BAD, _OVERLOADED, _BROKEN = 400, 429, 500

_CODES = {401: codes.AUTH, 403: codes.AUTH, 404: codes.NOT_FOUND, _OVERLOADED: codes.TRANSIENT}
"""Exit codes by HTTP status; other ones from 500 on are transient, from 400 on errors."""


@click.command("raw", cls=Command)
@click.argument("cloud", type=params.CLOUD)
@click.argument("service")
@click.argument("method")
@click.argument("path")
@click.option("-d", "--data", metavar="JSON|@FILE", help="Body to send; @- is standard input.")
@click.option("-H", "--header", "headers", metavar="'K: V'", multiple=True, help="Header to send.")
@click.option("--param", "query", metavar="K=V", multiple=True, help="Parameter of the URL.")
@click.option("-i", "--include", is_flag=True, help="Show the headers of the answer too.")
@click.option(
    "--format", type=click.Choice(("json", "yaml")), default="json", help="How to print data."
)
@click.pass_obj
def raw_command(
    session: Session,
    /,
    *,
    cloud: str,
    service: str,
    method: str,
    path: str,
    data: str | None,
    headers: tuple[str, ...],
    query: tuple[str, ...],
    include: bool,
    format: str,  # noqa: A002
) -> int:
    """Send a request to SERVICE (compute, network, image …), and print the answer's body.

    It is signed in as you are at CLOUD, and goes out once, as it is. PATH is below the service's
    endpoint: cm raw india compute GET /servers/detail --param limit=2. Status and headers are told
    on standard error; from 400 on the exit code is not 0.
    """
    if not _METHOD.fullmatch(method):
        raise click.UsageError(f"a method is a word such as GET, found {method!r}")
    request: dict[str, Any] = {
        "json": _body(data),
        "params": params.pairs(query, "--param wants K=V") or None,
        "headers": params.pairs(headers, "--header wants 'K: V'", sign=":") or None,
    }
    answer = session.mesh.raw(cloud, method.upper(), path, service=service, **request)
    _tell(answer, include=include)
    _print(answer.body, format)
    return code_of(answer.status)


def code_of(status: int) -> int:
    """Return the exit code of an HTTP status."""
    if status < _BAD:
        return codes.OK
    return _CODES.get(status, codes.TRANSIENT if status >= _BROKEN else codes.ERROR)


def _body(data: str | None) -> Any:
    """Return what to send; None where there is nothing."""
    if data is None:
        return None
    text = _read(data[1:]) if data.startswith("@") else data
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--data is no JSON: {error}") from error


def _read(path: str) -> str:
    read: Callable[[], str] = sys.stdin.read
    if path != "-":
        read = lambda: Path(path).expanduser().read_text(encoding="utf-8")  # noqa: E731
    try:
        return read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.reason
        raise click.UsageError(f"--data: {path} cannot be read: {reason}") from error


def _tell(answer: RawAnswer, *, include: bool) -> None:
    request = f" (request {answer.request_id})" if answer.request_id else ""
    note(f"HTTP {answer.status}{request}")
    for name, value in answer.headers.items() if include else ():
        note(f"{name}: {value}")


def _print(body: Any, chosen: str) -> None:
    """Print what came: data in a format, text line by line, nothing for nothing."""
    if isinstance(body, str):
        for line in body.splitlines():
            print(visible(line.expandtabs()))
    elif body is not None:
        print_data(body, chosen)
