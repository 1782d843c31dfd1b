"""An OPC UA server of a simulated plant: its nodes follow the story, and its line may carry answers badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final

from agent.simulate import opcua
from agent.simulate.opcua import OpcUaSimulator
from agent.simulate.relay import relaying
from agent.simulate.rudeness import Conduct, Manner
from agent.simulate.story import Story
from agent.simulate.values import Value, held
from config.tags import Tag

STEP_S: Final = 0.2
"""How often the nodes' values change."""

_STANDARD_NODES: Final = ("i=", "ns=0;")  # every server has them, such as its clock
_GOOD: Final = 0
_REFUSED: Final = 0x80340000  # Part 6, annex A.2: BadNodeIdUnknown
_AWAY: Final = Conduct(Manner.CLOSE)


class OpcUaServed:
    """What `serve` yields: `port`, and what the server counts."""

    def __init__(self, story: Story, simulator: OpcUaSimulator, tags: Sequence[Tag], port: int) -> None:
        self.counts = simulator.counts
        self.port = port
        self._story = story
        self._simulator = simulator
        self._tags = tags
        self._held: dict[str, tuple[Value | None, int]] = {}

    async def move(self) -> None:
        """Let every node hold its value of now."""
        for tag in self._tags:
            refused = self._story.refusal((tag,)) is not None
            found = (None, _REFUSED) if refused else (held(self._story.raw(tag), tag.type), _GOOD)
            if self._held.get(tag.address) != found:  # a server's source times are of changes
                self._held[tag.address] = found
                await self._simulator.set(tag.address, found[0], status=found[1])

    async def keep_moving(self) -> None:
        """Let the nodes follow the story for ever."""
        while True:
            await self.move()
            await asyncio.sleep(STEP_S)


@asynccontextmanager
async def serve(
    story: Story, devices: Sequence[str], *, host: str, port: int, seed: int
) -> AsyncIterator[OpcUaServed]:
    """Serve the nodes of all `devices` on one link until the context is left; see `opcua.serve`."""
    tags = [tag for tag in story.plant.tags if tag.device in devices]
    ours = {tag.address: tag for tag in tags if not tag.address.startswith(_STANDARD_NODES)}
    nodes = {address: (tag.type, held(story.raw(tag), tag.type)) for address, tag in ours.items()}
    async with (
        opcua.serve(nodes) as simulator,
        relaying(simulator.port, port, host=host, random=Random(seed)) as line,
    ):
        line.conduct = lambda: _conduct(story, devices)
        served = OpcUaServed(story, simulator, list(ours.values()), line.port)
        moving = asyncio.create_task(served.keep_moving())
        try:
            yield served
        finally:
            moving.cancel()
            await asyncio.wait([moving])
            if not moving.cancelled():
                moving.result()


def _conduct(story: Story, devices: Sequence[str]) -> Conduct:
    if all(story.is_away(device) for device in devices):
        return _AWAY
    return story.conduct(devices[0])
