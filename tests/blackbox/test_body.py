"""A window comes back from its record bit for bit, and is a message that its schema allows."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.blackbox.body import Window, most_scans, pack_window, unpack_window
from agent.blackbox.ring import Scans
from agent.bodies import RecordError
from agent.receive.schema import fault_of
from agent.rows import MAX_BODY_BYTES
from buffer.record import Record
from config.vocabulary import RecordKind, Stream
from tests.records.messages import ANCHOR, CODEC, RUN
from tests.records.plants import tenths

TAGS = 12
DICTIONARY = tenths(TAGS)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    first = draw(st.integers(0, TAGS - 1))
    shape = (draw(st.integers(1, 9)), draw(st.integers(1, TAGS - first)))
    raw = draw(arrays.arrays(np.float64, shape, elements=st.integers(-999, 40_000).map(float) | st.floats()))
    with np.errstate(all="ignore"):
        scaled = raw * DICTIONARY.scale[first : first + shape[1]]
    value = scaled if draw(st.booleans()) else draw(arrays.arrays(np.float64, shape, elements=st.floats()))
    scans = Scans(
        first=first,
        boot_ns=draw(arrays.arrays(np.int64, shape[0], elements=st.integers(0, 2**62))),
        raw=raw,
        value=value,
        quality=draw(arrays.arrays(np.uint32, shape, fill=st.just(0))),
    )
    return Window(rule=draw(st.text(max_size=100)), event_boot_ns=draw(st.integers(0, 2**62)), scans=scans)


def bits(numbers: np.ndarray) -> list[object]:
    return [None if number != number else number.tobytes() for number in numbers.ravel()]


@given(window=windows())
def test_a_window_comes_back_as_it_was(window: Window) -> None:
    found = unpack_window(pack_window(window, DICTIONARY), DICTIONARY)
    assert (found.rule, found.event_boot_ns, found.scans.first) == (
        window.rule,
        window.event_boot_ns,
        window.scans.first,
    )
    assert found.scans.boot_ns.tolist() == window.scans.boot_ns.tolist()
    assert found.scans.quality.tolist() == window.scans.quality.tolist()
    for column in ("raw", "value"):
        one, other = getattr(found.scans, column), getattr(window.scans, column)
        assert one.shape == other.shape
        assert bits(one) == bits(other)


@given(window=windows(), cut=st.integers(0, 400))
def test_a_damaged_window_is_refused(window: Window, cut: int) -> None:
    body = pack_window(window, DICTIONARY)
    with pytest.raises(RecordError):
        unpack_window(body[: min(cut, len(body) - 1)], DICTIONARY)


@pytest.mark.parametrize("tags", [1, 7, 100, 1000])
def test_as_many_scans_as_are_allowed_fit_into_a_record(tags: int) -> None:
    rng = np.random.default_rng(1)
    shape = (most_scans(tags), tags)
    scans = Scans(
        first=0,
        boot_ns=np.arange(shape[0]),
        raw=rng.random(shape),
        value=rng.random(shape),
        quality=rng.integers(0, 2**32, shape, dtype=np.uint32),
    )
    body = pack_window(Window(rule="长" * 500, event_boot_ns=0, scans=scans), tenths(tags))
    assert len(body) <= MAX_BODY_BYTES


@given(window=windows())
def test_a_window_is_a_message_of_its_schema(window: Window) -> None:
    record = Record(
        run=RUN,
        stream=Stream.READINGS,
        seq=3,
        kind=RecordKind.WINDOW,
        first_boot_ns=1,
        last_boot_ns=2,
        count=0,
        body=pack_window(window, DICTIONARY),
    )
    content = orjson.loads(CODEC.encode(record, DICTIONARY, ANCHOR, backfill=False).payload)
    assert fault_of("window", content) is None
    assert len(content["scans"]) == len(content["raw"]) == len(content["quality"])
