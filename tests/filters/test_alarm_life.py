"""What becomes of an alarm once raised: latched, acknowledged, shelved, suppressed, repeated, counted."""

from __future__ import annotations

from typing import Any

import pytest

from config.vocabulary import EventKind, Flag, Reason, Withheld, bad
from filters.engine import EVENTS_AT_ONCE
from filters.event import Event
from filters.holds import Hold
from filters.kernels import Kernels
from filters.lifecycle import AlarmState
from tests.filters.rig import Rig, S, plant, tag, told


def rig(kernels: Kernels | None = None, repeat: str | None = None, **row: Any) -> Rig:
    made = plant(tag("t", **{"h": 4, **row}), tag("casting"), tag("u", h=4, alarm_group="water"))
    if repeat is not None:
        made = with_cadence(made, repeat)
    return Rig(made, kernels)


def with_cadence(made: Any, repeat: str) -> Any:
    gateway = type(made.description.gateway).model_validate(
        {**made.description.gateway.model_dump(), "alarm_repeat": repeat}
    )
    return type(made)(
        **{
            **{name: getattr(made, name) for name in ("tags", "groups", "places", "digest", "where")},
            "description": made.description.model_copy(update={"gateway": gateway}),
        }
    )


def scan(line: Rig, at_s: float, t: float, *, casting: float = 1, u: float = 0) -> list[Event]:
    return line.scan(at_s, t=t, casting=casting, u=u)


def said(events: list[Event]) -> list[tuple[str, str, float, str | None]]:
    return [(*one, event.withheld) for one, event in zip(told(events), events, strict=True)]


def acknowledge(line: Rig, name: str, at_s: float) -> list[Event]:
    line.engine.annunciator.acknowledge(name, round(at_s * S))
    return line.judge(at_s)


def shelf(until_s: float, since_s: float = 0) -> Hold:
    return Hold(since_ns=round(since_s * S), until_ns=round(until_s * S), who="wang", why="检修")


def state_of(line: Rig, name: str = "t.H") -> AlarmState:
    found = {alarm.rule: alarm.state for alarm in line.engine.annunciator.all()}
    return found.get(name, AlarmState.NORMAL)


def test_an_alarm_that_nobody_acknowledged_is_still_to_be_seen_after_it_has_cleared(kernels: Kernels) -> None:
    line = rig(kernels)
    scan(line, 1, 5)
    assert state_of(line) is AlarmState.UNACKNOWLEDGED
    scan(line, 2, 3)
    assert told(line.events)[1:] == [("alarm_cleared", "t.H", 2)]
    assert state_of(line) is AlarmState.RETURNED
    assert line.engine.alarms() == []
    assert acknowledge(line, "t.H", 3) == []
    assert state_of(line) is AlarmState.NORMAL


def test_an_acknowledged_alarm_is_gone_when_it_clears_and_unacknowledged_when_it_is_raised_again() -> None:
    line = rig()
    scan(line, 1, 5)
    acknowledge(line, "t.H", 1.5)
    assert state_of(line) is AlarmState.ACKNOWLEDGED
    scan(line, 2, 3)
    assert state_of(line) is AlarmState.NORMAL
    scan(line, 3, 5)
    assert state_of(line) is AlarmState.UNACKNOWLEDGED


def test_a_latched_alarm_stands_until_it_is_acknowledged_after_its_condition_has_gone(
    kernels: Kernels,
) -> None:
    line = rig(kernels, latch=True)
    scan(line, 1, 5)
    acknowledge(line, "t.H", 1.5)
    scan(line, 2, 3)
    assert [alarm.state for alarm in line.engine.alarms()] == [AlarmState.LATCHED_ACKNOWLEDGED]
    acknowledge(line, "t.H", 4)
    assert told(line.events) == [
        ("alarm_raised", "t.H", 1),
        ("alarm_latched", "t.H", 2),
        ("alarm_cleared", "t.H", 4),
    ]
    assert line.events[-1].figures["because"] == "reset"
    assert line.events[-1].figures["active_ms"] == 3000


def test_a_latched_alarm_whose_condition_returns_is_told_again_and_not_raised_twice() -> None:
    line = rig(latch=True)
    for at, t in ((1, 5), (2, 3), (3, 5), (4, 3)):
        scan(line, at, t)
    assert [event.kind.value for event in line.events] == [
        "alarm_raised",
        "alarm_latched",
        "alarm_repeated",
        "alarm_latched",
    ]
    assert line.events[2].figures["because"] == "risen_again"
    assert state_of(line) is AlarmState.LATCHED_UNACKNOWLEDGED


def test_a_standing_alarm_is_repeated_at_its_cadence_with_what_is_read_now(kernels: Kernels) -> None:
    line = rig(kernels, repeat="10s")
    scan(line, 1, 5)
    assert line.due_s <= 11
    for at in range(2, 13):
        scan(line, at, 6)
    assert told(line.events) == [("alarm_raised", "t.H", 1), ("alarm_repeated", "t.H", 11)]
    assert line.events[1].figures["value"] == 6
    assert line.events[1].figures["active_ms"] == 10_000


def test_what_was_not_repeated_in_time_is_repeated_once_on_the_same_grid() -> None:
    line = rig(repeat="10s")
    scan(line, 1, 5)
    line.judge(45)
    line.judge(50.9)
    line.judge(51)
    assert told(line.events)[1:] == [("alarm_repeated", "t.H", 11), ("alarm_repeated", "t.H", 51)]


def test_an_alarm_that_cleared_is_not_repeated() -> None:
    line = rig(repeat="10s")
    scan(line, 1, 5)
    scan(line, 2, 3)
    line.judge(30)
    assert [event.kind for event in line.events] == [EventKind.ALARM_RAISED, EventKind.ALARM_CLEARED]


def test_a_shelved_alarm_is_kept_but_not_told_until_its_shelf_ends_by_itself(kernels: Kernels) -> None:
    line = rig(kernels)
    line.engine.annunciator.shelves.put("t.H", shelf(10))
    scan(line, 1, 5)
    assert [alarm.withheld for alarm in line.engine.alarms()] == [Withheld.SHELVED]
    scan(line, 9, 5)
    scan(line, 10, 5)
    assert said(line.events) == [
        ("alarm_raised", "t.H", 1, "shelved"),
        ("alarm_shelf_ended", "t.H", 10, None),
        ("alarm_repeated", "t.H", 10, None),
    ]
    assert line.events[2].figures["because"] == "no_longer_shelved"
    assert said(scan(line, 11, 3)) == [("alarm_cleared", "t.H", 11, None)]


def test_an_alarm_that_came_and_went_on_the_shelf_is_never_told() -> None:
    line = rig(repeat="2s")
    line.engine.annunciator.shelves.put("t.H", shelf(10))
    scan(line, 1, 5)
    scan(line, 6, 3)
    line.judge(11)
    assert [one[3] for one in said(line.events)[:2]] == ["shelved", "shelved"]
    assert [event.kind.value for event in line.events][2:] == ["alarm_shelf_ended"]


def test_the_end_of_an_alarm_that_was_told_is_told_even_if_it_was_shelved_meanwhile() -> None:
    line = rig(repeat="2s")
    scan(line, 1, 5)
    line.engine.annunciator.shelves.put("t.H", shelf(10, since_s=1.5))
    line.judge(4)
    scan(line, 5, 3)
    assert said(line.events) == [("alarm_raised", "t.H", 1, None), ("alarm_cleared", "t.H", 5, None)]


def test_an_alarm_is_suppressed_by_design_only_while_the_condition_is_known_to_be_true(
    kernels: Kernels,
) -> None:
    line = rig(kernels, suppressed_when={"tag": "casting", "equals": 0})
    scan(line, 1, 5, casting=0)
    assert said(line.events) == [("alarm_raised", "t.H", 1, "suppressed")]
    unknown = line.scan(2, t=5, u=0, casting=(0, bad(Reason.TIMEOUT)))
    assert said(unknown) == [("alarm_repeated", "t.H", 2, None)]
    assert said(scan(line, 3, 5, casting=0)) == []
    assert said(scan(line, 4, 3, casting=0)) == [("alarm_cleared", "t.H", 4, None)]


def test_a_suppressed_alarm_is_told_when_the_process_begins() -> None:
    line = rig(suppressed_when={"tag": "casting", "equals": 0})
    scan(line, 1, 5, casting=0)
    assert said(scan(line, 2, 5)) == [("alarm_repeated", "t.H", 2, None)]


def test_a_broken_sensor_is_never_suppressed_by_design() -> None:
    line = rig(safety=True, fault_delay="1s", suppressed_when={"tag": "casting", "equals": 0})
    scan(line, 1, 1, casting=0)
    line.scan(2, t=(0, bad(Reason.TIMEOUT)), casting=0, u=0)
    line.scan(3, t=(0, bad(Reason.TIMEOUT)), casting=0, u=0)
    assert said(line.events) == [("alarm_raised", "t.bad", 3, None)]


def test_alarms_of_a_device_in_maintenance_are_kept_flagged_and_told_when_it_ends() -> None:
    line = rig()
    line.engine.maintenance.begin(
        "plc", Hold(since_ns=0, until_ns=5 * S, who="w", why="w", flags=Flag.MAINTENANCE)
    )
    scan(line, 1, 5)
    (raised,) = line.events
    assert raised.withheld is Withheld.MAINTENANCE
    assert raised.evidence[0].quality == Flag.MAINTENANCE
    scan(line, 2, 3, u=5)
    scan(line, 5, 3, u=5)
    assert said(line.events)[1:] == [
        ("alarm_cleared", "t.H", 2, "maintenance"),
        ("alarm_raised", "u.H", 2, "maintenance"),
        ("maintenance_ended", "plc", 5, None),
        ("alarm_repeated", "u.H", 5, None),
    ]


def test_the_event_says_what_to_do_and_who_asks_for_it() -> None:
    line = rig(response="停炉，检查冷却水", basis="令第10号 第4条(四)")
    (event,) = scan(line, 1, 5)
    assert (event.response, event.basis) == ("停炉，检查冷却水", "令第10号 第4条(四)")


def test_the_first_out_of_a_group_is_told_with_what_the_samples_can_say_of_the_order() -> None:
    line = rig(alarm_group="water")
    scan(line, 1, 0)
    scan(line, 2, 5)
    scan(line, 4, 5, u=5)
    first, second = line.events
    assert first.figures["first_out"] == "t.H"
    assert first.figures["sample_ms"] == 1000
    assert (second.figures["group"], second.figures["first_out"]) == ("water", "t.H")
    assert (second.figures["after_first_min_ms"], second.figures["after_first_max_ms"]) == (0, 3000)
    scan(line, 5, 0, u=5)
    assert scan(line, 6, 5, u=5)[0].figures["first_out"] == "t.H"
    scan(line, 7, 0)
    assert scan(line, 8, 0, u=5)[0].figures["first_out"] == "u.H"


def test_an_alarm_that_is_declared_later_but_began_earlier_is_the_first_out() -> None:
    line = rig(alarm_group="water", on_delay="2s")
    scan(line, 1, 0)
    scan(line, 2, 5)
    scan(line, 3, 5, u=5)
    scan(line, 4, 5, u=5)
    late = line.events[-1]
    assert (late.rule, late.figures["first_out"]) == ("t.H", "t.H")


def test_an_alarm_that_takes_the_lead_says_of_which_and_how_far_ahead() -> None:
    """a begins in (3, 4], b in (2.5, 3.5]: which was first, nobody can say."""
    rows = (
        tag("a", h=10, alarm_group="g"),
        tag("b", h=10, alarm_group="g", on_delay="2s", scan_class="half"),
    )
    line = Rig(plant(*rows, periods={"half": "1s"}))
    slow, half = line.group(), line.group(scan_class="half")
    for second in range(8):
        line.scan(second, slow, a=20 if second >= 4 else 1)
        line.scan(second + 0.5, half, b=20 if second + 0.5 >= 3.5 else 1)
    late = next(event for event in line.events if event.rule == "b.H")
    assert (late.figures["first_out"], late.figures["instead_of"]) == ("b.H", "a.H")
    assert (late.figures["ahead_min_ms"], late.figures["ahead_max_ms"]) == (0, 1500)


def test_an_alarm_of_something_in_maintenance_is_no_first_out_before_it_is_told() -> None:
    line = Rig(plant(tag("a", h=10, alarm_group="g"), tag("b", h=10, alarm_group="g")))
    line.engine.maintenance.begin(
        "a", Hold(since_ns=0, until_ns=9 * S, who="w", why="w", flags=Flag.MAINTENANCE)
    )
    for second in range(12):
        line.scan(second, a=20 if second >= 2 else 1, b=20 if second >= 5 else 1)
    hidden, real, _, told_later = line.events
    assert (hidden.withheld, "first_out" in hidden.figures) == (Withheld.MAINTENANCE, False)
    assert (real.rule, real.figures["first_out"]) == ("b.H", "b.H")
    assert (told_later.rule, told_later.figures["first_out"]) == ("a.H", "a.H")
    assert told_later.figures["instead_of"] == "b.H"


def test_a_latched_alarm_that_rises_again_in_maintenance_is_told_when_that_ends() -> None:
    line = rig(latch=True)
    scan(line, 1, 5)
    scan(line, 2, 3)
    line.engine.maintenance.begin(
        "plc", Hold(since_ns=2 * S, until_ns=9 * S, who="w", why="w", flags=Flag.MAINTENANCE)
    )
    for second in range(3, 11):
        scan(line, second, 5)
    assert said(line.events)[2:] == [
        ("alarm_repeated", "t.H", 3, "maintenance"),
        ("maintenance_ended", "plc", 9, None),
        ("alarm_repeated", "t.H", 9, None),
    ]


def test_the_reset_of_an_alarm_that_was_told_is_told_though_its_last_rise_was_not() -> None:
    line = rig(latch=True)
    scan(line, 1, 5)
    scan(line, 2, 3)
    line.engine.maintenance.begin(
        "plc", Hold(since_ns=2 * S, until_ns=99 * S, who="w", why="w", flags=Flag.MAINTENANCE)
    )
    scan(line, 3, 5)
    scan(line, 4, 3)
    line.engine.annunciator.acknowledge("t.H", 5 * S)
    line.judge(5)
    assert said(line.events)[-2:] == [("alarm_latched", "t.H", 4, None), ("alarm_cleared", "t.H", 5, None)]


def test_an_alarm_that_is_raised_three_times_in_a_minute_chatters_until_a_minute_is_quiet(
    kernels: Kernels,
) -> None:
    line = rig(kernels)
    for at in range(6):
        scan(line, 10 * at, 5 if at % 2 == 0 else 3)
    assert told(line.events)[-2:] == [("alarm_chatter", "t.H", 40), ("alarm_cleared", "t.H", 50)]
    line.judge(99)
    assert line.due_s == 100
    line.judge(100)
    assert told(line.events)[-1] == ("alarm_chatter_ended", "t.H", 100)
    assert line.events[-1].figures == {"raised": 3, "for_ms": 100_000}


def flooded(count: int, at_s: float, line: Rig) -> None:
    for number in range(count):
        line.scan(at_s + number, **{f"t{n}": 5 if n <= number else 0 for n in range(20)})


@pytest.mark.parametrize(("count", "floods"), [(10, False), (11, True)])
def test_more_than_ten_alarms_in_ten_minutes_are_a_flood(count: int, floods: bool) -> None:
    line = Rig(plant(*(tag(f"t{number}", h=4) for number in range(20))))
    flooded(count, 0, line)
    assert (("alarm_flood", "alarms", 10) in told(line.events)) is floods
    line.judge(605.9)
    assert "alarm_flood_ended" not in [event.kind.value for event in line.events]
    line.judge(606)
    assert (told(line.events)[-1] == ("alarm_flood_ended", "alarms", 606)) is floods


def test_what_nobody_is_told_of_makes_no_flood() -> None:
    line = Rig(plant(*(tag(f"t{number}", h=4) for number in range(20))))
    line.engine.maintenance.begin(
        "plc", Hold(since_ns=0, until_ns=999 * S, who="w", why="w", flags=Flag.MAINTENANCE)
    )
    flooded(20, 0, line)
    assert {event.kind for event in line.events} == {EventKind.ALARM_RAISED}


def restart(line: Rig, at_s: float, after: Rig, *, same_boot: bool = True) -> Rig:
    after.events += after.engine.restore(line.engine.state(), round(at_s * S), same_boot=same_boot)
    return after


def test_a_restart_changes_nothing_in_the_life_of_alarms() -> None:
    first = rig(latch=True)
    scan(first, 1, 5)
    acknowledge(first, "t.H", 1.5)
    first.engine.annunciator.shelves.put("u.H", shelf(100, since_s=1.5))
    scan(first, 2, 3, u=5)
    second = restart(first, 10, rig(latch=True))
    assert state_of(second) is AlarmState.LATCHED_ACKNOWLEDGED
    assert state_of(second, "u.H") is AlarmState.UNACKNOWLEDGED
    scan(second, 11, 3, u=5)
    scan(second, 99.5, 3, u=5)
    assert second.events == []
    scan(second, 100, 3, u=5)
    assert told(second.events) == [("alarm_shelf_ended", "u.H", 100), ("alarm_repeated", "u.H", 100)]


def test_a_shelf_has_as_much_time_left_in_another_boot_as_it_had() -> None:
    first = rig()
    first.engine.annunciator.shelves.put("t.H", shelf(1000, since_s=900))
    scan(first, 940, 3)
    second = restart(first, 20, rig(), same_boot=False)
    second.judge(79.9)
    assert second.events == []
    assert told(second.judge(80)) == [("alarm_shelf_ended", "t.H", 80)]


def test_a_shelf_counts_the_time_after_its_state_was_kept_and_what_is_vouched_for_between_two_boots() -> None:
    first = rig()
    first.engine.annunciator.shelves.put("t.H", shelf(1000, since_s=900))
    scan(first, 910, 3)
    second = rig()
    second.engine.restore(first.engine.state(), 20 * S, ended_boot_ns=940 * S, away_ns=30 * S)
    assert second.judge(49.9) == []
    assert told(second.judge(50)) == [("alarm_shelf_ended", "t.H", 50)]


def test_chatter_and_flood_end_also_after_a_restart() -> None:
    first = rig()
    for at in range(6):
        scan(first, 10 * at, 5 if at % 2 == 0 else 3)
    second = restart(first, 60, rig())
    second.judge(60)
    assert told(second.judge(100)) == [("alarm_chatter_ended", "t.H", 100)]


def test_a_flood_is_handed_out_in_order_piece_by_piece_and_kept_only_as_far_as_it_was(
    kernels: Kernels,
) -> None:
    tags = [tag(f"t{number}", h=4) for number in range(170)]
    line, after = Rig(plant(*tags), kernels), Rig(plant(*tags), kernels)
    line.scan(1, **{one.tag: 0 for one in tags})
    before = line.engine.state()
    pieces = [line.scan(2, **{one.tag: 5 for one in tags})]
    assert line.engine.state() == before
    while line.due_s <= 2.5:
        pieces.append(line.judge(2.5))
    assert max(len(piece) for piece in pieces) <= EVENTS_AT_ONCE
    raised = [event.rule for event in line.events if event.kind is EventKind.ALARM_RAISED]
    assert raised == [f"{one.tag}.H" for one in tags]
    assert {event.boot_ns for event in line.events} == {2 * S}
    assert len(restart(line, 3, after).engine.alarms()) == 170


def test_a_scan_in_the_middle_of_a_flood_comes_behind_it_and_does_not_change_what_it_shows() -> None:
    tags = [tag(f"t{number}", h=4) for number in range(120)]
    line = Rig(plant(*tags))
    line.scan(1, **{one.tag: 5 for one in tags})
    line.scan(2, **{one.tag: 0 for one in tags})
    while line.due_s <= 2.5:
        line.judge(2.5)
    raised = [event for event in line.events if event.kind is EventKind.ALARM_RAISED]
    cleared = [event for event in line.events if event.kind is EventKind.ALARM_CLEARED]
    assert (len(raised), len(cleared)) == (120, 120)
    assert {event.evidence[0].value for event in raised} == {5}
    assert [event.kind for event in line.events if event in raised or event in cleared] == [
        *[EventKind.ALARM_RAISED] * 120,
        *[EventKind.ALARM_CLEARED] * 120,
    ]
