"""A scan group as its driver sees it: which blocks are asked for, and how their replies become a scan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from config.address import parse_modbus, parse_span
from config.links import Device, WordOrder
from config.tags import Tag, ValueType
from config.vocabulary import Reason, bad, uncertain
from drivers.contract import DeviceError, Scan
from drivers.modbus.decode import BitSlot, Decoder, ValueSlot, bit_of_register
from drivers.modbus.fence import Fence
from drivers.modbus.frame import READ_BITS, Answer
from drivers.modbus.planner import Block, Cost, Limits, Place, Range, plan

_RESYNC: Final = uncertain(Reason.RESYNC)  # less than every Bad, more than Good


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One tag with its address understood; `bit` of a register, or None; `mask`: see `Tag`."""

    range: Range
    type: ValueType
    order: WordOrder
    bit: int | None
    mask: int | None


def point_of(tag: Tag, device: Device) -> Point:
    """Return what a tag asks for. Raises WrongValue where its address has no meaning."""
    address = parse_modbus(tag.address, device.address_base)
    single = address.function_code in READ_BITS or address.bit is not None
    count = 1 if single else tag.words
    return Point(
        range=Range(address.function_code, address.offset, address.offset + count),
        type=tag.type,
        order=tag.word_order or device.word_order,
        bit=address.bit,
        mask=tag.mask,
    )


def forbidden_places(device: Device) -> list[Place]:
    """Return where no block may pass, so that no forbidden address is read along. Raises WrongValue."""
    spans = [parse_span(spelling, device.address_base) for spelling in device.forbidden]
    return [Place(function_code, first) for function_code, first, _ in spans]


class Layout:
    """The blocks of one scan, the tags that each brings, and the decoder of their answers.

    `members[i]`: the places, in the scan group, of the tags in block i. `fenced`, `fenced_words`: the places
    of the tags that no block brings, and their qualities. `forbidden`: places that no block lies
    across. `version` of the fence, `cost`: what this was made for.
    """

    def __init__(
        self,
        points: Sequence[Point],
        limits: Limits,
        cost: Cost,
        fence: Fence,
        forbidden: Sequence[Place] = (),
    ) -> None:
        codes = [fence.code_of(point.range) for point in points]
        self.version = fence.version
        self.cost = cost
        self.fenced = np.array([at for at, code in enumerate(codes) if code is not None], dtype=np.intp)
        self.fenced_words = np.array(
            [bad(Reason.FENCED, detail=code) for code in codes if code is not None], dtype=np.uint32
        )
        wanting: dict[Range, list[int]] = defaultdict(list)
        for index, (point, code) in enumerate(zip(points, codes, strict=True)):
            if code is None:
                wanting[point.range].append(index)
        self.blocks = tuple(plan(wanting, limits, cost, sorted((*fence.cuts, *forbidden))))
        inside = [[index for wanted in block.ranges for index in wanting[wanted]] for block in self.blocks]
        self.members = [np.array(indices, dtype=np.intp) for indices in inside]
        self._decoder = _decoder(points, self.blocks, inside)

    def read(self, replies: Sequence[Answer | DeviceError]) -> Scan:
        """Return the scan that the blocks' replies, in their order, amount to."""
        payloads = [
            reply.payload if isinstance(reply, Answer) else bytes(block.payload_bytes)
            for block, reply in zip(self.blocks, replies, strict=True)
        ]
        decoded = self._decoder.decode(b"".join(payloads))
        for members, reply in zip(self.members, replies, strict=True):
            if isinstance(reply, DeviceError):
                decoded.raw[members] = np.nan
                decoded.quality[members] = reply.quality
            elif reply.resync:
                decoded.quality[members] = np.maximum(decoded.quality[members], _RESYNC)
        if self.fenced.size:
            decoded.quality[self.fenced] = self.fenced_words
        return Scan(raw=decoded.raw, quality=decoded.quality, exact=decoded.exact)


def _decoder(points: Sequence[Point], blocks: Sequence[Block], inside: Sequence[Sequence[int]]) -> Decoder:
    values: list[ValueSlot] = []
    bits: list[BitSlot] = []
    offset = 0
    for block, indices in zip(blocks, inside, strict=True):
        for index in indices:
            _place(index, points[index], block, offset, values, bits)
        offset += block.payload_bytes
    return Decoder(len(points), values, bits)


def _place(
    index: int, point: Point, block: Block, offset: int, values: list[ValueSlot], bits: list[BitSlot]
) -> None:
    distance = point.range.start - block.start
    if block.function_code in READ_BITS:
        bits.append(BitSlot(index=index, byte=offset + distance // 8, bit=distance % 8))
    elif point.bit is not None:
        bits.append(bit_of_register(index, point.bit, point.order, offset + 2 * distance))
    else:
        values.append(
            ValueSlot(
                index=index,
                type=point.type,
                order=point.order,
                first_byte=offset + 2 * distance,
                words=point.range.end - point.range.start,
                mask=point.mask,
            )
        )
