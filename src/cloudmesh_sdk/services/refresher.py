"""Keeps the view fresh while nobody asks: `python -m cloudmesh_sdk.services.refresher`."""

import sys
from collections.abc import Sequence

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.services import places
from cloudmesh_sdk.services.program import Heart, arguments, claim, run, say, stopping

NAME = "refresher"


def main(words: Sequence[str]) -> None:
    """Refresh, each cloud and kind in its turn, until SIGTERM."""
    config = Config.load(arguments(words, NAME).config)
    where = places.place(config, NAME)
    with (
        claim(where),
        stopping() as stop,
        Mesh.open(config=config) as mesh,
        Heart(where).beating(),
    ):
        say(f"keeps the view of {mesh.user} fresh, of {len(config.clouds)} clouds")
        mesh.keep_fresh(stop)
        say("ends")


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
