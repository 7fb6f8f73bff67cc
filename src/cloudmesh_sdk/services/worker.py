"""Runs the operations that wait in the store: `python -m cloudmesh_sdk.services.worker`.

Without a broker it finds them in the store by itself; with one, it takes what the broker gives.
"""

import sys
import threading
from collections.abc import Callable, Mapping, Sequence

from cloudmesh_sdk.config import Config
from cloudmesh_sdk.mesh import Mesh
from cloudmesh_sdk.mesh.hosting import worker_main
from cloudmesh_sdk.services import places
from cloudmesh_sdk.services.program import Heart, arguments, claim, run, say, stopping

NAME = "worker"


def main(words: Sequence[str]) -> None:
    """Run operations until SIGTERM."""
    config = Config.load(arguments(words, NAME).config)
    where = places.place(config, NAME)
    with claim(where):
        _WAYS[has_broker(config)](config, Heart(where))


def has_broker(config: Config) -> bool:
    """Tell whether operations are given out by a broker."""
    return bool(config.tasks)


def _standalone(config: Config, heart: Heart) -> None:
    stop: threading.Event
    with stopping() as stop, Mesh.open(config=config) as mesh, heart.beating():
        say(f"runs operations of {mesh.user} at {len(config.clouds)} clouds")
        mesh.serve(stop, told=heart.tell)
        say("ends")


def _hosted(config: Config, heart: Heart) -> None:
    worker_main(config, told=heart.tell, admitted=heart.beating)


_WAYS: Mapping[bool, Callable[[Config, Heart], None]] = {False: _standalone, True: _hosted}
"""How a worker gets its work: with a broker, or without."""


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
