"""The Modbus driver: one device on a guarded link."""

from __future__ import annotations

from config.models import Device
from config.plant import Plant, ScanGroup
from config.text import Text, text
from config.vocabulary import Reason, uncertain
from drivers.contract import DeviceRefused, DriverCounters, Scan
from drivers.modbus.frame import READ_WORDS, ReadRequest
from drivers.modbus.layout import Layout, point_of
from drivers.modbus.link import GuardedLink
from drivers.modbus.planner import Block, Cost, Limits, plan

_RESYNC = uncertain(Reason.RESYNC)


class ModbusDriver:
    """See `drivers.contract.Driver`."""

    def __init__(self, plant: Plant, name: str, link: GuardedLink) -> None:
        """Plan every scan group of device `name`; `link` is shared with the other devices of its endpoint."""
        self.counters = DriverCounters()
        self._device = plant.description.devices[name]
        self._link = link
        self._layouts = {
            group.number: _layout(plant, group, self._device)
            for group in plant.groups
            if group.device == name
        }
        link.join()
        self._closed = False

    async def scan(self, group: ScanGroup) -> Scan:
        """See `drivers.contract.Driver`."""
        layout = self._layouts[group.number]
        answers: list[bytes] = []
        remarks: list[tuple[int, int]] = []
        for number, block in enumerate(layout.blocks):
            try:
                answer = await self._link.read(self._request(block), self.counters)
            except DeviceRefused as refusal:
                answers.append(bytes(block.payload_bytes))
                remarks.append((number, refusal.quality))
                continue
            answers.append(answer.payload)
            if answer.resync:
                remarks.append((number, _RESYNC))
        decoded = layout.decoder.decode(b"".join(answers))
        for number, word in remarks:
            members = layout.members[number]
            decoded.quality[members] = word
            if word != _RESYNC:
                decoded.raw[members] = float("nan")
        return Scan(raw=decoded.raw, quality=decoded.quality, exact=decoded.exact)

    async def close(self) -> None:
        """See `drivers.contract.Driver`."""
        if not self._closed:
            self._closed = True
            await self._link.leave()

    def plan(self, group: ScanGroup) -> list[Text]:
        """See `drivers.contract.Driver`."""
        return [_describe(block) for block in self._layouts[group.number].blocks]

    def _request(self, block: Block) -> ReadRequest:
        return ReadRequest(
            unit_id=self._device.unit_id,
            function_code=block.function_code,
            address=block.start,
            count=block.count,
        )


def _layout(plant: Plant, group: ScanGroup, device: Device) -> Layout:
    points = [point_of(index, tag, device) for index, tag in enumerate(plant.tags_of(group))]
    limits = Limits(max_words=device.max_words, max_bits=device.max_bits, max_gap_words=device.max_gap_words)
    return Layout(points, plan([point.span for point in points], limits, Cost()))


def _describe(block: Block) -> Text:
    unit = text("words") if block.function_code in READ_WORDS else text("bits")
    return text(
        "function code {code}, {first}..{last}: {count} {unit} for {tags} tags",
        code=block.function_code,
        first=block.start,
        last=block.end - 1,
        count=block.count,
        unit=unit,
        tags=len(block.spans),
    )
