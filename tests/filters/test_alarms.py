from __future__ import annotations

import numpy as np
import pytest

from config.vocabulary import EventKind, Reason, bad, reason_of, uncertain
from filters.kernels import Kernels
from tests.filters.rig import MS, Rig, S, kinds, plant, tag, told


def rig(kernels: Kernels, **row: object) -> Rig:
    return Rig(plant(tag("t", **row)), kernels)


def test_a_limit_that_is_reached_raises_at_once_without_a_delay(kernels: Kernels) -> None:
    line = rig(kernels, hh=70)
    assert line.scan(1, t=69.9) == []
    assert told(line.scan(2, t=70)) == [("alarm_raised", "t.HH", 2)]
    assert told(line.scan(3, t=69.9)) == [("alarm_cleared", "t.HH", 3)]


@pytest.mark.parametrize(("limit", "beyond", "back"), [("ll", 1, 3), ("l", 1, 3), ("h", 3, 1), ("hh", 3, 1)])
def test_each_limit_has_its_own_alarm(kernels: Kernels, limit: str, beyond: float, back: float) -> None:
    line = rig(kernels, **{limit: 2})
    line.scan(1, t=back)
    line.scan(2, t=beyond)
    line.scan(3, t=back)
    name = f"t.{limit.upper()}"
    assert told(line.events) == [("alarm_raised", name, 2), ("alarm_cleared", name, 3)]


def test_an_on_delay_ends_between_scans_at_its_exact_instant(kernels: Kernels) -> None:
    line = rig(kernels, hh=70, on_delay="2.5s")
    line.scan(1, t=80)
    line.scan(2, t=80)
    line.scan(3, t=80)
    assert line.due_s == 3.5
    raised = line.judge(3.7)
    assert told(raised) == [("alarm_raised", "t.HH", 3.5)]
    assert raised[0].figures["on_delay_ms"] == 2500
    assert raised[0].figures["onset_boot_ns"] == 1 * S
    assert raised[0].evidence[0].boot_ns == 3 * S


def test_a_delay_that_nobody_judged_in_time_still_ends_at_its_instant_and_on_what_was_known_then(
    kernels: Kernels,
) -> None:
    line = rig(kernels, hh=70, on_delay="500ms")
    line.scan(1, t=80)
    events = line.scan(2, t=20)
    assert told(events) == [("alarm_raised", "t.HH", 1.5), ("alarm_cleared", "t.HH", 2)]
    assert [event.evidence[0].value for event in events] == [80, 20]


def test_a_value_that_returns_within_the_on_delay_raises_nothing(kernels: Kernels) -> None:
    line = rig(kernels, hh=70, on_delay="2s")
    for second, number in enumerate([80, 80, 60, 80, 80, 60]):
        assert line.scan(second, t=number) == []


def test_a_delay_of_one_period_is_not_over_before_the_scan_that_can_deny_it(kernels: Kernels) -> None:
    line = rig(kernels, hh=70, on_delay="1s")
    line.scan(0, t=80)
    assert line.judge(1.01) == []
    assert line.scan(1.003, t=60, late_s=0.05) == []
    line.scan(2, t=80)
    assert told(line.scan(2.999, t=80, late_s=0.05)) == [("alarm_raised", "t.HH", 3)]


def test_a_delay_waits_a_period_at_most_for_a_scan_that_does_not_come(kernels: Kernels) -> None:
    line = rig(kernels, hh=70, on_delay="1s")
    line.scan(0, t=80)
    assert line.due_s == 2
    assert told(line.judge(2)) == [("alarm_raised", "t.HH", 1)]


def test_the_deadband_and_the_off_delay_keep_an_alarm(kernels: Kernels) -> None:
    line = rig(kernels, hh=70, alarm_deadband=5, off_delay="1500ms")
    line.scan(0, t=71)
    assert line.scan(1, t=65) == []
    assert line.scan(2, t=64) == []
    assert line.scan(3, t=66) == []
    assert line.scan(4, t=64) == []
    assert line.scan(5, t=64) == []
    cleared = line.judge(5.6)
    assert told(cleared) == [("alarm_cleared", "t.HH", 5.5)]
    assert cleared[0].figures["active_ms"] == 5500


def test_a_bad_input_neither_raises_nor_clears_a_limit_alarm(kernels: Kernels) -> None:
    line = rig(kernels, h=70, off_delay="1s")
    line.scan(0, t=80)
    line.scan(1, bad=bad(Reason.TIMEOUT))
    line.scan(2, t=60)
    line.scan(2.5, bad=bad(Reason.TIMEOUT))
    assert line.judge(3.4) == []
    assert [alarm.rule for alarm in line.engine.alarms()] == ["t.H"]
    line.scan(4, t=60)
    assert told(line.scan(5, t=60)) == [("alarm_cleared", "t.H", 4.5)]


def test_an_on_delay_goes_on_while_the_input_is_bad_but_ends_only_with_a_usable_sample(
    kernels: Kernels,
) -> None:
    line = rig(kernels, h=70, on_delay="3s")
    line.scan(0, t=80)
    line.scan(1, bad=bad(Reason.TIMEOUT))
    line.scan(3.5, bad=bad(Reason.TIMEOUT))
    assert line.judge(3.9) == []
    assert told(line.scan(4, t=80)) == [("alarm_raised", "t.H", 4)]


def test_a_bad_sensor_is_an_alarm_of_its_own_after_the_fault_delay(kernels: Kernels) -> None:
    line = rig(kernels, safety=True, fault_delay="1500ms")
    line.scan(0, t=1)
    line.scan(1, bad=bad(Reason.TIMEOUT))
    line.scan(2, bad=bad(Reason.LINK_DOWN))
    assert told(line.judge(2.6)) == [("alarm_raised", "t.bad", 2.5)]
    assert reason_of(line.events[-1].evidence[0].quality) is Reason.LINK_DOWN
    assert told(line.scan(3, t=1)) == [("alarm_cleared", "t.bad", 3)]


@pytest.mark.parametrize("row", [{"hh": 3}, {"ll": 3}, {"safety": True}])
def test_a_tag_with_a_trip_limit_has_a_bad_sensor_alarm_whatever_its_row_says(
    kernels: Kernels, row: dict[str, object]
) -> None:
    line = rig(kernels, fault_delay="2s", **row)
    line.judge(0)
    assert told(line.judge(2)) == [("alarm_raised", "t.bad", 2)]


def test_what_was_never_read_is_alarmed_from_the_first_call(kernels: Kernels) -> None:
    line = rig(kernels, safety=True, fault_delay="10s")
    line.judge(100)
    assert line.due_s == 110
    assert told(line.judge(110)) == [("alarm_raised", "t.bad", 110)]


def test_an_uncertain_input_is_judged_and_the_event_says_so(kernels: Kernels) -> None:
    line = rig(kernels, h=70)
    (event,) = line.scan(1, t=(80, uncertain(Reason.RESYNC)))
    assert event.kind is EventKind.ALARM_RAISED
    assert event.figures["uncertain"] == 1


def test_the_event_carries_the_numbers_that_made_it(kernels: Kernels) -> None:
    line = rig(kernels, h=70, scale=0.1, offset=-5, priority="critical")
    (event,) = line.scan(1, t=800)
    assert event.figures == {
        "on_delay_ms": 0,
        "onset_boot_ns": S,
        "limit": 70,
        "value": 75,
        "raw": 800,
        "quality": 0,
    }
    assert (event.priority, event.evidence[0].tag, event.evidence[0].raw) == ("critical", 0, 800)


def test_the_onset_is_the_first_raw_sample_beyond_before_median_and_delay(kernels: Kernels) -> None:
    line = rig(kernels, h=70, median=5, on_delay="1s")
    for second, number in enumerate([50, 50, 50, 50, 50, 80, 80, 80]):
        assert line.scan(second, t=number) == []
    (event,) = line.scan(8, t=80)
    assert (event.boot_ns, event.figures["onset_boot_ns"]) == (8 * S, 5 * S)


def test_a_flicker_that_the_median_bridges_does_not_move_the_onset(kernels: Kernels) -> None:
    line = rig(kernels, h=70, median=5)
    for second, number in enumerate([50, 50, 50, 50, 50, 80, 50, 80]):
        assert line.scan(second, t=number) == []
    (event,) = line.scan(8, t=80)
    assert event.figures["onset_boot_ns"] == 5 * S


def test_a_spike_that_the_median_took_out_is_no_onset(kernels: Kernels) -> None:
    line = rig(kernels, h=70, median=3)
    for second, number in enumerate([50, 50, 90, 50, 50, 50, 80]):
        assert line.scan(second, t=number) == []
    (event,) = line.scan(7, t=80)
    assert event.figures["onset_boot_ns"] == 6 * S


def test_a_scan_class_that_falls_silent_makes_its_tags_stale_and_alarms_them(kernels: Kernels) -> None:
    line = rig(kernels, hh=70, fault_delay="2s")
    line.scan(0, t=80)
    assert line.due_s == 3
    line.judge(4)
    assert reason_of(line.quality("t")) is Reason.STALE
    assert line.engine.image.since_boot_ns[0] == 3 * S
    assert told(line.judge(5)) == [("alarm_raised", "t.bad", 5)]
    assert {alarm.rule for alarm in line.engine.alarms()} == {"t.HH", "t.bad"}
    assert kinds(line.scan(6, t=60)) == [EventKind.ALARM_CLEARED, EventKind.ALARM_CLEARED]


def test_two_scans_without_a_judgement_between_lose_nothing(kernels: Kernels) -> None:
    line = rig(kernels, hh=70)
    group = line.plant.groups[0]
    image = line.engine.image
    for second, number in ((1, 80.0), (2, 20.0)):
        line.engine.condition(group, np.full(1, number), image.quality * 0, second * S)
    assert told(line.judge(2 + 20 * MS / S)) == [("alarm_raised", "t.HH", 1), ("alarm_cleared", "t.HH", 2)]
