"""What the programs of all services have in common: `python -m cloudmesh_sdk.services.NAME`."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def arguments(words: Sequence[str], name: str) -> argparse.Namespace:
    """Return the options of a service's program: `config`, a path or None."""
    parser = argparse.ArgumentParser(prog=f"python -m cloudmesh_sdk.services.{name}")
    parser.add_argument("--config", type=Path, help="cloudmesh.yaml; else the user's own")
    return parser.parse_args(words)
