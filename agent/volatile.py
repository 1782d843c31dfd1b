"""While the log is in RAM: say so, try the disk, and know when to start anew on it."""

from __future__ import annotations

from typing import Final

from agent import journal
from agent.events import own_event
from agent.uplinks.off_loop import off_loop
from agent.wiring import Wiring
from buffer.volatile import Volatile
from config.text import Text, text
from config.vocabulary import EventKind

RETRY_NS: Final = 5 * 10**9
RUN_DRY_NS: Final = 60 * 10**9
"""How long a disk that is well waits for what is in RAM to be delivered; the rest is lost, and told so."""
_LOOK_NS: Final = 100_000_000
_SUBJECT: Final = "log"


def warning(volatile: Volatile) -> Text:
    """Return what somebody should know for as long as nothing is stored."""
    return text("nothing is stored, readings are kept in memory only: {why}", why=volatile.words)


def tell_medium(wiring: Wiring) -> None:
    """Say and record at the start that the log is in RAM, or that it no longer is."""
    now = wiring.clock.boot_ns()
    if wiring.volatile is not None:
        words = warning(wiring.volatile)
        journal.error(words)
        wiring.pipeline.tell(own_event(EventKind.DEGRADED, _SUBJECT, now), words)
    elif wiring.disk_healed:
        words = text("what is recorded is stored again")
        journal.info(words)
        wiring.pipeline.tell(own_event(EventKind.DEGRADED_ENDED, _SUBJECT, now), words)


async def await_disk(wiring: Wiring, volatile: Volatile) -> None:
    """Return when the disk is well again, and everything in RAM delivered or not to be waited for."""
    clock = wiring.clock
    while not await _healed(volatile):
        await clock.sleep_until(clock.boot_ns() + RETRY_NS)
    journal.info(text("the disk of the log is well again; the agent ends to start anew on it"))
    due = clock.boot_ns() + RUN_DRY_NS
    while clock.boot_ns() < due and not all(uplink.idle for uplink in wiring.forwarders.values()):
        await clock.sleep_until(clock.boot_ns() + _LOOK_NS)


async def _healed(volatile: Volatile) -> bool:
    """Try the disk in a thread: one that hangs delays nobody's stop."""
    found: list[bool] = []
    await off_loop(lambda: found.append(volatile.healed()), abandoned=lambda: None)
    return found[0]
