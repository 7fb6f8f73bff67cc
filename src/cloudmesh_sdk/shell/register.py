"""`cm register`."""

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

import click

from cloudmesh_sdk import plugins
from cloudmesh_sdk.config import Config
from cloudmesh_sdk.config_edit import add_cloud
from cloudmesh_sdk.errors import CloudmeshError, ConfigError, near
from cloudmesh_sdk.options import Option, describe
from cloudmesh_sdk.shell import params
from cloudmesh_sdk.shell.app import Command
from cloudmesh_sdk.shell.output import note
from cloudmesh_sdk.shell.session import Session

_SOURCES: Mapping[str, tuple[str, str]] = {
    "aws_profile": ("ec2", "aws-profile"),
    "clouds_yaml": ("openstack", "clouds.yaml"),
    "environment": ("openstack", "environment"),
}
"""Where accounts stand already: the driver that reads them, and how `from:` names them."""


@click.command("register", cls=Command)
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--driver", type=params.DRIVER, metavar="NAME", help="See cm plugin list providers.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="A driver's setting.")
@click.option("--from-aws-profile", "aws_profile", metavar="NAME", help="An AWS profile of yours.")
@click.option("--from-clouds-yaml", "clouds_yaml", metavar="ENTRY", help="An entry of clouds.yaml.")
@click.option("--from-environment", "environment", is_flag=True, help="OS_* of an openrc.")
@click.option("--off", is_flag=True, help="Do not make it active.")
@click.option("--no-check", is_flag=True, help="Do not ask the cloud whether it knows you.")
@click.option("--force", is_flag=True, help="Replace a cloud of this name.")
@click.pass_obj
def register_command(
    session: Session,
    /,
    *,
    name: str | None,
    driver: str | None,
    settings: tuple[str, ...],
    off: bool,
    no_check: bool,
    force: bool,
    **sources: str | bool | None,
) -> None:
    """Add a cloud to cloudmesh.yaml, once it was checked that it knows you.

    Give secrets as references, so that none stands in the file: env:VARIABLE, file:PATH,
    keyring:NAME or cmd:COMMAND. What the driver needs and was not given is asked for.
    """
    entry = _source(sources)
    entry["driver"] = driver or entry.get("driver") or _ask_driver(session)
    name = name or next((v for v in sources.values() if isinstance(v, str) and v), None)
    if name is None:
        raise click.UsageError("the NAME of the new cloud is missing")
    wanted = plugins.load("providers", entry["driver"]).Settings
    known = describe(wanted)
    bare = not settings and "from" not in entry
    entry |= _settings(settings, known)
    if bare and session.asks():
        _ask(entry, [known[name] for name in getattr(wanted, "asked", ())])
    _complete(session, name, entry, known)
    there = session.read_config().clouds if session.path.exists() else ()
    if name in there and not force:
        raise ConfigError(f"{session.path}: there is a cloud {name!r} already; --force replaces it")
    if not no_check:
        _check(session, name, entry)
    path = add_cloud(
        session.path, name, {**entry, **({"active": False} if off else {})}, force=force
    )
    note(f"{name} is in {path}; cm refresh {name} asks it what is there")
    session.read_config()  # tells of a secret in clear text


def _source(sources: Mapping[str, str | bool | None]) -> dict[str, Any]:
    given = {key: value for key, value in sources.items() if value}
    if len(given) > 1:
        names = " and ".join(f"--from-{key.replace('_', '-')}" for key in given)
        raise click.UsageError(f"{names} exclude each other")
    for key, value in given.items():
        driver, word = _SOURCES[key]
        return {"driver": driver, "from": word if value is True else f"{word}:{value}"}
    return {}


def _ask_driver(session: Session) -> str:
    names = plugins.names("providers")
    if not session.asks():
        raise click.UsageError(f"--driver is missing; there are {', '.join(names)}")
    chosen: str = click.prompt("driver", type=click.Choice(names), err=True)
    return chosen


def _settings(texts: Iterable[str], known: Mapping[str, Option]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign:
            raise click.UsageError(f"--set wants KEY=VALUE, found {text!r}")
        if key not in known:
            raise click.UsageError(f"--set: no setting {key!r}; {near(key, known)}")
        found[key] = typed(value, known[key].type)
    return found


def typed(text: str, wanted: Any) -> Any:
    """Return a text as the type of a setting has it; what does not fit stays text.

    Lists have commas between; mappings are YAML: `{key: value}`.
    """
    if get_origin(wanted) in (Union, UnionType):
        choices = [choice for choice in get_args(wanted) if choice is not type(None)]
        found = [typed(text, choice) for choice in choices]
        return next((value for value in found if not isinstance(value, str)), text)
    if get_origin(wanted) in (tuple, list):
        return [word.strip() for word in text.split(",") if word.strip()]
    if wanted is str:
        return text
    import yaml  # its scalars are those of the file that this goes into

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, bool | int | float | dict | list) else text


def _complete(
    session: Session, name: str, entry: dict[str, Any], known: Mapping[str, Option]
) -> None:
    """Ask for what is needed and not there; the check says what is missing where nobody answers."""
    there = _config(name, entry).clouds[name].resolved()
    missing = [o for o in known.values() if o.required and there.get(o.name) is None]
    if missing and not session.asks():
        names = " ".join(f"--set {option.name}=…" for option in missing)
        raise click.UsageError(f"the driver needs more: {names}")
    _ask(entry, missing)


def _ask(entry: dict[str, Any], options: Iterable[Option]) -> None:
    """Ask for options, secret ones unseen."""
    for option in options:
        click.echo(option.help, err=True)
        words = f"{option.name} (env:VARIABLE, file:PATH, keyring:NAME or cmd:COMMAND)"
        text = click.prompt(
            words if option.secret else option.name, hide_input=option.secret, err=True
        )
        entry[option.name] = typed(text, option.type)


def _config(name: str, entry: Mapping[str, Any]) -> Config:
    """Return a configuration with this cloud alone, read as it will be from the file."""
    import yaml

    return Config.parse(yaml.safe_dump({"clouds": {name: dict(entry)}}))


def _check(session: Session, name: str, entry: Mapping[str, Any]) -> None:
    """Ask the cloud who we are, before anything is written."""
    from cloudmesh_sdk.mesh import Mesh

    config = _config(name, entry)
    with Mesh.open("memory", config=session.told(config)) as mesh:
        session.watch(mesh)
        gathered = mesh.check([name])
    for error in gathered.errors.values():
        text = f"not registered: {error}; --no-check registers it anyway"
        raise _same_kind(error)(text) from error
    for health in gathered:
        who = f" as {health.identity}" if health.identity else ""
        note(f"{name} knows you{who}" + (f" ({health.version})" if health.version else ""))
        for warning in health.warnings:
            note(f"cm: warning: {warning}")


def _same_kind(error: CloudmeshError) -> type[CloudmeshError]:
    """Return the class of an error, so that the exit code stays the same."""
    return type(error)
