from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from buffer.frame import FORMAT, HEADER_BYTES, LAYOUTS, MAGIC, Decoder, Encoder, Entry
from buffer.scan import Damage, Frame, Window, walk
from config.vocabulary import RecordKind, Stream

NUMBERS = st.integers(0, 2**63 - 1)


def frame(seq: int, body: bytes) -> bytes:
    return Encoder(7, Stream.READINGS).frame(Entry(RecordKind.DATA, body, seq, seq * 10, 1, 2, 10))


def walked(path: Path, data: bytes) -> list[Frame | Damage]:
    path.write_bytes(data)
    return list(walk(Window(path, len(data), LAYOUTS[FORMAT]), 0))


@given(st.binary(max_size=65536), NUMBERS, NUMBERS, NUMBERS, st.integers(0, 2**32 - 1))
def test_a_frame_comes_back_as_it_went_in(
    body: bytes, seq: int, before: int, time_ns: int, count: int
) -> None:
    entry = Entry(RecordKind.EVENT, body, seq, before, time_ns, -time_ns, count, 2)
    data = Encoder(2**64 - 1, Stream.EVENTS).frame(entry)
    header = LAYOUTS[FORMAT].parse(data)
    assert header is not None
    assert (header.run, header.stream, header.kind) == (2**64 - 1, Stream.EVENTS, RecordKind.EVENT)
    assert (header.seq, header.readings_before, header.readings) == (seq, before, count)
    assert (header.first_boot_ns, header.last_boot_ns) == (time_ns, -time_ns)
    assert len(data) == HEADER_BYTES + header.body_bytes
    assert Decoder().body(header, data[HEADER_BYTES:]) == body


def test_a_body_is_compressed_only_where_that_is_smaller() -> None:
    assert len(frame(1, bytes(10_000))) < 200
    incompressible = random.Random(1).randbytes(10_000)
    assert len(frame(1, incompressible)) == HEADER_BYTES + 10_000


def test_every_flipped_bit_of_a_frame_is_found_and_costs_that_frame_only(tmp_path: Path) -> None:
    frames = [frame(seq, b"body of %d" % seq) for seq in (1, 2, 3)]
    clean = b"".join(frames)
    start, end = len(frames[0]), len(frames[0]) + len(frames[1])
    for bit in range(8 * start, 8 * end):
        data = bytearray(clean)
        data[bit // 8] ^= 1 << bit % 8
        found = walked(tmp_path / "s", bytes(data))
        whole = [item.header.seq for item in found if isinstance(item, Frame)]
        assert whole == [1, 3], bit
        assert [(item.offset, item.end) for item in found if isinstance(item, Damage)] == [(start, end)]


def test_a_magic_number_inside_a_damaged_stretch_leads_nobody_astray(tmp_path: Path) -> None:
    rubbish = (MAGIC + b"\0" * 10) * 20 + MAGIC
    found = walked(tmp_path / "s", frame(1, b"x") + rubbish + frame(2, b"y"))
    assert [item.header.seq for item in found if isinstance(item, Frame)] == [1, 2]


def test_damage_longer_than_a_chunk_is_crossed(tmp_path: Path) -> None:
    hole = bytes(600_000)
    found = walked(tmp_path / "s", frame(1, b"x") + hole + frame(2, b"y") + bytes(5))
    kinds = [type(item).__name__ for item in found]
    assert kinds == ["Frame", "Damage", "Frame", "Damage"]
    assert found[1].end - found[1].offset == len(hole)
    assert found[3].end - found[3].offset == 5


def test_a_cut_off_frame_is_named_by_its_header(tmp_path: Path) -> None:
    data = frame(1, b"x") + frame(2, b"some body")[:-1]
    *_, torn = walked(tmp_path / "s", data)
    assert isinstance(torn, Damage)
    assert torn.header is not None
    assert torn.header.seq == 2
