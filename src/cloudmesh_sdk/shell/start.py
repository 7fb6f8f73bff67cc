"""Where `cm` begins: the version is told before anything else is imported."""

import gc
import sys

TYPE_CHECKING = False  # type checkers take it for true; importing typing costs 20 modules
if TYPE_CHECKING:
    from collections.abc import Sequence

_VERSION = (["--version"], ["-V"], ["version"])


def main(argv: "Sequence[str] | None" = None) -> int:
    """Run one `cm` command line (that of this process) and return its exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    if args in _VERSION and sys.stdout is not None:
        return _version()
    if argv is None:
        gc.set_threshold(50_000, 20, 100)  # collecting while modules load costs a tenth of it all
    from cloudmesh_sdk.shell.extras import EXTRA, missing

    try:
        from cloudmesh_sdk.shell.running import command_line
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        print(missing(error.name), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cm: interrupted", file=sys.stderr)
        return 130
    return command_line(args)


def _version() -> int:
    from cloudmesh_sdk import __version__

    try:
        print(f"cm {__version__}", flush=True)
    except OSError as error:
        from cloudmesh_sdk.shell.streams import lost

        return lost(error)
    return 0
