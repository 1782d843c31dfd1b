"""The Modbus driver: one device on a guarded link."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Final

from config.plant import Plant, ScanGroup
from config.text import Text, text
from config.turns import at_once, in_turns
from drivers.contract import DeviceError, DriverCounters, Scan
from drivers.modbus.fence import Fence
from drivers.modbus.forecast import Work
from drivers.modbus.frame import READ_WORDS
from drivers.modbus.guard import GuardedLink
from drivers.modbus.herald import Herald
from drivers.modbus.inquiry import Inquiry
from drivers.modbus.layout import Layout, forbidden_places, lay_out, point_of, range_of
from drivers.modbus.planner import Block, Limits
from drivers.modbus.pulse import Pulses

_SECOND_NS: Final = 10**9


class ModbusDriver:
    """See `drivers.contract.Driver`."""

    def __init__(self, plant: Plant, name: str, link: GuardedLink) -> None:
        """Serve device `name`; `link` is shared with the other devices of its endpoint. Raises WrongValue."""
        device = plant.description.devices[name]
        groups = [group for group in plant.groups if group.device == name]
        self.counters = DriverCounters()
        self._unit_id = device.unit_id
        self._limits = Limits(
            max_words=device.max_words, max_bits=device.max_bits, max_gap_words=device.max_gap_words
        )
        self._forbidden = forbidden_places(device)
        self._pulses = {group.number: Pulses(plant.tags_of(group)) for group in groups}
        points = {
            group.number: [point_of(index, tag, device) for index, tag in enumerate(plant.tags_of(group))]
            for group in groups
        }
        self._herald = Herald(
            name,
            (
                (point.range, tag, place)
                for group in groups
                for point, tag, place in zip(
                    points[group.number], plant.tags_of(group), plant.places[group.span], strict=True
                )
            ),
        )
        self._fence = Fence(self._herald)
        values = sorted({point.range for found in points.values() for point in found})
        self._inquiry = Inquiry(link, device.unit_id, self.counters, self._fence, values)
        self._periods_s = {group.number: plant.scan_class_of(group).period / _SECOND_NS for group in groups}
        self.link = link
        self._points = {number: sorted(found, key=range_of) for number, found in points.items()}
        self._layouts = {number: at_once(self._lay_out(number)) for number in self._points}
        link.join(self)

    async def scan(self, group: ScanGroup) -> Scan:
        """See `drivers.contract.Driver`."""
        pulses = self._pulses[group.number]
        try:
            scan = await self._scan(group)
        except DeviceError:
            pulses.forget()
            raise
        pulses.judge(scan, _now_s())
        return scan

    async def _scan(self, group: ScanGroup) -> Scan:
        layout = await self._layout(group.number)
        replies = await self._inquiry.ask(layout.blocks)
        if await self._inquiry.learn(layout.blocks, replies):
            layout = await self._layout(group.number)
            replies = await self._inquiry.ask(layout.blocks)
        await self._inquiry.try_fenced()
        self._herald.tell()
        return layout.read(replies)

    async def close(self) -> None:
        """See `drivers.contract.Driver`."""
        await self.link.leave(self)

    def plan(self, group: ScanGroup) -> list[Text]:
        """See `drivers.contract.Driver`."""
        if self._is_outdated(group.number):
            self._layouts[group.number] = at_once(self._lay_out(group.number))
        return [_describe(block) for block in self._layouts[group.number].blocks]

    def work(self) -> list[Work]:
        """Return what all groups ask for, for a forecast."""
        return [
            Work(unit_id=self._unit_id, period_s=self._periods_s[number], blocks=layout.blocks)
            for number, layout in self._layouts.items()
        ]

    async def _layout(self, number: int) -> Layout:
        """Return how a group is asked for; where that has changed it is found out in turns of the loop."""
        if self._is_outdated(number):
            self._layouts[number] = await in_turns(self._lay_out(number))
        return self._layouts[number]

    def _is_outdated(self, number: int) -> bool:
        layout = self._layouts[number]
        return layout.version != self._fence.version or layout.cost != self.link.cost

    def _lay_out(self, number: int) -> Generator[None, None, Layout]:
        return lay_out(self._points[number], self._limits, self.link.cost, self._fence, self._forbidden)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _describe(block: Block) -> Text:
    return text(
        "function code {code}, {first}..{last}: {count} {unit} for {values} values",
        code=block.function_code,
        first=block.start,
        last=block.start + block.count - 1,
        count=block.count,
        unit=text("words") if block.function_code in READ_WORDS else text("bits"),
        values=len(block.ranges),
    )
