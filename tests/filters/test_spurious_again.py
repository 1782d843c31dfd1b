"""An effect without a cause is told although a scan was lost, or the agent restarted, in the meantime."""

from __future__ import annotations

import pytest

from config.vocabulary import Reason, bad
from filters.kernels import Kernels
from tests.filters.cut import NORMAL, rig
from tests.filters.rig import Rig, S, told

LOST = (0.0, bad(Reason.TIMEOUT))


def feed(line: Rig, since: float, until: float, **changes: object) -> None:
    for half in range(round(since * 2), round(until * 2) + 1):
        line.scan(half / 2, **(NORMAL | changes))


def spurious(line: Rig) -> list[float]:
    return [at for kind, _, at in told(line.events) if kind == "interlock_spurious"]


@pytest.mark.parametrize("lost", ["p", "valve", "run"])
def test_one_lost_scan_does_not_lose_it(kernels: Kernels, lost: str) -> None:
    line = rig(kernels)
    feed(line, 0, 2)
    feed(line, 2.5, 2.5, valve=1)
    feed(line, 3, 3, **({"valve": 1} | {lost: LOST}))
    feed(line, 3.5, 10, valve=1)
    assert spurious(line) == [2.5]
    assert "because" not in line.events[-1].figures


def test_a_cause_that_cannot_be_read_for_long_is_said_with_it() -> None:
    line = rig()
    feed(line, 0, 2)
    feed(line, 2.5, 2.5, valve=1)
    feed(line, 3, 20, valve=1, p=LOST)
    assert spurious(line) == []
    feed(line, 20.5, 30, valve=1)
    assert spurious(line) == [2.5]
    (found,) = [event for event in line.events if event.kind.value == "interlock_spurious"]
    assert found.figures["because"] == "input_bad"


def test_an_outage_that_was_over_before_explains_nothing(kernels: Kernels) -> None:
    line = rig(kernels)
    feed(line, 0, 20, p=LOST)
    feed(line, 20.5, 60)
    feed(line, 60.5, 90, valve=1)
    assert spurious(line) == [60.5]
    assert "because" not in line.events[-1].figures


def test_a_cause_that_shows_when_it_can_be_read_again_explains_it() -> None:
    line = rig()
    feed(line, 0, 2)
    feed(line, 2.5, 2.5, valve=1)
    feed(line, 3, 3, valve=1, p=LOST)
    feed(line, 3.5, 10, valve=1, p=1)
    assert spurious(line) == []


def test_a_restart_does_not_lose_it() -> None:
    line = rig()
    feed(line, 0, 2)
    feed(line, 2.5, 2.5, valve=1)
    after = rig()
    after.engine.restore(line.engine.state(), 3 * S, same_boot=True)
    feed(after, 3.5, 10, valve=1)
    assert spurious(after) == [2.5]


def test_a_process_that_ends_while_nothing_can_be_read_is_an_orderly_stop() -> None:
    line = rig()
    feed(line, 0, 2)
    feed(line, 2.5, 2.5, valve=1)
    feed(line, 3, 3, valve=1, p=LOST)
    feed(line, 3.5, 10, valve=1, run=0)
    assert spurious(line) == []
