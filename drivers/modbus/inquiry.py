"""One device's questions: in which order, what is learnt from what comes, and when to stop asking."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from config.text import text
from drivers.contract import Demoted, DeviceError, DeviceRefused, DriverCounters
from drivers.modbus.admission import NOBODY_THERE
from drivers.modbus.blame import Blame, code_of
from drivers.modbus.fence import (
    BLAMES_ADDRESS,
    FIRST_RETRY_S,
    LONGEST_RETRY_S,
    LONGEST_S,
    UNHEARD,
    Effort,
    Fence,
    find_refused,
)
from drivers.modbus.frame import Answer, ReadRequest
from drivers.modbus.guard import GuardedLink
from drivers.modbus.planner import Block, Range, block_of

Reply = Answer | DeviceError
"""What a block brought; a DeviceError that concerns no more than the block."""


class Inquiry:
    """Asks one unit of a link for blocks. Each call costs at most one timeout, whatever is at fault.

    `values`: all that is ever wanted of the unit, by whichever scan group.
    """

    def __init__(
        self,
        link: GuardedLink,
        unit_id: int,
        counters: DriverCounters,
        fence: Fence,
        values: Sequence[Range],
    ) -> None:
        self._link = link
        self._unit_id = unit_id
        self._counters = counters
        self._fence = fence
        self._blame = Blame(fence)
        self._values = values
        self._answered_last: Range | None = None
        self._turn = 0

    async def ask(self, blocks: Sequence[Block]) -> list[Reply]:
        """Return what each block brings. Raises DeviceError where the device as a whole does not answer."""
        if not self._blame.any_missed:
            return [await self._trusted(block) for block in blocks]
        suspects = [block for block in blocks if self._blame.suspects(block)]
        replies = {block: await self._trusted(block) for block in blocks if block not in suspects}
        if suspects:
            replies |= await self._ask_suspects(suspects, list(replies.values()))
        return [replies[block] for block in blocks]

    async def learn(self, blocks: Sequence[Block], replies: Sequence[Reply]) -> bool:
        """Find out which addresses are at fault where blocks were refused; tell whether to ask anew now."""
        effort = Effort(_now_s() + LONGEST_S)
        version = self._fence.version
        try:
            for block, reply in zip(blocks, replies, strict=True):
                if isinstance(reply, DeviceRefused) and reply.detail in BLAMES_ADDRESS:
                    await find_refused(block, reply.detail, self._fence, self._exception_code, effort, _now_s)
        except DeviceError:
            return False  # what was read stands, and the next scan goes on from what is known by now
        return version != self._fence.version and not any(map(_ends_the_asking, replies))

    async def try_fenced(self) -> None:
        """Ask again for a fenced range whose turn it is; an answer makes everything be found out anew.

        Who refuses everything is asked every minute: a PLC without its program is soon given one.
        """
        due = self._fence.take_due(_now_s(), LONGEST_RETRY_S if self._is_served() else FIRST_RETRY_S)
        if due is None:
            return
        reply = await self._try(block_of([due]), risky=self._fence.code_of(due) in UNHEARD)
        if isinstance(reply, Answer):
            self._fence.clear()

    async def _trusted(self, block: Block) -> Reply:
        try:
            reply = await self._read(block)
        except DeviceError as error:
            self._note(block, error, alive=False)
            raise
        self._note(block, reply, alive=False)
        return reply

    async def _ask_suspects(self, suspects: Sequence[Block], others: Sequence[Reply]) -> dict[Block, Reply]:
        """Ask for blocks that were missed, after the `others` of the scan, until one is missed or time is up.

        Where there are no others, a sign of life comes first. Raises DeviceError where there is none.
        """
        seen = others or [await self._look_for_life()]
        alive = any(isinstance(reply, Answer) for reply in seen)
        resync = not others and any(isinstance(reply, Answer) and reply.resync for reply in seen)
        replies: dict[Block, Reply] = {}
        missed: DeviceError | None = None
        until_s = _now_s() + LONGEST_S
        for block in suspects:
            reply = missed or await self._try(block, risky=self._blame.is_risky(block))
            if missed is None:
                self._note(block, reply, alive=alive)
            if isinstance(reply, Answer):
                reply = reply._replace(resync=reply.resync or resync)
            elif _ends_the_asking(reply):
                missed = reply
            elif missed is None and _now_s() > until_s:
                missed = Demoted(text("not asked yet: what is wrong with it is found out in later scans"))
            replies[block] = reply
        return replies

    async def _look_for_life(self) -> Reply:
        """Ask for a single value: what was answered last, and where it no longer is, by turns any other."""
        wanted = self._answered_last
        if wanted is None or self._turn % 2:
            wanted = self._unfenced(self._turn // 2)
        self._turn += 1
        reply = await self._read(block_of([wanted]))
        self._turn -= 1  # who answered is asked again
        return reply

    def _is_served(self) -> bool:
        return any(self._fence.code_of(value) is None for value in self._values)

    def _unfenced(self, at: int) -> Range:
        """Return a value that is not fenced off, at `at` or next after; there is one that is asked for."""
        values = self._values
        while self._fence.code_of(values[at % len(values)]) is not None:
            at += 1
        return values[at % len(values)]

    def _note(self, block: Block, reply: Reply, *, alive: bool) -> None:
        if isinstance(reply, DeviceError) and (code := code_of(reply)) is not None:
            self._blame.missed(block, code, alive=alive, now_s=_now_s())

    async def _try(self, block: Block, *, risky: bool) -> Reply:
        """Ask without failing; `risky`: for what is probably not answered, if the link can afford that."""
        try:
            return await self._read(block, risky=risky)
        except DeviceError as error:
            return error

    async def _read(self, block: Block, *, risky: bool = False) -> Reply:
        request = ReadRequest(
            unit_id=self._unit_id, function_code=block.function_code, address=block.start, count=block.count
        )
        try:
            answer = await self._link.read(request, self._counters, risky=risky)
        except DeviceRefused as refusal:
            if refusal.detail in NOBODY_THERE:
                raise
            if refusal.detail in BLAMES_ADDRESS:
                self._blame.answered(block)
            return refusal
        self._blame.answered(block)
        self._answered_last = block.ranges[0]
        return answer

    async def _exception_code(self, block: Block) -> int:
        reply = await self._trusted(block)
        return reply.detail if isinstance(reply, DeviceRefused) else 0


def _ends_the_asking(reply: Reply) -> bool:
    """Tell whether a device did not answer, so that it is asked nothing more in this scan."""
    if isinstance(reply, DeviceRefused):
        return reply.detail in NOBODY_THERE
    return isinstance(reply, DeviceError) and not isinstance(reply, Demoted)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
