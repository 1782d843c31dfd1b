"""A heartbeat that stands still is Bad; one that beats, or was only out of sight, is not."""

from __future__ import annotations

import numpy as np

from config.vocabulary import GOOD, Reason, bad
from drivers.contract import Scan
from drivers.modbus.pulse import Pulses
from tests.drivers.contract_suite import tag_of

STILL = bad(Reason.NO_HEARTBEAT)
TAGS = [tag_of("value", "hr:0"), tag_of("beat", "hr:1.0", toggle_within="5s")]


def qualities(pulses: Pulses, *beats: tuple[float, float]) -> list[int]:
    """Judge scans of (time, beat); return the qualities of the beat. The other tag stays as it is."""
    found = []
    for now_s, beat in beats:
        scan = Scan(raw=np.array([7.0, beat]), quality=np.zeros(2, dtype=np.uint32))
        pulses.judge(scan, now_s)
        assert (scan.raw[0], scan.quality[0]) == (7.0, GOOD)
        assert np.isnan(scan.raw[1]) == (scan.quality[1] == STILL)
        found.append(int(scan.quality[1]))
    return found


def test_a_beat_within_its_time_is_good() -> None:
    beats = [(now_s, now_s // 4 % 2) for now_s in range(0, 60, 2)]
    assert set(qualities(Pulses(TAGS), *beats)) == {GOOD}


def test_a_beat_that_stands_still_turns_bad_in_time_and_good_with_the_next() -> None:
    beats = [(0, 1), (2, 0), (4, 0), (6, 0), (7, 0), (60, 0), (61, 1), (63, 0)]
    assert qualities(Pulses(TAGS), *beats) == [GOOD] * 4 + [STILL] * 2 + [GOOD] * 2


def test_a_device_that_was_out_of_sight_has_its_whole_time_again() -> None:
    pulses = Pulses(TAGS)
    assert qualities(pulses, (0, 1), (2, 1)) == [GOOD] * 2
    pulses.forget()
    assert qualities(pulses, (100, 1), (104, 1), (105, 1)) == [GOOD, GOOD, STILL]


def test_a_beat_that_cannot_be_read_keeps_its_own_quality() -> None:
    pulses = Pulses(TAGS)
    assert qualities(pulses, (0, 1)) == [GOOD]
    refused = Scan(raw=np.array([7.0, np.nan]), quality=np.array([0, bad(Reason.REFUSED)], dtype=np.uint32))
    pulses.judge(refused, 50)
    assert refused.quality[1] == bad(Reason.REFUSED)
    assert qualities(pulses, (51, 1), (55, 1), (56, 1)) == [GOOD, GOOD, STILL]
