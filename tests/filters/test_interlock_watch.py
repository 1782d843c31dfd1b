"""What is watched of an interlock beside its demands: readiness, proofs, bypasses, mutes, maintenance."""

from __future__ import annotations

from typing import Any

from config.vocabulary import Flag, Reason, Withheld, WitnessState, bad
from filters.holds import Hold
from filters.kernels import Kernels
from tests.filters.cut import CUT, NORMAL
from tests.filters.rig import Rig, S, plant, tag, told

READY = {"ready_when": {"tag": "ok", "equals": 1}}


def rig(kernels: Kernels | None = None, **changes: Any) -> Rig:
    rows = [tag(name) for name in (*NORMAL, "ok")]
    return Rig(plant(*rows, interlocks=(CUT | changes,), periods={"fast": "500ms"}), kernels)


def feed(line: Rig, since: float, until: float, **changes: Any) -> None:
    for half in range(round(since * 2), round(until * 2) + 1):
        line.scan(half / 2, **({**NORMAL, "ok": 1} | changes))


def restart(line: Rig, at_s: float, after: Rig, *, same_boot: bool = True) -> Rig:
    after.events += after.engine.restore(line.engine.state(), round(at_s * S), same_boot=same_boot)
    return after


def test_an_armed_interlock_whose_self_test_fails_is_told_at_once_and_for_how_long(kernels: Kernels) -> None:
    line = rig(kernels, **READY)
    feed(line, 0, 1)
    feed(line, 1.5, 3, ok=0)
    assert line.engine.interlocks()[0].unready_since_boot_ns == 1_500_000_000
    feed(line, 3.5, 4)
    assert told(line.events)[1:] == [("interlock_not_ready", "cut", 1.5), ("interlock_ready", "cut", 3.5)]
    assert line.events[1].priority == "critical"
    assert line.events[2].figures["unready_ms"] == 2000


def test_a_self_test_that_fails_while_nothing_is_armed_is_no_news() -> None:
    line = rig(**READY)
    feed(line, 0, 3, run=0, ok=0)
    assert [kind for kind, _, _ in told(line.events)] == ["interlock_disarmed"]
    feed(line, 3.5, 4, run=1, ok=0)
    assert (
        told(line.events)[-2][0] == "interlock_not_ready" or told(line.events)[-1][0] == "interlock_not_ready"
    )


def test_a_self_test_that_cannot_be_read_leaves_the_interlock_unknown() -> None:
    line = rig(**READY)
    feed(line, 0, 1)
    feed(line, 1.5, 4, ok=(0, bad(Reason.TIMEOUT)))
    assert line.engine.interlocks()[0].state is WitnessState.UNKNOWN
    assert "interlock_not_ready" not in [kind for kind, _, _ in told(line.events)]


def test_a_proof_that_is_too_old_is_told_once_until_there_is_another(kernels: Kernels) -> None:
    line = rig(kernels, proof_every="10s")
    feed(line, 0, 3)
    assert line.due_s <= 10
    feed(line, 3.5, 12)
    assert told(line.events)[1:] == [("interlock_proof_due", "cut", 10)]
    feed(line, 12.5, 12.5, p=1)
    feed(line, 13, 14, p=1, valve=1)
    assert line.engine.interlocks()[0].proof_due_boot_ns == 23 * S
    feed(line, 14.5, 40)
    assert [kind for kind, _, _ in told(line.events)].count("interlock_proof_due") == 2


def test_the_proof_log_survives_a_restart_with_demands_bypasses_and_their_times() -> None:
    first = rig(proof_every="100s")
    feed(first, 0, 1)
    feed(first, 1.5, 1.5, p=1)
    feed(first, 2, 3, p=1, valve=1)
    feed(first, 3.5, 5)
    feed(first, 5.5, 7, off=1)
    feed(first, 7.5, 8)
    second = restart(first, 20, rig(proof_every="100s"))
    (found,) = second.engine.interlocks()
    assert (found.demands, found.proven, found.bypasses, found.bypassed_before_ns) == (1, 1, 1, 2 * S)
    assert [(entry.kind.value, entry.boot_ns / S) for entry in found.history] == [
        ("interlock_proven", 2),
        ("interlock_bypassed", 5.5),
        ("interlock_bypass_ended", 7.5),
    ]
    assert found.history[0].figures["elapsed_max_ms"] == 1000
    assert found.proof_due_boot_ns == 102 * S


def test_a_muted_interlock_is_witnessed_all_the_same_and_told_again_when_its_mute_ends(
    kernels: Kernels,
) -> None:
    line = rig(kernels)
    feed(line, 0, 1)
    hold = Hold(since_ns=1 * S, until_ns=8 * S, who="wang", why="试验")
    line.engine.witnesses.mutes.put("cut", hold)
    feed(line, 1.5, 6, p=1)
    feed(line, 6.5, 7)
    assert [(event.kind.value, event.withheld) for event in line.events[1:]] == [
        ("interlock_demand", Withheld.MUTED),
        ("interlock_failed", Withheld.MUTED),
        ("interlock_cleared", Withheld.MUTED),
    ]
    assert line.engine.interlocks()[0].muted
    feed(line, 7.5, 9)
    assert told(line.events)[-1] == ("interlock_mute_ended", "cut", 8)
    assert not line.engine.interlocks()[0].muted


def test_a_test_of_an_interlock_under_maintenance_is_no_alarm() -> None:
    line = rig()
    feed(line, 0, 1)
    line.engine.maintenance.begin(
        "p", Hold(since_ns=S, until_ns=99 * S, who="w", why="w", flags=Flag.MAINTENANCE)
    )
    feed(line, 1.5, 6, p=1)
    assert {event.withheld for event in line.events[1:]} == {Withheld.MAINTENANCE}


def test_what_to_do_and_who_asks_for_it_stand_in_its_events() -> None:
    line = rig(response="立即停止浇铸", basis="GB 30078")
    feed(line, 0, 1)
    feed(line, 1.5, 6, p=1)
    assert {(event.response, event.basis) for event in line.events} == {("立即停止浇铸", "GB 30078")}
