"""Run a blocking call in a thread of its own: a name server that never answers then delays nobody's stop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable


async def off_loop(work: Callable[[], object], *, abandoned: Callable[[], None]) -> None:
    """Wait for `work`, which may raise OSError, in a daemon thread.

    When the caller is cancelled, the thread goes on until its own timeouts end it; `abandoned` is then
    called, in the event loop, to undo what it did. Raises what `work` raises.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.cancelled():
            abandoned()
        elif error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        failure = None
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the thread's border: it is raised again where it is awaited
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: the program has ended
            loop.call_soon_threadsafe(settle, failure)

    threading.Thread(target=run, name="uplink-connect", daemon=True).start()
    await done
