"""Alarms by expression: never silent; latched, suppressed and out of service as any other."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.series import when_name
from config.vocabulary import EventKind, Flag, Reason, Withheld, bad, uncertain
from filters.engine import Engine
from filters.holds import Hold
from filters.kernels import Kernels, twins
from filters.layout import NEVER
from tests.filters.rig import MS, Rig, S, plant, tag, told

PERIOD_NS = 500 * MS
USABLE = (0, uncertain(Reason.RESYNC))
EXPRESSIONS = (
    "a >= 5",
    "avg(a, 2s) >= 5",
    "min(a, 1s) >= 5 and max(a, 3s) >= 5",
    "on_for(a >= 5, 1s)",
    "debounce(avg(a, 1s) >= 5, 700ms)",
    "votes(1, a >= 5, min(a, 2s) >= 5)",
    "not off_for(a < 5, 1s)",
    "on_for(abs(a) + a >= 10, 1500ms) or bad(a)",
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_stays_beyond_the_limit_for_longer_than_the_declared_delays_is_never_silent(
    compiled: Kernels, data: st.DataObject
) -> None:
    """The rule is raised if all was readable; that it cannot be told may stand for it where it was not.

    Time in which nothing could be read counts for no delay, so readings that can be come as often as the
    delays ask for, with up to three that cannot before each. An EWMA is left out:
    it has no time after which all of a step is through.
    """
    rule = {
        "when": data.draw(st.sampled_from(EXPRESSIONS)),
        "on_delay": data.draw(st.sampled_from(["0s", "500ms", "1700ms"])),
        "fault_delay": data.draw(st.sampled_from(["0s", "1s"])),
    }
    row: dict[str, Any] = {"median": data.draw(st.sampled_from([0, 3, 5, 7]))}
    made = plant(tag("a", **row), periods={"fast": "500ms"}, alarms={"rule": rule})
    readable = data.draw(st.booleans())
    lost = (0.0, bad(Reason.TIMEOUT))
    words = st.sampled_from(USABLE if readable else (*USABLE, lost[1]))
    before = data.draw(st.lists(st.tuples(st.floats(-10, 10), words), max_size=12))
    declared = made.alarm_rules["rule"]
    beyond_ns = made.delay_ns(when_name("rule")) + declared.on_delay + 3 * PERIOD_NS
    length = (beyond_ns + (0 if readable else declared.fault_delay)) // PERIOD_NS + 1
    losses = st.just(0) if readable else st.integers(0, 3)
    beyond = st.tuples(losses, st.floats(5, 9), st.sampled_from(USABLE))
    found = data.draw(st.lists(beyond, min_size=length, max_size=length))
    during = [one for count, raw, word in found for one in (*[lost] * count, (raw, word))]
    engine, heard = Engine(made, compiled), set()
    for number, (raw, word) in enumerate(before + during):
        at_ns = 10**12 + number * PERIOD_NS
        engine.condition(made.groups[0], np.array([raw]), np.array([word], np.uint32), at_ns)
        engine.judge(at_ns + 20 * MS)
        if number >= len(before):
            heard |= {alarm.rule for alarm in engine.alarms()}
    assert "rule" in heard or (not readable and "rule.bad" in heard)


def test_a_rule_that_cannot_be_told_is_an_alarm_unless_every_input_has_one_itself() -> None:
    rules = {"own": {"when": "a > b", "fault_delay": "2s"}, "theirs": {"when": "a > 5"}}
    line = Rig(plant(tag("a", safety=True), tag("b"), alarms=rules), twins())
    for second in range(6):
        line.scan(second, a=1, b=(1, bad(Reason.REFUSED)))
    assert told(line.events) == [("alarm_raised", "own.bad", 2.0)]


def test_a_rule_that_cannot_be_computed_is_an_alarm_though_every_input_is_good() -> None:
    rules = {"leak": {"when": "(a - b) / a > 8%", "fault_delay": "2s"}}
    line = Rig(plant(tag("a", hh=1e6), tag("b", hh=1e6), alarms=rules), twins())
    for second in range(6):
        line.scan(second, a=0, b=0)
    assert told(line.events) == [("alarm_raised", "leak.bad", 2.0)]


def test_a_rule_whose_inputs_have_told_that_they_are_bad_tells_nothing_and_ends_nothing() -> None:
    rules = {"r": {"when": "a > b", "fault_delay": "1s"}}
    line = Rig(plant(tag("a", safety=True, fault_delay="5s"), tag("b"), alarms=rules), twins())
    for second in range(60):
        line.scan(second, a=(1, bad(Reason.OVER_RANGE) if 10 <= second < 40 else 0), b=1)
    assert told(line.events) == [("alarm_raised", "a.bad", 15.0), ("alarm_cleared", "a.bad", 40.0)]


def test_a_rule_that_was_held_back_tells_nothing_while_its_off_delay_runs_out() -> None:
    rules = {"r": {"when": "a > b", "fault_delay": "1s", "off_delay": "30s"}}
    line = Rig(plant(tag("a", safety=True, fault_delay="5s"), tag("b"), alarms=rules), twins())
    for second in range(100):
        line.scan(second, a=(1, bad(Reason.OVER_RANGE) if 10 <= second < 40 else 0), b=1)
    assert told(line.events) == [("alarm_raised", "a.bad", 15.0), ("alarm_cleared", "a.bad", 40.0)]


def test_a_rule_that_was_held_back_and_is_dead_again_before_its_off_delay_ran_out_is_an_alarm() -> None:
    rules = {"r": {"when": "1 / a > b", "fault_delay": "1s", "off_delay": "30s"}}
    line = Rig(plant(tag("a", safety=True, fault_delay="5s"), tag("b"), alarms=rules), twins())
    for second in range(60):
        line.scan(
            second, a=(0 if second >= 50 else 1, bad(Reason.OVER_RANGE) if 10 <= second < 40 else 0), b=1
        )
        line.judge(second + 0.5)
    (_, _, *rest) = told(line.events)
    assert [(kind, name) for kind, name, _ in rest] == [("alarm_raised", "r.bad")]
    assert 50 <= rest[0][2] <= 52


def test_a_rule_that_stays_dead_when_its_input_is_back_is_an_alarm_then() -> None:
    rules = {"r": {"when": "1 / a > b", "fault_delay": "3s"}}
    line = Rig(plant(tag("a", safety=True), tag("b"), alarms=rules), twins())
    for second in range(40):
        line.scan(second, a=(0, bad(Reason.OVER_RANGE) if second < 20 else 0), b=1)
        line.judge(second + 0.5)
    (_, _, *rest) = told(line.events)
    assert told(line.events)[:2] == [("alarm_raised", "a.bad", 10.0), ("alarm_cleared", "a.bad", 20.0)]
    assert [(kind, name) for kind, name, _ in rest] == [("alarm_raised", "r.bad")]
    assert 20 <= rest[0][2] <= 23


def test_a_lost_device_raises_no_alarm_for_each_rule_where_one_tells_of_it() -> None:
    rules = {f"r{n}": {"when": f"b > 1{n}"} for n in range(5)}
    rows = (tag("a", safety=True), tag("b"))
    line = Rig(plant(*rows, alarms=rules), twins())
    for second in range(40):
        line.scan(second, a=1, b=1, bad=0) if second < 5 else line.scan(second, bad=bad(Reason.TIMEOUT))
    assert told(line.events) == [("alarm_raised", "a.bad", 15.0)]
    line = Rig(plant(tag("b"), alarms=rules), twins())
    for second in range(40):
        line.scan(second, bad=bad(Reason.TIMEOUT))
    assert [rule for _, rule, _ in told(line.events)] == ["r0.bad"]


def test_the_sensors_of_one_lost_device_are_no_flood_and_those_that_break_one_by_one_are() -> None:
    def broken(reasons: list[Reason]) -> list[str]:
        rows = [tag(f"t{n}", safety=True, device=f"plc{n % 2}") for n in range(24)]
        line = Rig(plant(*rows))
        for second in range(14):
            for device in range(2):
                words = {f"t{n}": (0, bad(reasons[n])) for n in range(device, 24, 2)}
                line.scan(second, line.group(f"plc{device}"), **words)
        assert sum(kind == "alarm_raised" for kind, _, _ in told(line.events)) == 24
        return [kind for kind, _, _ in told(line.events) if kind != "alarm_raised"]

    assert broken([Reason.TIMEOUT] * 24) == []
    several = [
        Reason.TIMEOUT,
        Reason.OVER_RANGE,
        Reason.UNDER_RANGE,
        Reason.SENTINEL,
        Reason.REFUSED,
        Reason.FENCED,
    ]
    assert broken([several[n // 2 % 6] for n in range(24)]) == ["alarm_flood"]


def test_a_less_urgent_alarm_does_not_speak_for_a_rule() -> None:
    rules = {"r": {"when": "b > 1", "priority": "critical"}}
    line = Rig(plant(tag("a", safety=True, priority="medium"), tag("b"), alarms=rules), twins())
    for second in range(20):
        line.scan(second, bad=bad(Reason.TIMEOUT))
    assert [rule for _, rule, _ in told(line.events)] == ["a.bad", "r.bad"]


def test_a_window_that_fills_after_a_start_is_no_fault_but_one_that_never_fills_is() -> None:
    rules = {"steep": {"when": "rate(a, 5s) > 1", "fault_delay": "2s"}}
    line = Rig(plant(tag("a"), alarms=rules), twins())
    for second in range(20):
        line.scan(second, a=1)
    assert told(line.events) == []
    line = Rig(plant(tag("a"), alarms=rules), twins())
    for second in range(0, 120, 12):  # always more than two spans apart
        line.scan(second, a=1)
    assert told(line.events)[0] == ("alarm_raised", "steep.bad", 7.0)


def test_an_event_of_a_rule_carries_what_its_inputs_show() -> None:
    made = plant(tag("a"), tag("b"), series={"d": "a - b"}, alarms={"apart": {"when": "abs(d) > 3"}})
    line = Rig(made, twins())
    (raised,) = line.scan(0, a=9, b=5)
    assert [(seen.tag, seen.value) for seen in raised.evidence] == [(3, 1), (0, 9), (1, 5)]


def test_a_rule_latches_as_declared() -> None:
    line = Rig(plant(tag("p"), alarms={"low": {"when": "p < 2", "latch": True}}), twins())
    for second, p in enumerate([5, 1, 5]):
        line.scan(second, p=p)
    assert told(line.events) == [("alarm_raised", "low", 1.0), ("alarm_latched", "low", 2.0)]


def test_a_rule_is_suppressed_by_design_while_its_expression_says_so() -> None:
    rule = {"when": "p < 2", "suppressed_when": "on_for(not run, 2s)"}
    line = Rig(plant(tag("p"), tag("run", type="bool"), alarms={"low": rule}), twins())
    for second, (p, run) in enumerate([(5, 1), (1, 1), (5, 1), (5, 0), (5, 0), (5, 0), (1, 0)]):
        line.scan(second, p=p, run=run)
    raised = [event for event in line.events if event.kind is EventKind.ALARM_RAISED]
    assert [(event.boot_ns / S, event.withheld) for event in raised] == [(1, None), (6, Withheld.SUPPRESSED)]


def test_work_on_an_input_marks_whatever_rests_on_it() -> None:
    made = plant(tag("a"), tag("b", device="plc2"), series={"d": "a - b"}, alarms={"r": {"when": "d > 1"}})
    line = Rig(made, twins())
    hold = Hold(since_ns=0, until_ns=NEVER, who="li", why="calibration", flags=Flag.MAINTENANCE)
    line.engine.maintenance.begin("plc2", hold)
    assert line.engine.maintenance.flags.tolist() == [0, 1, 1, 1]
    line.scan(0, line.group("plc"), a=9)
    line.scan(0, line.group("plc2"), b=1)
    assert line.quality("d") == Flag.MAINTENANCE
    assert [event.withheld for event in line.events] == [Withheld.MAINTENANCE]
