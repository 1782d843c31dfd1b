"""What is believed of UTC, by whom it is vouched for, and steps: told when they matter, however they come."""

from __future__ import annotations

import pytest

from agent.anchor import pack_anchor
from agent.timebase import BUILT_UTC_NS, Sample, Timebase
from config.units import DAY, S
from tests.virtual import VirtualClock

MS = 10**6
BOOT = "0" * 32
NOW_NS = BUILT_UTC_NS + 30 * DAY


def steps_of(clock: VirtualClock, *steps_ms: int) -> list[int | None]:
    """Return what is told of steps, one a second."""
    timebase, told = Timebase(clock, BOOT), []
    for step_ms in steps_ms:
        clock.now_ns += 1000 * MS
        clock.utc_offset_ns += step_ms * MS
        step = timebase.update()
        told.append(None if step is None else step.used_ns // MS)
    return told


def machine_at(utc_ns: int, *, vouched: bool = False) -> VirtualClock:
    """A machine whose clock says that it is `utc_ns`."""
    clock = VirtualClock(vouched=vouched)
    clock.utc_offset_ns = utc_ns - clock.now_ns
    return clock


def sample(clock: VirtualClock, utc_ns: int, *, within_ns: int = S, source: str = "http") -> Sample:
    return Sample(source=source, boot_ns=clock.boot_ns(), utc_ns=utc_ns, uncertainty_ns=within_ns)


@pytest.mark.parametrize("step_ms", [500, 3_600_000, -500, -3_600_000])
def test_a_step_is_told_once(step_ms: int) -> None:
    assert steps_of(VirtualClock(), 0, step_ms, 0) == [None, step_ms, None]


def test_small_steps_are_told_when_together_they_are_half_a_second() -> None:
    assert steps_of(VirtualClock(), 200, 200, 200, 200, 200) == [None, None, 600, None, None]


def test_steps_that_take_each_other_back_are_not_told() -> None:
    assert steps_of(VirtualClock(), 400, -400, 400) == [None, None, None]


def test_the_anchor_is_the_newest_whatever_is_told() -> None:
    clock = VirtualClock()
    timebase = Timebase(clock, BOOT)
    clock.utc_offset_ns += 100 * MS
    assert timebase.update() is None
    assert timebase.anchor.utc_ns == clock.utc_ns()


def test_a_clock_that_begins_in_1970_is_taken_for_no_earlier_than_this_version() -> None:
    clock = machine_at(20 * S)
    anchor = Timebase(clock, BOOT).anchor
    assert (anchor.utc_ns, anchor.source, anchor.synchronised) == (BUILT_UTC_NS, "floor", False)


def test_a_clock_that_begins_in_1970_goes_on_from_the_newest_time_that_was_stored() -> None:
    clock = machine_at(20 * S)
    timebase = Timebase(clock, BOOT)
    timebase.stored(NOW_NS)
    clock.now_ns += 5 * S
    assert timebase.update() is None
    assert timebase.anchor.utc_ns == NOW_NS + 5 * S
    assert timebase.machine_error_ns() == 20 * S - NOW_NS


def test_a_step_behind_what_was_stored_is_not_followed_unless_somebody_vouches_for_it() -> None:
    clock = machine_at(NOW_NS)
    timebase = Timebase(clock, BOOT)
    timebase.stored(NOW_NS - 60 * S)
    clock.utc_offset_ns -= 12 * 3600 * S
    step = timebase.update()
    assert step is not None
    assert (step.used_ns, step.machine_ns) == (-60 * S, -12 * 3600 * S)
    clock.vouched = True
    timebase.update()
    assert timebase.anchor.utc_ns == NOW_NS - 12 * 3600 * S


def test_a_source_vouches_where_the_kernel_does_not() -> None:
    clock = machine_at(20 * S)
    timebase = Timebase(clock, BOOT)
    timebase.offer(sample(clock, NOW_NS))
    step = timebase.update()
    assert step is not None
    assert step.used_ns == NOW_NS - BUILT_UTC_NS
    anchor = timebase.anchor
    assert (anchor.utc_ns, anchor.source, anchor.synchronised) == (NOW_NS, "http", True)
    assert anchor.uncertainty_ns == S


def test_what_a_source_said_once_grows_uncertain_and_is_vouched_for_no_more_after_a_week() -> None:
    clock = machine_at(20 * S)
    timebase = Timebase(clock, BOOT)
    timebase.offer(sample(clock, NOW_NS))
    clock.now_ns += DAY
    timebase.update()
    assert timebase.anchor.synchronised
    assert timebase.anchor.uncertainty_ns == pytest.approx(S + 8.64 * S)
    clock.now_ns += 6 * DAY
    timebase.update()
    assert not timebase.anchor.synchronised


def test_a_sample_replaces_another_where_it_is_better_or_contradicts_it_for_good() -> None:
    clock = machine_at(20 * S)
    timebase = Timebase(clock, BOOT)
    timebase.offer(sample(clock, NOW_NS, within_ns=S))
    timebase.offer(sample(clock, NOW_NS + 2 * S, within_ns=2 * S, source="tag"))
    timebase.update()
    assert timebase.anchor.source == "http"
    timebase.offer(sample(clock, NOW_NS + S // 2, within_ns=S // 10, source="opcua"))
    timebase.update()
    assert timebase.anchor.source == "opcua"
    for _ in range(3):
        timebase.offer(sample(clock, NOW_NS + 60 * S, within_ns=2 * S, source="tag"))
    timebase.update()
    assert timebase.anchor.source == "tag"


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("torn", [1, 2])
def test_a_clock_that_is_read_in_the_middle_of_its_turn_moves_nothing(torn: int, hours: int) -> None:
    """10:59:59 -> 10:00:00 -> 11:00:01."""
    clock = machine_at(20 * S)
    timebase = Timebase(clock, BOOT)
    timebase.offer(sample(clock, NOW_NS, within_ns=2 * S))
    timebase.update()
    begun_ns = NOW_NS - clock.now_ns
    for _ in range(20):
        for wrong_s in (*[hours * 3600] * torn, 0):
            clock.now_ns += S
            timebase.offer(sample(clock, begun_ns + clock.now_ns + wrong_s * S, within_ns=2 * S))
            assert timebase.update() is None


def test_samples_that_contradict_each_other_too_are_not_believed() -> None:
    clock = machine_at(20 * S)
    timebase = Timebase(clock, BOOT)
    assert timebase.offer(sample(clock, NOW_NS))
    timebase.update()
    for hour in range(1, 100):
        assert not timebase.offer(sample(clock, NOW_NS + hour * 3600 * S))
        assert timebase.update() is None


@pytest.mark.parametrize("utc_s", [0, 2**32 * 100, 253402300799, 4 * 10**11, 3 * 10**38])
def test_a_source_that_tells_a_time_that_cannot_be_is_not_believed(utc_s: int) -> None:
    clock = machine_at(NOW_NS)
    timebase = Timebase(clock, BOOT)
    assert not timebase.offer(sample(clock, utc_s * S))
    assert timebase.update() is None
    assert timebase.anchor.source == "none"
    pack_anchor(timebase.anchor)


def test_a_source_whose_own_clock_was_never_set_is_not_believed() -> None:
    clock = machine_at(NOW_NS)
    timebase = Timebase(clock, BOOT)
    timebase.offer(sample(clock, 40 * S))
    assert timebase.update() is None
    assert timebase.anchor.source == "none"


def test_the_kernel_is_believed_before_any_source() -> None:
    clock = machine_at(NOW_NS, vouched=True)
    timebase = Timebase(clock, BOOT)
    timebase.offer(sample(clock, NOW_NS + DAY))
    assert timebase.update() is None
    assert timebase.anchor.source == "kernel"
