"""How much may be asked of one service at a time, how fast, how often and for how long."""

import attrs


@attrs.frozen(kw_only=True)
class Limits:
    """What the operations of one cloud or queue manager are held to.

    Other than `parallel` of a driver, which tells how many threads may use one object, these are
    what the service (or its account) is to be burdened with. `rate` is one of all processes that
    share a store, and so is `parallel` where a broker gives the operations out; the others hold in
    each process.
    """

    parallel: int = 8
    """How many operations may be under way at once."""
    rate: float | None = None
    """How many may be sent in a second, at most; None for as many as the service takes."""
    attempts: int = 3
    """How often an operation is sent at most, where sending it again is safe."""
    deadline: float = 300.0
    """Seconds after its turn has come from which on an operation is not sent again."""
