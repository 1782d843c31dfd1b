"""What an engine remembers across a restart of the agent, in the same boot and in another."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from config.vocabulary import EventKind, Flag, Withheld, WitnessState
from filters.holds import Hold
from filters.kernels import Kernels
from tests.filters.cut import CUT, NORMAL
from tests.filters.rig import Rig, S, plant, tag, told

WORK = Hold(since_ns=0, until_ns=3600 * S, who="w", why="w", flags=Flag.MAINTENANCE)


def rig(*, cut: dict[str, Any] = CUT, **p: Any) -> Rig:
    rows = [tag(name, **(p if name == "p" else {})) for name in NORMAL]
    return Rig(plant(*rows, interlocks=(cut,), periods={"fast": "500ms"}))


def restart(line: Rig, at_s: float, after: Rig, *, same_boot: bool = True) -> Rig:
    after.events += after.engine.restore(line.engine.state(), round(at_s * S), same_boot=same_boot)
    return after


def feed(line: Rig, since: float, until: float, **changes: Any) -> None:
    for half in range(round(since * 2), round(until * 2) + 1):
        line.scan(half / 2, **(NORMAL | changes))


def test_an_alarm_that_stands_is_not_raised_again_and_clears_with_its_whole_duration() -> None:
    first = rig(h=4)
    feed(first, 0, 3, p=5)
    second = restart(first, 60, rig(h=4))
    assert [alarm.since_boot_ns for alarm in second.engine.alarms()] == [0]
    feed(second, 61, 62, p=5)
    assert second.events == []
    (cleared,) = second.scan(63, **(NORMAL | {"p": 3}))
    assert (cleared.kind, cleared.figures["active_ms"]) == (EventKind.ALARM_CLEARED, 63_000)


def test_in_another_boot_an_alarm_keeps_its_age() -> None:
    first = rig(h=4)
    feed(first, 1000, 1003, p=5)
    second = restart(first, 10, rig(h=4), same_boot=False)
    assert [alarm.since_boot_ns for alarm in second.engine.alarms()] == [7 * S]


def test_an_alarm_whose_rule_has_changed_is_cleared_and_judged_anew() -> None:
    first = rig(h=4)
    feed(first, 0, 3, p=5)
    second = restart(first, 60, rig(h=4.5))
    assert told(second.events) == [("alarm_cleared", "p.H", 60)]
    assert second.events[0].figures["because"] == "rule_changed"
    feed(second, 61, 62, p=5)
    assert told(second.events)[1] == ("alarm_raised", "p.H", 61)


def test_an_alarm_whose_tag_is_gone_is_cleared() -> None:
    first = Rig(plant(tag("gone", h=1)))
    first.scan(1, gone=5)
    second = restart(first, 9, Rig(plant(tag("other", h=1))))
    assert told(second.events) == [("alarm_cleared", "gone.H", 9)]
    assert second.events[0].evidence == ()


def test_an_alarm_that_nothing_suppresses_after_the_restart_any_more_is_told() -> None:
    idle = {"suppressed_when": {"tag": "run", "equals": 0}}
    first = Rig(plant(tag("t", h=4, **idle), tag("run")))
    first.scan(1, t=5, run=0)
    second = restart(first, 9, Rig(plant(tag("t", h=4), tag("run"))))
    for at in range(10, 30):
        second.scan(at, t=5, run=0)
    (event,) = second.events
    assert (event.kind, event.figures["because"]) == (EventKind.ALARM_REPEATED, "no_longer_suppressed")
    assert (event.boot_ns, event.withheld) == (19 * S, None)


def test_an_alarm_that_is_still_suppressed_after_the_restart_stays_untold() -> None:
    def idle() -> Rig:
        return Rig(plant(tag("t", h=4, suppressed_when={"tag": "run", "equals": 0}), tag("run")))

    first = idle()
    first.scan(1, t=5, run=0)
    second = restart(first, 9, idle())
    for at in range(10, 60):
        second.scan(at, t=5, run=0)
    assert second.events == []


def test_an_alarm_that_was_not_told_and_whose_rule_has_changed_ends_untold() -> None:
    first = Rig(plant(tag("t", h=4)))
    first.engine.maintenance.begin("t", WORK)
    first.scan(1, t=5)
    second = restart(first, 9, Rig(plant(tag("t", h=4.5))))
    (cleared,) = second.events
    assert (cleared.kind, cleared.withheld) == (EventKind.ALARM_CLEARED, Withheld.MAINTENANCE)


def test_what_was_set_aside_and_exists_no_more_is_told_as_ended_and_its_alarms_are_told() -> None:
    first = Rig(plant(tag("t", h=4, device="old"), tag("u", h=4)))
    first.engine.maintenance.begin("old", WORK)
    first.engine.annunciator.shelves.put("u.H", WORK)
    first.scan(1, first.group("old"), t=5)
    second = restart(first, 9, Rig(plant(tag("t", h=4, device="new"))))
    second.scan(10, t=5)
    second.judge(10)
    assert sorted(told(second.events)) == [
        ("alarm_repeated", "t.H", 10),
        ("alarm_shelf_ended", "u.H", 9),
        ("maintenance_ended", "old", 9),
    ]
    assert {event.figures["because"] for event in second.events if "ended" in event.kind} == {
        "exists_no_more"
    }


def test_state_that_was_kept_before_alarms_said_whether_they_were_heard_opens() -> None:
    first = rig(h=4)
    feed(first, 0, 3, p=5)
    body = orjson.loads(first.engine.state())
    del body["alarms"]["p.H"]["heard"]
    second = rig(h=4)
    second.engine.restore(orjson.dumps(body), 60 * S, same_boot=True)
    feed(second, 61, 62, p=5)
    assert second.events == []
    assert [event.withheld for event in second.scan(63, **(NORMAL | {"p": 3}))] == [None]


def test_a_tags_number_may_change() -> None:
    first = Rig(plant(tag("a"), tag("t", h=1)))
    first.scan(1, a=0, t=5)
    second = restart(first, 9, Rig(plant(tag("t", h=1), tag("b"))))
    assert [(alarm.rule, alarm.tag) for alarm in second.engine.alarms()] == [("t.H", 0)]


def test_a_delay_that_was_running_begins_anew() -> None:
    first = rig(h=4, on_delay="3s")
    feed(first, 0, 2, p=5)
    second = restart(first, 2.2, rig(h=4, on_delay="3s"))
    feed(second, 2.5, 6, p=5)
    assert ("alarm_raised", "p.H", 5.5) in told(second.events)


@pytest.mark.parametrize("same_boot", [True, False])
def test_an_open_demand_is_interrupted_and_a_cause_that_stands_is_a_new_one_that_may_fail(
    same_boot: bool,
) -> None:
    first = rig()
    feed(first, 100, 101)
    feed(first, 101.5, 102.5, p=1)
    second = restart(first, 104, rig(), same_boot=same_boot)
    assert told(second.events) == [("demand_interrupted", "cut", 104)]
    feed(second, 104.5, 110, p=1)
    assert told(second.events)[1:] == [("interlock_demand", "cut", 104), ("interlock_failed", "cut", 107.5)]


def test_an_effect_after_the_restart_does_not_prove_a_demand_that_nobody_saw_begin() -> None:
    first = rig()
    feed(first, 0, 1)
    feed(first, 1.5, 2, p=1)
    second = restart(first, 2.2, rig())
    feed(second, 2.5, 3, p=1)
    feed(second, 3.5, 4, p=1, valve=1)
    assert [event.kind.value for event in second.events] == [
        "demand_interrupted",
        "interlock_demand",
        "interlock_indeterminate",
    ]


@pytest.mark.parametrize("same_boot", [True, False])
def test_a_verdict_is_kept_until_the_cause_clears_and_is_not_told_twice(same_boot: bool) -> None:
    first = rig()
    feed(first, 100, 101)
    feed(first, 101.5, 102, p=1)
    feed(first, 102.5, 104, p=1, valve=1)
    second = restart(first, 120, rig(), same_boot=same_boot)
    feed(second, 120.5, 125, p=1, valve=1)
    assert second.events == []
    assert second.engine.interlocks()[0].state is WitnessState.PROVEN
    feed(second, 125.5, 130)
    assert [event.kind for event in second.events] == [EventKind.INTERLOCK_CLEARED]
    status = second.engine.interlocks()[0]
    assert (status.demands, status.proven, status.state) == (1, 1, WitnessState.ARMED)


def test_a_process_that_ends_after_the_restart_does_not_repeat_the_demand() -> None:
    first = rig()
    feed(first, 0, 1)
    feed(first, 1.5, 4, p=1, valve=1)
    second = restart(first, 10, rig())
    feed(second, 10.5, 12, p=1, valve=1)
    feed(second, 12.5, 20, p=1, valve=1, run=0)
    assert [event.kind.value for event in second.events] == ["interlock_cleared", "interlock_disarmed"]


def test_a_mode_that_did_not_change_is_not_told_again() -> None:
    first = rig()
    feed(first, 0, 2)
    second = restart(first, 5, rig())
    feed(second, 5.5, 8)
    assert second.events == []


def test_a_bypass_goes_on_across_the_restart() -> None:
    first = rig()
    feed(first, 0, 1)
    feed(first, 1.5, 3, off=1)
    second = restart(first, 60, rig())
    feed(second, 60.5, 61, off=1)
    assert second.events == []
    feed(second, 61.5, 62)
    assert told(second.events)[0] == ("interlock_bypass_ended", "cut", 61.5)
    assert second.events[0].figures["bypassed_ms"] == 60_000


def test_an_open_demand_of_an_interlock_that_was_changed_is_interrupted_all_the_same() -> None:
    first = rig()
    feed(first, 0, 1)
    feed(first, 1.5, 2, p=1)
    other = CUT | {"effects": [{"tag": "valve", "equals": 0, "within": "3s"}]}
    second = restart(first, 3, rig(cut=other))
    assert told(second.events) == [("demand_interrupted", "cut", 3)]


def proven_then_failed_then_bypassed() -> Rig:
    first = rig()
    feed(first, 0, 1)
    feed(first, 1.5, 2, p=1)
    feed(first, 2.5, 4, p=1, valve=1)
    feed(first, 4.5, 6)
    feed(first, 6.5, 12, p=1)
    feed(first, 12.5, 14, p=1, off=1)
    return first


def test_editing_the_time_of_an_effect_keeps_the_proof_log_and_what_stands() -> None:
    other = CUT | {"effects": [{"tag": "valve", "equals": 1, "within": "9s"}], "skew": "100ms"}
    second = restart(proven_then_failed_then_bypassed(), 20, rig(cut=other))
    feed(second, 20.5, 22, p=1, off=1)
    assert second.events == []
    (found,) = second.engine.interlocks()
    assert (found.demands, found.proven, found.failed, found.bypasses) == (2, 1, 1, 1)
    assert found.last_proven_boot_ns == 2.5 * S
    assert [entry.kind.value for entry in found.history] == [
        "interlock_proven",
        "interlock_failed",
        "interlock_bypassed",
    ]


def test_an_interlock_that_comes_to_look_at_other_things_ends_what_was_told_and_keeps_its_log() -> None:
    other = CUT | {"effects": [{"tag": "valve", "equals": 0, "within": "3s"}]}
    second = restart(proven_then_failed_then_bypassed(), 20, rig(cut=other))
    ends = {event.kind.value: event.figures["because"] for event in second.events}
    assert ends == {"interlock_cleared": "rule_changed", "interlock_bypass_ended": "rule_changed"}
    (found,) = second.engine.interlocks()
    assert (found.demands, found.failed, found.last_proven_boot_ns) == (2, 1, None)
    assert len(found.history) == 3


def test_an_interlock_that_is_gone_ends_what_was_told() -> None:
    second = restart(proven_then_failed_then_bypassed(), 20, rig(cut=CUT | {"name": "other"}))
    assert {kind for kind, rule, _ in told(second.events) if rule == "cut"} == {
        "interlock_cleared",
        "interlock_bypass_ended",
    }


def test_memories_of_an_earlier_version_are_taken_up() -> None:
    state = orjson.loads(proven_then_failed_then_bypassed().engine.state())
    saved = state["interlocks"]["cut"]
    del saved["looked_at"], saved["memory"]["sayings"]
    saved["rule"] = "0123456789abcdef"
    second = rig()
    assert second.engine.restore(orjson.dumps(state), 20 * S, same_boot=True) == []
    feed(second, 20.5, 22, p=1, off=1)
    assert second.events == []
    feed(second, 22.5, 23)
    assert [(event.kind.value, event.withheld) for event in second.events] == [
        ("interlock_bypass_ended", None),
        ("interlock_cleared", None),
    ]
    assert second.engine.interlocks()[0].last_proven_boot_ns == 2.5 * S


def many(count: int = 40) -> Rig:
    return Rig(plant(*(tag(f"t{number}", h=4) for number in range(count))))


def test_what_is_kept_before_a_first_flood_was_handed_out_is_what_was_there_before_it() -> None:
    first = many()
    first.engine.annunciator.shelves.put("t1.H", WORK)
    first.scan(1, t0=5)
    second = restart(first, 9, many())
    second.scan(10, **{f"t{number}": 5 for number in range(40)})
    assert not second.engine.settled
    third = restart(second, 11, many())
    assert [alarm.rule for alarm in third.engine.alarms()] == ["t0.H"]
    assert third.engine.annunciator.shelves.names == ["t1.H"]
    third.scan(12, **{f"t{number}": 5 for number in range(40)})
    third.judge(12.1)
    assert len([event for event in third.events if event.kind is EventKind.ALARM_RAISED]) == 39


def test_a_first_flood_of_a_new_log_loses_no_state() -> None:
    first = many()
    first.scan(1, **{f"t{number}": 5 for number in range(40)})
    assert not first.engine.settled
    assert restart(first, 2, many()).events == []


REMEMBERING = {
    "stuck": ("stuck(x, 0, 5s)", 5),
    "edges": ("count(n > 0, 8s) >= 2", 8),
    "delayed": ("on_for(x > 0, 4s)", 4),
    "mean": ("avg(x, 6s) > 0", 6),
    "smoothed": ("ewma(x, 2s) > 0", 6),
    "nested": ("on_for(avg(x, 6s) > 0, 4s)", 10),
}


@pytest.mark.parametrize("name", list(REMEMBERING))
def test_an_alarm_that_stands_is_not_over_because_its_window_begins_anew(kernels: Kernels, name: str) -> None:
    when, _ = REMEMBERING[name]

    def remembering() -> Rig:
        return Rig(plant(tag("x"), tag("n"), alarms={"found": {"when": when}}), kernels)

    first = remembering()
    for at in range(30):
        first.scan(at, x=1, n=at % 2)
    second = restart(first, 33, remembering())
    for at in range(34, 60):
        second.scan(at, x=1, n=at % 2)
    assert second.events == []


@pytest.mark.parametrize("name", list(REMEMBERING))
def test_what_has_ended_while_the_agent_was_away_is_over_once_the_window_knows_it(name: str) -> None:
    when, memory_s = REMEMBERING[name]

    def remembering() -> Rig:
        return Rig(plant(tag("x"), tag("n"), alarms={"found": {"when": when}}))

    first = remembering()
    for at in range(30):
        first.scan(at, x=1, n=at % 2)
    second = restart(first, 33, remembering())
    for at in range(34, 60):
        second.scan(at, x=-at, n=0)
    assert told(second.events) == [("alarm_cleared", "found", 34 + memory_s)]


def test_a_spike_in_the_first_sample_after_a_restart_ends_no_alarm() -> None:
    first = rig(h=4, median=5)
    feed(first, 0, 5, p=5)
    second = restart(first, 6, rig(h=4, median=5))
    feed(second, 6.5, 6.5, p=3)
    feed(second, 7, 12, p=5)
    assert second.events == []


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b'{"version": 99}'])
def test_state_that_nobody_understands_is_told_as_lost(body: bytes) -> None:
    line = rig()
    assert told(line.engine.restore(body, 5 * S)) == [("state_lost", "state", 5)]
    feed(line, 6, 7)
    assert told(line.events) == [("interlock_armed", "cut", 6)]


def test_state_that_is_restored_and_saved_again_is_the_same() -> None:
    first = rig(h=4)
    feed(first, 0, 3, p=5, off=1)
    second = restart(first, 3, rig(h=4))
    assert [alarm.rule for alarm in second.engine.alarms()] == ["p.H"]
    third = restart(second, 3, rig(h=4))
    assert third.engine.alarms() == second.engine.alarms()
    assert [status.bypassed_since_boot_ns for status in third.engine.interlocks()] == [0]
