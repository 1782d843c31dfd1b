"""A simulated Modbus device: registers that hold what the story says whenever they are read."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.simulate.modbus import Unit
from agent.simulate.rudeness import Conduct, Manner
from agent.simulate.story import Story
from agent.simulate.values import held, merged, registers_of
from config.address import parse_modbus
from config.links import Device, WordOrder
from config.tags import Tag

_RANGE: Final = struct.Struct(">HH")
_BIT_TABLES: Final = (1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where a tag lies: `first` to `end` (exclusive) of a table, or some bits of that."""

    tag: Tag
    function_code: int
    first: int
    end: int
    order: WordOrder
    mask: int | None

    @classmethod
    def of(cls, tag: Tag, device: Device) -> Cell:
        """Return the cell of a tag. Raises WrongValue where its address has no meaning."""
        address = parse_modbus(tag.address, device.address_base)
        order = tag.word_order or device.word_order
        return cls(
            tag=tag,
            function_code=address.function_code,
            first=address.offset,
            end=address.offset + (1 if address.function_code in _BIT_TABLES else tag.words),
            order=order,
            mask=tag.mask if address.bit is None else 1 << address.bit,
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
        # a word that has a tag of its own is stored before the bits in it
        self._cells = sorted(cells, key=lambda cell: cell.mask is not None)

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
        value = held(self._story.raw(cell.tag), cell.tag.type)
        table = (self.coils, self.inputs, self.holding, self.input_registers)[cell.function_code - 1]
        place = slice(cell.first, cell.end)
        if cell.function_code in _BIT_TABLES:
            table[place] = bool(value)
        elif cell.mask is not None:
            table[place] = merged(table[place].tolist(), int(value), cell.mask, cell.order)
        else:
            table[place] = registers_of(value, cell.tag.type, cell.order, cell.tag.length)
