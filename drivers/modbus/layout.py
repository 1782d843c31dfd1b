"""A scan group as its driver sees it: which blocks are asked for, and how their replies become a scan."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.address import parse_modbus, parse_span
from config.links import Device, WordOrder
from config.tags import Tag, ValueType
from config.vocabulary import Reason, bad, uncertain
from drivers.contract import DeviceError, Scan, exact_of
from drivers.modbus.decode import BitSlot, Decoder, ValueSlot, bit_of_register
from drivers.modbus.fence import Fence
from drivers.modbus.frame import READ_BITS, Answer
from drivers.modbus.planner import Block, Cost, Limits, Place, Range, plan

AT_ONCE: Final = 500
"""As many points are laid out within a few milliseconds."""

_RESYNC: Final = uncertain(Reason.RESYNC)  # less than every Bad, more than Good


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A tag with its address understood; `index`: its place in its scan group.

    `bit`: of a register, or None. `mask`: see `Tag`.
    """

    index: int
    range: Range
    type: ValueType
    order: WordOrder
    bit: int | None
    mask: int | None


def point_of(index: int, tag: Tag, device: Device) -> Point:
    """Return what a tag asks for. Raises WrongValue where its address has no meaning."""
    address = parse_modbus(tag.address, device.address_base)
    single = address.function_code in READ_BITS or address.bit is not None
    count = 1 if single else tag.words
    return Point(
        index=index,
        range=Range(address.function_code, address.offset, address.offset + count),
        type=tag.type,
        order=tag.word_order or device.word_order,
        bit=address.bit,
        mask=tag.mask,
    )


def range_of(point: Point) -> Range:
    """Return what a point asks for: the order in which points are laid out."""
    return point.range


def forbidden_places(device: Device) -> list[Place]:
    """Return where no block may pass, so that no forbidden address is read along. Raises WrongValue."""
    spans = [parse_span(spelling, device.address_base) for spelling in device.forbidden]
    return [Place(function_code, first) for function_code, first, _ in spans]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The blocks of one scan, the tags that each brings, and the decoder of their answers.

    `members[i]`: the places, in the scan group, of the tags in block i. `fenced`, `fenced_words`: the places
    of the tags that no block brings, and their qualities. `version` of the fence, `cost`: what this was made
    for.
    """

    version: int
    cost: Cost
    blocks: tuple[Block, ...]
    members: Sequence[NDArray[np.intp]]
    fenced: NDArray[np.intp]
    fenced_words: NDArray[np.uint32]
    decoder: Decoder

    def read(self, replies: Sequence[Answer | DeviceError]) -> Scan:
        """Return the scan that the blocks' replies, in their order, amount to."""
        payloads = [
            reply.payload if isinstance(reply, Answer) else bytes(block.payload_bytes)
            for block, reply in zip(self.blocks, replies, strict=True)
        ]
        decoded = self.decoder.decode(b"".join(payloads))
        for members, reply in zip(self.members, replies, strict=True):
            if isinstance(reply, DeviceError):
                decoded.raw[members] = np.nan
                decoded.quality[members] = reply.quality
            elif reply.resync:
                decoded.quality[members] = np.maximum(decoded.quality[members], _RESYNC)
        if self.fenced.size:
            decoded.quality[self.fenced] = self.fenced_words
        exact = exact_of(decoded.exact, decoded.raw)
        return Scan(raw=decoded.raw, quality=decoded.quality, exact=exact)


def lay_out(
    points: Sequence[Point], limits: Limits, cost: Cost, fence: Fence, forbidden: Sequence[Place] = ()
) -> Generator[None, None, Layout]:
    """Make the layout of points that are in order of their ranges, in pieces of AT_ONCE points.

    `forbidden`: places that no block lies across. What the fence learns meanwhile is not in the layout: it is
    of the version with which it began.
    """
    version, cuts = fence.version, sorted((*fence.cuts, *forbidden))
    asked, codes = yield from _asked(points, fence)
    blocks = yield from _planned(plan((point.range for point in asked), limits, cost, cuts))
    members, decoder = yield from _decoder(len(points), blocks, asked)
    return Layout(
        version=version,
        cost=cost,
        blocks=tuple(blocks),
        members=members,
        fenced=np.array(list(codes), dtype=np.intp),
        fenced_words=np.array([bad(Reason.FENCED, detail=code) for code in codes.values()], dtype=np.uint32),
        decoder=decoder,
    )


def _asked(
    points: Sequence[Point], fence: Fence
) -> Generator[None, None, tuple[list[Point], dict[int, int]]]:
    """Return the points that may be asked for, and the exception codes of all others by their places."""
    asked: list[Point] = []
    codes: dict[int, int] = {}
    for start in range(0, len(points), AT_ONCE):
        for point in points[start : start + AT_ONCE]:
            code = fence.code_of(point.range)
            if code is None:
                asked.append(point)
            else:
                codes[point.index] = code
        if start:
            yield
    return asked, codes


def _planned(blocks: Iterable[Block]) -> Generator[None, None, list[Block]]:
    found: list[Block] = []
    waiting = 0
    for block in blocks:
        found.append(block)
        waiting += len(block.ranges)
        if waiting >= AT_ONCE:
            waiting = 0
            yield
    return found


def _decoder(
    count: int, blocks: Sequence[Block], points: Sequence[Point]
) -> Generator[None, None, tuple[list[NDArray[np.intp]], Decoder]]:
    """Return the places of the tags in each block, and the decoder of the blocks' data, joined."""
    decoder, members = Decoder(count, [], []), []
    values: list[ValueSlot] = []
    bits: list[BitSlot] = []
    first = offset = 0
    for block in blocks:
        end = bisect_right(points, block.ranges[-1], first, key=range_of)
        members.append(np.array([point.index for point in points[first:end]], dtype=np.intp))
        for point in points[first:end]:
            _place(point, block, offset, values, bits)
        first, offset = end, offset + block.payload_bytes
        if len(values) + len(bits) >= AT_ONCE:
            decoder.join(Decoder(count, values, bits))
            values, bits = [], []
            yield
    decoder.join(Decoder(count, values, bits))
    return members, decoder


def _place(point: Point, block: Block, offset: int, values: list[ValueSlot], bits: list[BitSlot]) -> None:
    distance = point.range.start - block.start
    if block.function_code in READ_BITS:
        bits.append(BitSlot(index=point.index, byte=offset + distance // 8, bit=distance % 8))
    elif point.bit is not None:
        bits.append(bit_of_register(point.index, point.bit, point.order, offset + 2 * distance))
    else:
        values.append(
            ValueSlot(
                index=point.index,
                type=point.type,
                order=point.order,
                first_byte=offset + 2 * distance,
                words=point.range.end - point.range.start,
                mask=point.mask,
            )
        )
