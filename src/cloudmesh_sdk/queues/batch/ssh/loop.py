"""An event loop in a thread of its own, for those who call from other threads."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines; the thread ends with `close`, or with the process."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    @property
    def lives(self) -> bool:
        """Whether it runs; after a fork it does not, in the child."""
        return self._thread.is_alive()

    def call(self, made: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; whatever ends our waiting (Ctrl-C) cancels it.

        Raises what it raises, and `CancelledError` of `concurrent.futures` where the loop is
        closed meanwhile.
        """
        try:
            future = asyncio.run_coroutine_threadsafe(made, self._loop)
        except RuntimeError as error:
            made.close()
            raise concurrent.futures.CancelledError from error
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread, and what still runs in it."""
        if not self.lives:
            return
        asyncio.run_coroutine_threadsafe(_end_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


async def _end_others() -> None:
    me = asyncio.current_task()
    others = [task for task in asyncio.all_tasks() if task is not me]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
