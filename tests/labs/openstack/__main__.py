"""`python -m tests.labs.openstack start|stop|status DIR`: an OpenStack for tests, on loopback."""

import argparse
import sys
import time
from pathlib import Path

import attrs
from tests.labs.openstack import lab as labs, services
from tests.labs.openstack.lab import Lab, LabError, Options


def main(words: list[str]) -> int:
    """Do what the command line says; return the exit status."""
    given = _parser().parse_args(words)
    directory = Path(given.directory).resolve()
    try:
        return {"start": _start, "stop": _stop, "status": _status}[given.verb](directory, given)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.labs.openstack", description=__doc__)
    parser.add_argument("verb", choices=("start", "stop", "status"))
    parser.add_argument("directory")
    parser.add_argument("--base", type=int, help="the lowest port (a new lab; default: a free one)")
    parser.add_argument("--no-volumes", action="store_true", help="leave Cinder out (a new lab)")
    for field in attrs.fields(Options):
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=type(field.default), help=f"{field.default} unless given")
    return parser


def _start(directory: Path, given: argparse.Namespace) -> int:
    began = time.monotonic()

    def told(step: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {step}", flush=True)

    before = labs.read(directory)
    lab = _chosen(before or _new(directory, given), given)
    if before is not None and before != lab and services.running(before):
        raise LabError(f"the lab in {directory} runs with other options; stop it first")
    services.start(lab, told)
    told(f"ready: {lab.auth_url}")
    return 0


def _new(directory: Path, given: argparse.Namespace) -> Lab:
    base = given.base or labs.free_base()
    return Lab(directory=directory, base=base, volumes=not given.no_volumes)


def _chosen(lab: Lab, given: argparse.Namespace) -> Lab:
    names = [field.name for field in attrs.fields(Options)]
    chosen = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    return attrs.evolve(lab, options=attrs.evolve(lab.options, **chosen))


def _stop(directory: Path, given: argparse.Namespace) -> int:
    services.stop(_there(directory))
    return 0


def _status(directory: Path, given: argparse.Namespace) -> int:
    lab = _there(directory)
    running = services.running(lab)
    missing = [name for name in services.wanted(lab) if name not in running]
    print(f"{lab.auth_url}: {len(running)} servers run, missing: {' '.join(missing) or 'none'}")
    return 1 if missing else 0


def _there(directory: Path) -> Lab:
    lab = labs.read(directory)
    if lab is None:
        raise LabError(f"there is no lab in {directory}; start makes one")
    return lab


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
