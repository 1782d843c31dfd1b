"""The witness, row by row of its specification (filters/witness.py), where every input can be read."""

from __future__ import annotations

from typing import Any

import pytest

from config.vocabulary import EventKind, Reason, WitnessState, uncertain
from filters.kernels import Kernels
from tests.filters.cut import NORMAL, rig, run, split_rig, state
from tests.filters.rig import S, told


def test_an_effect_within_its_time_proves_the_interlock(kernels: Kernels) -> None:
    line = rig(kernels)
    events = run(line, (5, {"p": 1}), (6.5, {"valve": 1}), (10, {"p": 5}))
    assert events == [
        ("interlock_demand", "cut", 5),
        ("interlock_proven", "cut", 6.5),
        ("interlock_cleared", "cut", 10),
    ]
    proven = line.events[2]
    assert proven.figures["elapsed_min_ms"] == 1000
    assert proven.figures["elapsed_max_ms"] == 2000
    assert proven.figures["budget_ms"] == 3000
    assert [seen.tag for seen in proven.evidence] == [0, 1]
    assert state(line) is WitnessState.ARMED


def test_an_effect_that_is_missing_fails_the_interlock_by_the_first_sample_after_its_time(
    kernels: Kernels,
) -> None:
    line = rig(kernels)
    assert run(line, (5, {"p": 1})) == [("interlock_demand", "cut", 5), ("interlock_failed", "cut", 8.5)]
    failed = line.events[-1]
    assert (failed.priority, failed.figures["because"]) == ("critical", "not_seen")
    assert state(line) is WitnessState.FAILED


def test_an_effect_that_came_too_late_fails_the_interlock(kernels: Kernels) -> None:
    line = rig(
        kernels,
        cause={"tag": "p", "below": 2, "on_delay": "4s"},
        effects=[{"tag": "valve", "equals": 1, "within": "1s"}],
    )
    events = run(line, (5, {"p": 1}), (7, {"valve": 1}))
    assert events == [("interlock_demand", "cut", 5), ("interlock_failed", "cut", 7)]
    figures = line.events[-1].figures
    assert (figures["because"], figures["elapsed_min_ms"], figures["elapsed_max_ms"]) == ("late", 1500, 2500)


def test_samples_that_cannot_tell_are_indeterminate(kernels: Kernels) -> None:
    line = rig(kernels)
    assert run(line, (5, {"p": 1}), (8, {"valve": 1}))[-1] == ("interlock_indeterminate", "cut", 8)
    figures = line.events[-1].figures
    assert (figures["elapsed_min_ms"], figures["elapsed_max_ms"]) == (2500, 3500)
    assert figures["because"] == "between_samples"


def test_an_effect_seen_before_its_cause_was_declared_counts(kernels: Kernels) -> None:
    line = rig(kernels, {"p": {"median": 5}}, cause={"tag": "p", "below": 2, "on_delay": "1s"})
    events = run(line, (5, {"p": 1}), (5.5, {"valve": 1}))
    assert events == [("interlock_demand", "cut", 5), ("interlock_proven", "cut", 5.5)]
    demand, proven = line.events[1:]
    assert demand.figures["declared_after_ms"] == 2000
    assert demand.scan_boot_ns == proven.scan_boot_ns == 7_000_000_000
    assert (proven.figures["elapsed_min_ms"], proven.figures["elapsed_max_ms"]) == (0, 1000)


def test_an_effect_that_was_gone_again_before_its_cause_was_declared_counts_too(kernels: Kernels) -> None:
    line = rig(kernels, cause={"tag": "p", "below": 2, "on_delay": "2s"})
    events = run(line, (5, {"p": 1}), (5.5, {"valve": 1}), (6, {"valve": 0}))
    assert events == [("interlock_demand", "cut", 5), ("interlock_proven", "cut", 5.5)]


@pytest.mark.parametrize(("seen_s", "counts"), [(2.7, True), (2.31, True), (2.29, False)])
def test_an_effect_counts_from_the_skew_before_the_last_sample_without_the_cause(
    seen_s: float, counts: bool
) -> None:
    line = split_rig(None, "valve")
    for half in range(20):
        at = half / 2
        line.scan(at, line.group("plc"), **(NORMAL | {"p": 1 if at >= 3 else 5}))
        line.scan(at + seen_s % 0.5, line.group("other"), valve=at + seen_s % 0.5 >= seen_s)
    found = [event.kind.value for event in line.events]
    assert found[-1] == ("interlock_proven" if counts else "interlock_indeterminate")
    assert ("interlock_spurious" in found) is not counts


def test_an_effect_that_was_true_before_the_demand_proves_nothing_and_fails_nothing(kernels: Kernels) -> None:
    line = rig(kernels)
    run(line, (5, {"valve": 1}), (12, {"p": 1}))
    assert told(line.events)[1:] == [
        ("interlock_spurious", "cut", 5),
        ("interlock_demand", "cut", 12),
        ("interlock_indeterminate", "cut", 16),
    ]
    assert line.events[-1].figures["because"] == "true_before"


def test_an_effect_that_was_true_all_the_time_and_goes_right_after_it_has_not_failed(
    kernels: Kernels,
) -> None:
    line = rig(kernels, exclusive=False)
    events = run(line, (2, {"valve": 1}), (5, {"p": 1}), (8.5, {"p": 5, "valve": 0}))
    assert events[:2] == [("interlock_demand", "cut", 5), ("interlock_indeterminate", "cut", 8.5)]
    assert line.events[2].figures["because"] == "true_before"


def test_an_effect_that_was_true_before_and_goes_within_its_time_has_failed() -> None:
    events = run(rig(exclusive=False), (2, {"valve": 1}), (5, {"p": 1}), (7, {"valve": 0}))
    assert events == [("interlock_demand", "cut", 5), ("interlock_failed", "cut", 8.5)]


def test_the_cause_may_be_a_limit_of_its_tag_with_the_alarms_own_delay(kernels: Kernels) -> None:
    line = rig(
        kernels,
        {"p": {"ll": 2, "on_delay": "750ms", "alarm_deadband": 1}},
        cause={"tag": "p", "limit": "LL"},
    )
    events = run(line, (5, {"p": 2}), (6, {"valve": 1}), (8, {"p": 2.5}), (9, {"p": 5}))
    assert events == [
        ("interlock_demand", "cut", 5),
        ("alarm_raised", "p.LL", 5.75),
        ("interlock_proven", "cut", 6),
        ("alarm_cleared", "p.LL", 9),
        ("interlock_cleared", "cut", 9),
    ]


def test_all_effects_must_be_seen_each_in_its_own_time(kernels: Kernels) -> None:
    effects = [
        {"tag": "valve", "equals": 1, "within": "3s"},
        {"tag": "run", "equals": 0, "within": "5s"},
    ]
    line = rig(kernels, effects=effects)
    events = run(line, (5, {"p": 1}), (6, {"valve": 1}), (8, {"run": 0}))
    assert events == [
        ("interlock_demand", "cut", 5),
        ("interlock_proven", "cut", 8),
        ("interlock_cleared", "cut", 8),
        ("interlock_disarmed", "cut", 8),
    ]
    figures = line.events[2].figures
    assert (figures["effect"], figures["elapsed_max_ms"]) == ("run", 3500)
    assert (figures["valve.elapsed_max_ms"], figures["run.budget_ms"]) == (1500, 5000)


def test_one_effect_that_fails_is_a_failure_at_once(kernels: Kernels) -> None:
    effects = [
        {"tag": "valve", "equals": 1, "within": "2s"},
        {"tag": "off", "above": 5, "within": "10s"},
    ]
    line = rig(kernels, effects=effects)
    assert run(line, (5, {"p": 1}))[-1] == ("interlock_failed", "cut", 7.5)


def test_nothing_is_demanded_of_a_disarmed_interlock(kernels: Kernels) -> None:
    line = rig(kernels)
    events = run(line, (5, {"run": 0}), (6, {"p": 1}), (7, {"valve": 1}))
    assert events == [("interlock_disarmed", "cut", 5)]


def test_a_process_that_starts_while_the_cause_stands_demands_from_its_start(kernels: Kernels) -> None:
    line = rig(kernels)
    run(line, (5, {"run": 0}), (6, {"p": 1}), (9, {"run": 1}), (10, {"valve": 1}))
    assert told(line.events)[2:] == [("interlock_demand", "cut", 9), ("interlock_proven", "cut", 10)]
    assert line.events[-1].figures["elapsed_max_ms"] == 1500


def test_an_effect_that_disarms_the_interlock_does_not_hide_the_demand(kernels: Kernels) -> None:
    line = rig(kernels, cause={"tag": "p", "below": 2, "on_delay": "2s"})
    events = run(line, (5, {"p": 1}), (5.5, {"valve": 1, "run": 0}))
    assert events == [
        ("interlock_disarmed", "cut", 5.5),
        ("interlock_demand", "cut", 5),
        ("interlock_proven", "cut", 5.5),
        ("interlock_cleared", "cut", 5.5),
    ]
    assert [event.scan_boot_ns / 1e9 for event in line.events[1:]] == [5.5, 7, 7, 7]


def test_a_cause_that_appears_when_the_process_has_ended_is_no_demand(kernels: Kernels) -> None:
    line = rig(kernels)
    assert run(line, (5, {"run": 0}), (5.5, {"p": 1})) == [("interlock_disarmed", "cut", 5)]


def test_an_arming_that_ends_during_a_demand_does_not_end_the_waiting(kernels: Kernels) -> None:
    line = rig(kernels)
    events = run(line, (5, {"p": 1}), (6, {"run": 0}))
    assert events == [
        ("interlock_demand", "cut", 5),
        ("interlock_failed", "cut", 8.5),
        ("interlock_cleared", "cut", 8.5),
        ("interlock_disarmed", "cut", 8.5),
    ]


def test_a_cause_withdrawn_before_the_time_is_over_excuses_a_missing_effect(kernels: Kernels) -> None:
    line = rig(kernels)
    events = run(line, (5, {"p": 1}), (7, {"p": 5}))
    assert events == [
        ("interlock_demand", "cut", 5),
        ("interlock_indeterminate", "cut", 8.5),
        ("interlock_cleared", "cut", 8.5),
    ]
    assert line.events[2].figures["because"] == "cause_withdrawn"


def test_a_cause_withdrawn_before_its_effect_came_in_time_is_proven_all_the_same(kernels: Kernels) -> None:
    line = rig(kernels)
    events = run(line, (5, {"p": 1}), (6, {"p": 5}), (6.5, {"valve": 1}))
    assert [kind for kind, *_ in events] == ["interlock_demand", "interlock_proven", "interlock_cleared"]


def test_a_cause_that_returns_before_the_verdict_is_a_second_demand(kernels: Kernels) -> None:
    line = rig(kernels)
    events = run(line, (5, {"p": 1}), (6, {"p": 5}), (7, {"p": 1}))
    assert events == [
        ("interlock_demand", "cut", 5),
        ("interlock_indeterminate", "cut", 7),
        ("interlock_cleared", "cut", 7),
        ("interlock_demand", "cut", 7),
        ("interlock_failed", "cut", 10.5),
    ]


def test_a_demand_that_was_answered_and_cleared_can_come_again(kernels: Kernels) -> None:
    line = rig(kernels)
    run(
        line,
        (5, {"p": 1}),
        (6, {"valve": 1}),
        (8, {"p": 5}),
        (9, {"valve": 0}),
        (12, {"p": 1}),
    )
    status = line.engine.interlocks()[0]
    assert (status.demands, status.proven, status.failed) == (2, 1, 1)
    assert (status.state, status.last_proven_boot_ns) == (WitnessState.FAILED, 6_000_000_000)


def test_nothing_is_demanded_of_a_bypassed_interlock_and_the_bypass_is_told_with_its_duration(
    kernels: Kernels,
) -> None:
    line = rig(kernels)
    events = run(line, (5, {"off": 1}), (6, {"p": 1}), (8, {"p": 5}), (20, {"off": 0}))
    assert events == [
        ("interlock_bypassed", "cut", 5),
        ("interlock_bypass_ended", "cut", 20),
        ("interlock_armed", "cut", 20),
    ]
    assert line.events[2].figures == {"bypassed_ms": 15_000}


def test_a_bypass_that_ends_while_the_cause_stands_is_a_demand_from_its_end(kernels: Kernels) -> None:
    line = rig(kernels)
    run(line, (5, {"off": 1}), (6, {"p": 1}), (8, {"off": 0}), (9, {"valve": 1}))
    assert told(line.events)[3:] == [("interlock_demand", "cut", 8), ("interlock_proven", "cut", 9)]


def test_a_bypass_during_a_demand_is_told_and_excuses_a_missing_effect(kernels: Kernels) -> None:
    line = rig(kernels)
    events = run(line, (5, {"p": 1}), (6, {"off": 1}))
    assert events == [
        ("interlock_demand", "cut", 5),
        ("interlock_bypassed", "cut", 6),
        ("interlock_indeterminate", "cut", 8.5),
    ]
    assert line.events[-1].figures["because"] == "bypassed"


def test_a_demand_that_a_bypass_has_left_open_is_demanded_anew_as_of_its_end(kernels: Kernels) -> None:
    line = rig(kernels)
    events = run(line, (5, {"p": 1}), (6, {"off": 1}), (20, {"off": 0}))
    assert events[2:] == [
        ("interlock_indeterminate", "cut", 8.5),
        ("interlock_bypass_ended", "cut", 20),
        ("interlock_cleared", "cut", 20),
        ("interlock_demand", "cut", 20),
        ("interlock_failed", "cut", 23.5),
    ]


def test_a_bypass_for_a_moment_does_not_hide_that_the_effect_never_came(kernels: Kernels) -> None:
    line = rig(kernels)
    events = run(line, (5, {"p": 1}), (6, {"off": 1}), (7, {"off": 0}))
    assert events[3:] == [
        ("interlock_indeterminate", "cut", 8.5),
        ("interlock_cleared", "cut", 8.5),
        ("interlock_demand", "cut", 7),
        ("interlock_failed", "cut", 10.5),
    ]


@pytest.mark.parametrize("later", [(30, {"off": 0}), (30, {"valve": 0})])
def test_an_effect_that_came_during_a_bypass_is_not_demanded_anew(
    later: tuple[float, dict[str, Any]],
) -> None:
    line = rig()
    events = run(line, (5, {"p": 1}), (6, {"off": 1}), (12, {"valve": 1}), (20, {"off": 0}), later)
    assert events[3:] == [("interlock_bypass_ended", "cut", 20)]
    assert state(line) is WitnessState.INDETERMINATE


def test_what_a_bypass_has_left_open_is_demanded_anew_also_after_a_restart() -> None:
    line, after = rig(), rig()
    run(line, (5, {"p": 1}), (6, {"off": 1}))
    after.engine.restore(line.engine.state(), 22 * S, same_boot=True)
    for half in range(46, 80):
        after.scan(half / 2, **(NORMAL | {"p": 1, "off": 1 if half < 60 else 0}))
    assert told(after.events)[1:] == [
        ("interlock_cleared", "cut", 30),
        ("interlock_demand", "cut", 30),
        ("interlock_failed", "cut", 33.5),
    ]


def test_a_bypass_that_had_ended_before_and_begins_again_in_the_on_delay_does_not_shorten_the_time() -> None:
    line = rig(cause={"tag": "p", "below": 2, "on_delay": "2s"})
    run(line, (2, {"off": 1}), (4, {"off": 0}), (8, {"p": 1}), (9, {"off": 1}), (9.5, {"valve": 1}))
    proven = line.events[-1]
    assert proven.kind is EventKind.INTERLOCK_PROVEN
    assert (proven.figures["elapsed_min_ms"], proven.figures["elapsed_max_ms"]) == (1000, 2000)


def test_an_effect_without_a_cause_is_spurious_only_after_the_cause_could_have_been_declared(
    kernels: Kernels,
) -> None:
    line = rig(kernels, {"p": {"median": 5}}, cause={"tag": "p", "below": 2, "on_delay": "1s"})
    assert run(line, (5, {"valve": 1})) == [("interlock_spurious", "cut", 5)]
    spurious = line.events[-1]
    delays_s = 0.2 + 2 * 0.5 + 1 + 2 * 0.5
    assert spurious.scan_boot_ns == round((5 + delays_s) * 1e9)
    assert spurious.figures == {}
    assert [seen.tag for seen in spurious.evidence] == [1, 0]


def test_an_effect_whose_cause_never_lasted_to_be_declared_is_told_as_such(kernels: Kernels) -> None:
    line = rig(kernels, cause={"tag": "p", "below": 2, "on_delay": "2s"})
    run(line, (5, {"p": 1}), (5.5, {"valve": 1}), (6, {"p": 5}))
    assert [event.kind for event in line.events[1:]] == [EventKind.INTERLOCK_SPURIOUS]
    assert line.events[-1].figures["because"] == "cause_not_declared"


def test_a_process_that_ends_orderly_is_not_spurious(kernels: Kernels) -> None:
    line = rig(kernels)
    assert run(line, (5, {"valve": 1}), (6, {"run": 0})) == [("interlock_disarmed", "cut", 6)]


def test_effects_that_come_together_without_cause_are_one_event(kernels: Kernels) -> None:
    effects = [{"tag": "valve", "equals": 1, "within": "3s"}, {"tag": "off", "above": 5, "within": "3s"}]
    line = rig(kernels, effects=effects)
    assert run(line, (5, {"valve": 1}), (5.5, {"off": 9})) == [("interlock_spurious", "cut", 5)]
    assert len(line.events[-1].evidence) == 3


def test_an_uncertain_input_is_judged_and_the_event_says_so(kernels: Kernels) -> None:
    line = rig(kernels)
    run(line, (5, {"p": (1, uncertain(Reason.RESYNC))}), (6, {"valve": 1}))
    assert [event.figures.get("uncertain") for event in line.events[1:]] == [1, 1]
