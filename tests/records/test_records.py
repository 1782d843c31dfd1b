from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.bodies import RecordError
from agent.records import pack_scan, unpack_scan
from agent.rows import MAX_BODY_BYTES, MAX_TEXT, Counters, Rows, select_rows, split_rows
from config.plant import ScanGroup
from drivers.contract import Stamps
from tests.records.plants import dictionary_of, tag, tenths
from tests.records.test_columns import bits

COUNTERS = Counters(scanned=2**40, recorded=7, suppressed=(2**40 - 7,))
TAGS = 60
SCALES = (1.0, 0.1, 0.0625, 1e-7, 0.0, 1e300)
DICTIONARY = dictionary_of(
    *(tag(f"t{n}", scale=SCALES[n % len(SCALES)], offset=(n % 3) - 1.0) for n in range(TAGS))
)


def linear(tags: np.ndarray, raw: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return raw * DICTIONARY.scale[tags] + DICTIONARY.offset[tags]


@st.composite
def scans(draw: st.DrawFn) -> Rows:
    numbers = draw(st.lists(st.integers(0, TAGS - 1), unique=True, max_size=TAGS))
    tags = np.array(sorted(numbers), dtype=np.int64)
    elements = draw(st.sampled_from([st.floats(), st.integers(-999, 40_000).map(float)]))
    raw = draw(arrays.arrays(np.float64, len(tags), elements=elements))
    values = draw(st.sampled_from(["scaled", "despiked", "free"]))
    value = linear(tags, raw if values == "scaled" else np.roll(raw, 1))
    if values == "free":
        value = draw(arrays.arrays(np.float64, len(tags), elements=st.floats()))
    value[draw(arrays.arrays(np.bool_, len(tags), fill=st.just(False)))] = np.nan
    quality = draw(arrays.arrays(np.uint32, len(tags), fill=st.just(0)))
    times = arrays.arrays(np.int64, len(tags), elements=st.integers(0, 2**63 - 1))
    stamps = draw(st.none() | st.builds(Stamps, source_utc_ns=times, server_utc_ns=times))
    exact = draw(st.dictionaries(st.sampled_from(numbers or [0]), st.integers(0, 2**64 - 1) | st.text()))
    found = exact if numbers else {}
    return Rows(tags=tags, raw=raw, value=value, quality=quality, stamps=stamps, exact=found)


def same(one: Rows, other: Rows) -> bool:
    return (
        one.tags.tolist() == other.tags.tolist()
        and bits(one.raw) == bits(other.raw)
        and bits(one.value) == bits(other.value)
        and one.quality.tolist() == other.quality.tolist()
        and shown(one.stamps) == shown(other.stamps)
        and dict(one.exact) == dict(other.exact)
    )


def shown(stamps: Stamps | None) -> list[list[int]]:
    return [] if stamps is None else [stamps.source_utc_ns.tolist(), stamps.server_utc_ns.tolist()]


def walk(count: int, *, despiked: bool = False) -> Rows:
    """Readings of int16 registers, each somewhere in its range and moving a little."""
    chance = np.random.default_rng(1)
    raw = chance.integers(-20_000, 20_000, count).astype(np.float64)
    value = (np.roll(raw, 1) if despiked else raw) * 0.1 + 0.0
    return Rows(tags=np.arange(count), raw=raw, value=value, quality=np.zeros(count, np.uint32))


@given(scans(), st.lists(st.integers(0, 2**64 - 1), max_size=4).map(tuple))
def test_a_scan_comes_back_exactly(rows: Rows, suppressed: tuple[int, ...]) -> None:
    counters = Counters(scanned=2**64 - 1, recorded=0, suppressed=suppressed)
    found, counted = unpack_scan(pack_scan(rows, DICTIONARY, counters), DICTIONARY)
    assert same(found, rows)
    assert counted == counters


@pytest.mark.parametrize("despiked", [False, True])
def test_a_hundred_int16_readings_cost_well_below_six_bytes_each(despiked: bool) -> None:
    body = pack_scan(walk(100, despiked=despiked), tenths(100), COUNTERS)
    stored = min(len(body), len(zstandard.compress(body)))
    assert stored < 100 * (4.8 if despiked else 2.8)


@pytest.mark.parametrize("lag_ns", [None, 0, 12_345_600], ids=["no server's time", "the same", "a lag"])
def test_a_server_s_time_beside_the_source_s_costs_next_to_nothing(lag_ns: int | None) -> None:
    rows = walk(100)
    source = np.random.default_rng(2).integers(1_795_334_400 * 10**9, 1_795_334_401 * 10**9, 100)
    server = np.zeros(100, np.int64) if lag_ns is None else source + lag_ns
    alone = Stamps(source_utc_ns=source, server_utc_ns=np.zeros(100, np.int64))
    both = Stamps(source_utc_ns=source, server_utc_ns=server)
    bodies = [pack_scan(replace(rows, stamps=stamps), tenths(100), COUNTERS) for stamps in (alone, both)]
    assert len(bodies[1]) - len(bodies[0]) == (0 if lag_ns is None else 8)


def test_any_damage_of_a_body_is_a_record_error_or_other_readings_but_nothing_else() -> None:
    times = np.random.default_rng(4).integers(0, 2**62, (2, 20))
    rows = replace(walk(20), stamps=Stamps(source_utc_ns=times[0], server_utc_ns=times[1]))
    dictionary = tenths(20)
    whole = pack_scan(rows, dictionary, COUNTERS)
    chance = random.Random(7)
    for _ in range(2_000):
        body = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        try:
            unpack_scan(bytes(body[: chance.randint(1, len(body))]), dictionary)
        except RecordError:
            continue


def test_a_body_of_another_version_is_refused() -> None:
    body = bytearray(pack_scan(walk(2), tenths(2), COUNTERS))
    body[0] = 2
    with pytest.raises(RecordError, match="version 1"):
        unpack_scan(bytes(body), tenths(2))


def test_tags_that_the_dictionary_does_not_have_are_refused() -> None:
    body = pack_scan(walk(3), tenths(3), COUNTERS)
    with pytest.raises(RecordError, match="dictionary"):
        unpack_scan(body, tenths(2))


def test_only_selected_readings_are_taken_with_their_numbers_in_the_plant() -> None:
    group = ScanGroup(number=1, device="plc", scan_class="fast", first=10, count=4)
    rows = select_rows(
        group,
        np.array([True, False, True, True]),
        np.array([1.0, 2.0, 3.0, 4.0]),
        np.array([0.1, 0.2, 0.3, 0.4]),
        np.array([0, 0, 9, 0], dtype=np.uint32),
        stamps=Stamps(source_utc_ns=np.array([5, 6, 7, 8]), server_utc_ns=np.array([0, 9, 9, 8])),
        exact={1: "gone", 2: 2**60},
    )
    assert rows.tags.tolist() == [10, 12, 13]
    assert rows.raw.tolist() == [1.0, 3.0, 4.0]
    assert shown(rows.stamps) == [[5, 7, 8], [0, 9, 8]]
    assert rows.exact == {12: 2**60}


@pytest.mark.parametrize("text", ["", "x" * MAX_TEXT, "\x00" * (3 * MAX_TEXT)])
def test_parts_of_a_large_scan_stay_below_the_size_of_a_record_and_lose_nothing(text: str) -> None:
    count = 5_000
    chance = np.random.default_rng(3)
    rows = Rows(
        tags=np.arange(0, 2 * count, 2),
        raw=chance.normal(size=count),
        value=chance.normal(size=count),
        quality=chance.integers(0, 2**32, count, dtype=np.uint32),
        stamps=Stamps(
            source_utc_ns=chance.integers(0, 2**62, count), server_utc_ns=chance.integers(0, 2**62, count)
        ),
        exact={2 * n: text for n in range(40)} if text else {},
    )
    dictionary = tenths(2 * count)
    bodies = [pack_scan(part, dictionary, COUNTERS) for part in split_rows(rows)]
    assert max(len(body) for body in bodies) <= 64 * 1024
    found = [unpack_scan(body, dictionary)[0] for body in bodies]
    assert np.concatenate([part.tags for part in found]).tolist() == rows.tags.tolist()
    assert np.concatenate([part.raw for part in found]).tolist() == rows.raw.tolist()
    exact = [value for part in found for value in part.exact.values()]
    assert exact == [text[:MAX_TEXT]] * len(rows.exact)


def test_an_ordinary_scan_is_one_part() -> None:
    rows = walk(100)
    assert list(split_rows(rows)) == [rows]
    assert MAX_BODY_BYTES > 100 * 30
