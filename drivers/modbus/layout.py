"""A scan group as its driver sees it: which blocks are asked for, and where each tag lies in the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.address import parse_modbus
from config.models import Device, Tag, ValueType, WordOrder
from drivers.modbus.decode import BitSlot, Decoder, ValueSlot, bit_of_register, words_of
from drivers.modbus.frame import READ_BITS
from drivers.modbus.planner import Block, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One tag with its address understood; `bit` of a register, or None."""

    span: Span
    type: ValueType
    order: WordOrder
    bit: int | None


def point_of(index: int, tag: Tag, device: Device) -> Point:
    """Return the point of a tag; `index` is its place in its scan group. Raises WrongValue."""
    address = parse_modbus(tag.address, device.address_base)
    single = address.function_code in READ_BITS or address.bit is not None
    return Point(
        span=Span(
            index=index,
            function_code=address.function_code,
            start=address.offset,
            count=1 if single else words_of(tag.type),
        ),
        type=tag.type,
        order=tag.word_order or device.word_order,
        bit=address.bit,
    )


class Layout:
    """The blocks of one scan, and the decoder of their answers joined in that order.

    `members[i]`: the tags (places in the scan group) that block i brings. Every point lies in one block.
    """

    def __init__(self, points: Sequence[Point], blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)
        self.members: list[NDArray[np.intp]] = [
            np.array([span.index for span in block.spans], dtype=np.intp) for block in blocks
        ]
        values: list[ValueSlot] = []
        bits: list[BitSlot] = []
        offset = 0
        for block in blocks:
            for span in block.spans:
                slot = _slot(points[span.index], block, offset)
                (bits if isinstance(slot, BitSlot) else values).append(slot)  # type: ignore[arg-type]
            offset += block.payload_bytes
        self.decoder = Decoder(len(points), values, bits)


def _slot(point: Point, block: Block, offset: int) -> ValueSlot | BitSlot:
    index, distance = point.span.index, point.span.start - block.start
    if block.function_code in READ_BITS:
        return BitSlot(index=index, byte=offset + distance // 8, bit=distance % 8)
    first_byte = offset + 2 * distance
    if point.bit is not None:
        return bit_of_register(index, point.bit, point.order, first_byte)
    return ValueSlot(index=index, type=point.type, order=point.order, first_byte=first_byte)
