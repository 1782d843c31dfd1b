"""The devices' process: `python -m agent.demo.devices PLANT COPY` simulates the line that PLANT describes.

When COPY leads to it, it prints a line; it obeys lines `begin <trouble>` and `end <trouble>` on stdin, and
prints what it counted as JSON when stdin ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import orjson

from agent.demo.casting import Casting, Trouble
from agent.simulate.course import Course, Still
from agent.simulate.place import anywhere, serving
from agent.simulate.scenario import Scenario
from agent.simulate.values import Value
from agent.simulate.written import write_copy
from config.load import load


class Tally:
    """A value that counts how often it is asked for: the PLC's own counter of its readings."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _: float) -> int:
        """Count this reading and return its number."""
        self.count += 1
        return self.count


async def serve(plant: Path, copy: Path) -> None:
    """Serve the line until stdin ends."""
    line, reads, ticks = Casting(), Tally(), Tally()
    scenario = Scenario(courses=_courses(line) | {"plc_reads": reads, "furnace_ticks": ticks})
    with anywhere() as place:
        async with serving(load(plant), scenario, place) as served:
            write_copy(plant, copy, served)
            _print(serving=list(served))
            await _obey(line)
            writes = sum(endpoint.writes for endpoint in served.values())
            _print(plc_reads=reads.count, furnace_reads=served["furnace"].requests, writes=writes)


def _courses(line: Casting) -> dict[str, Course]:
    """Return what the line shows of itself, by tag."""

    def shown(what: Callable[[], Value]) -> Course:
        def course(seconds: float) -> Value:
            line.move_to(seconds)
            return what()

        return course

    return {
        "mould_p_in": shown(line.pressure),
        "mould_q_in": shown(line.flow),
        "mould_t_in": shown(line.mould_temperature),
        "launder_level": shown(line.launder_level),
        "casting_active": Still(True),
        "quick_cut_closed": shown(lambda: line.quick_cut_closed),
        "emerg_drain_open": shown(lambda: line.drain_open),
        "il_bypass": Still(False),
        "melt_temp": shown(line.furnace_temperature),
        "tilt_angle": shown(line.tilt_angle),
    }


async def _obey(line: Casting) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for words in reader:
        verb, trouble = words.decode().split()
        change = line.troubles.add if verb == "begin" else line.troubles.discard
        change(Trouble(trouble))


def _print(**facts: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(facts) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
