"""An agent that reads, raises an alarm, says so once its log is at rest, and then only waits to be killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from config.vocabulary import RecordKind, Stream
from tests.agent.rig import take, wired
from tests.blackbox.test_defaults import S, by_default, watch
from tests.virtual import VirtualClock


async def main(state: Path, tags: int) -> None:
    clock = VirtualClock()
    async with wired(by_default(tags), state, clock) as wiring:
        await watch(wiring, clock, tags, 150, set())
        take(wiring, [3000.0, -150.0, *(0.0 for _ in range(tags - 2))])
        await clock.advance(S // 2)  # half a scan
        last = wiring.log.append(
            Stream.READINGS, RecordKind.DATA, b"", first_boot_ns=clock.now_ns, last_boot_ns=clock.now_ns
        )
        while wiring.log.stored_seq(Stream.READINGS) < last:
            await wiring.stored.wait()
            wiring.stored.clear()
        print("stored", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
