"""One device's questions: in which order, what is learnt from what comes, and when to stop asking."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from drivers.contract import Demoted, DeviceError, DeviceRefused, DeviceTimeout, DriverCounters
from drivers.modbus.admission import NOBODY_THERE
from drivers.modbus.fence import BLAMES_ADDRESS, LONGEST_S, Effort, Fence, find_refused
from drivers.modbus.frame import Answer, ReadRequest
from drivers.modbus.guard import GuardedLink
from drivers.modbus.planner import Block, block_of
from drivers.modbus.silence import SILENT, Silence

Reply = Answer | DeviceError
"""What a block brought; a DeviceError that concerns no more than the block."""


class Inquiry:
    """Asks one unit of a link for blocks. Each call costs at most one timeout, whatever is at fault."""

    def __init__(self, link: GuardedLink, unit_id: int, counters: DriverCounters, fence: Fence) -> None:
        self._link = link
        self._unit_id = unit_id
        self._counters = counters
        self._fence = fence
        self._silence = Silence(fence)
        self._turn = 0

    async def ask(self, blocks: Sequence[Block]) -> list[Reply]:
        """Return what each block brings. Raises DeviceError where the device as a whole does not answer."""
        if not self._silence.any_missed:
            return [await self._trusted(block) for block in blocks]
        suspects = [block for block in blocks if self._silence.suspects(block)]
        replies = {block: await self._trusted(block) for block in blocks if block not in suspects}
        if suspects and not replies:
            await self._look_for_life(suspects)
        missed: DeviceError | None = None
        for block in suspects:
            reply = missed or await self._suspected(block)
            replies[block] = reply
            missed = reply if isinstance(reply, DeviceTimeout) else missed
        return [replies[block] for block in blocks]

    async def learn(self, blocks: Sequence[Block], replies: Sequence[Reply]) -> None:
        """Find out which addresses are at fault where blocks were refused."""
        effort = Effort(_now_s() + LONGEST_S)
        for block, reply in zip(blocks, replies, strict=True):
            if isinstance(reply, DeviceRefused) and reply.detail in BLAMES_ADDRESS:
                await find_refused(block, reply.detail, self._fence, self._exception_code, effort, _now_s)

    async def try_fenced(self) -> None:
        """Ask again for a fenced range whose turn it is; an answer makes everything be found out anew."""
        due = self._fence.take_due(_now_s())
        if due is None:
            return
        reply = await self._try(block_of([due]), risky=self._fence.code_of(due) == SILENT)
        if isinstance(reply, Answer):
            self._fence.clear()

    async def _trusted(self, block: Block) -> Reply:
        try:
            return await self._read(block)
        except DeviceTimeout:
            self._silence.missed(block, alive=False, now_s=_now_s())
            raise

    async def _suspected(self, block: Block) -> Reply:
        """Ask for a block that was missed; the device is known to answer others."""
        reply = await self._try(block, risky=self._silence.is_risky(block))
        if isinstance(reply, DeviceTimeout):
            self._silence.missed(block, alive=True, now_s=_now_s())
        return reply

    async def _look_for_life(self, suspects: Sequence[Block]) -> None:
        """Ask for a single value, another one each time: one of them is not at fault. Raises DeviceError."""
        values = [wanted for block in suspects for wanted in block.ranges]
        self._turn += 1
        await self._read(block_of([values[self._turn % len(values)]]))

    async def _try(self, block: Block, *, risky: bool) -> Reply:
        """Ask without failing; `risky`: for what is probably not answered, if the link can afford that."""
        try:
            return await self._read(block, risky=risky)
        except (DeviceTimeout, Demoted) as error:
            return error

    async def _read(self, block: Block, *, risky: bool = False) -> Answer | DeviceRefused:
        request = ReadRequest(
            unit_id=self._unit_id, function_code=block.function_code, address=block.start, count=block.count
        )
        try:
            reply: Answer | DeviceRefused = await self._link.read(request, self._counters, risky=risky)
        except DeviceRefused as refusal:
            if refusal.detail in NOBODY_THERE:
                raise
            reply = refusal
        self._silence.answered(block)
        return reply

    async def _exception_code(self, block: Block) -> int:
        reply = await self._read(block)
        return reply.detail if isinstance(reply, DeviceRefused) else 0


def _now_s() -> float:
    return asyncio.get_running_loop().time()
