"""`python -m tests.chaos`: the long chaos run; prints its table, and fails unless all is well."""

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.run import openstack, run
from tests.chaos.verdict import table
from tests.labs.rabbit_lab import running_lab


def main() -> int:
    """Run, print, and return 1 where something is doubled, lost or stuck."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=170, help="servers to start at each cloud")
    parser.add_argument("--seconds", type=float, default=300, help="how long the storm lasts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--openstack", action="store_true", help="with an OpenStack as well")
    parser.add_argument("--broker", action="store_true", help="workers on a RabbitMQ")
    asked = parser.parse_args()
    os.environ["CHAOS_KEY"] = "secret"
    with tempfile.TemporaryDirectory(prefix="chaos-") as place, ExitStack() as stack:
        broker = stack.enter_context(running_lab()) if asked.broker else None
        more = openstack(stack, Path(place)) if asked.openstack else {}
        found = run(
            Path(place), starts=asked.starts, seconds=asked.seconds, seed=asked.seed,
            workers=asked.workers, more=more, broker=broker,
        )  # fmt: skip
    print(table(found.verdicts))
    print(", ".join(f"{what} {count}" for what, count in found.hits.most_common()))
    print(f"{found.orphans} orphans, {found.seconds:.0f} s, seed {asked.seed}")
    return 0 if all(v.good for v in found.verdicts) and not found.orphans else 1


if __name__ == "__main__":
    sys.exit(main())
