"""A simulated Modbus device: registers that hold what the story says whenever they are read."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.simulate.modbus import Unit
from agent.simulate.rudeness import Conduct, Manner
from agent.simulate.story import Story
from agent.simulate.values import held, registers_of
from config.address import parse_modbus
from config.links import Device, WordOrder
from config.tags import Tag

_RANGE: Final = struct.Struct(">HH")
_BIT_TABLES: Final = (1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where a tag lies: `first` to `end` (exclusive) of a table, or one bit of a register."""

    tag: Tag
    function_code: int
    first: int
    end: int
    order: WordOrder
    bit: int | None

    @classmethod
    def of(cls, tag: Tag, device: Device) -> Cell:
        """Return the cell of a tag. Raises WrongValue where its address has no meaning."""
        address = parse_modbus(tag.address, device.address_base)
        single = address.function_code in _BIT_TABLES or address.bit is not None
        order = tag.word_order or device.word_order
        swapped = order in (WordOrder.BADC, WordOrder.DCBA)
        bit = address.bit if address.bit is None or not swapped else (address.bit + 8) % 16
        return cls(
            tag=tag,
            function_code=address.function_code,
            first=address.offset,
            end=address.offset + (1 if single else tag.type.words),
            order=order,
            bit=bit,
        )


class SimulatedUnit(Unit):
    """A device of a plant; `alone` on its connection, it closes that where it goes away."""

    def __init__(self, story: Story, name: str, *, alone: bool) -> None:
        device = story.plant.description.devices[name]
        super().__init__(max_words=device.max_words)
        self._story = story
        self._name = name
        self._absence = Conduct(Manner.CLOSE if alone else Manner.SILENT)
        cells = [Cell.of(tag, device) for tag in story.plant.tags if tag.device == name]
        self._cells = sorted(cells, key=lambda cell: cell.bit is not None)  # bits into their words, not under

    def read(self, function_code: int, address: int, count: int) -> bytes | int:
        """Let what is asked for hold its values of now, then answer; refuse where the story says so."""
        cells = self._asked(function_code, address, count)
        code = self._story.refusal(cell.tag for cell in cells)
        if code is not None:
            return code
        for cell in cells:
            self._store(cell)
        return super().read(function_code, address, count)

    def conduct(self, pdu: bytes) -> Conduct:
        """See `Unit`."""
        if self._story.is_away(self._name):
            return self._absence
        function_code, asked = pdu[0], pdu[1:5]
        cells = self._asked(function_code, *_RANGE.unpack(asked)) if len(asked) == _RANGE.size else ()
        return self._story.conduct(self._name, [cell.tag for cell in cells])

    def _asked(self, function_code: int, address: int, count: int) -> Sequence[Cell]:
        end = address + count
        return [
            cell
            for cell in self._cells
            if cell.function_code == function_code and cell.first < end and cell.end > address
        ]

    def _store(self, cell: Cell) -> None:
        value = self._story.raw(cell.tag)
        table = (self.coils, self.inputs, self.holding, self.input_registers)[cell.function_code - 1]
        if cell.function_code in _BIT_TABLES:
            table[cell.first] = bool(value)
        elif cell.bit is not None:
            others = int(table[cell.first]) & ~(1 << cell.bit)
            table[cell.first] = others | bool(value) << cell.bit
        else:
            table[cell.first : cell.end] = registers_of(held(value, cell.tag.type), cell.tag.type, cell.order)
