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
    if args in _VERSION:
        from cloudmesh_sdk import __version__

        print(f"cm {__version__}")
        return 0
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
    return command_line(args)
