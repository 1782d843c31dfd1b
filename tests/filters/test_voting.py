"""Several causes of one interlock: MooN voting, also with inputs that cannot be read."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from config.vocabulary import Reason, WitnessState, bad
from filters.kernels import Kernels
from tests.filters.rig import Rig, plant, tag, told

BAD = bad(Reason.LINK_DOWN)
NAMES = ("p1", "p2", "p3")
VOTES = {"1oo2": (1, 2), "2oo2": (2, 2), "2oo3": (2, 3)}


def rig(vote: str, kernels: Kernels | None = None) -> Rig:
    inputs = [{"tag": name, "below": 2} for name in NAMES[: VOTES[vote][1]]]
    cut = {
        "name": "cut",
        "cause": inputs[0],
        "also": inputs[1:],
        "vote": vote,
        "effects": [{"tag": "valve", "equals": 1, "within": "3s"}],
    }
    rows = [tag(name) for name in (*NAMES, "valve")]
    return Rig(plant(*rows, interlocks=(cut,), periods={"fast": "500ms"}), kernels)


def scan(line: Rig, at_s: float, votes: str, valve: float = 0) -> None:
    """One letter an input: `1` below its limit, `0` above, `x` Bad."""
    raws: dict[str, Any] = {
        name: (0, BAD) if vote == "x" else (1 if vote == "1" else 5)
        for name, vote in zip(NAMES, votes, strict=False)
    }
    line.scan(at_s, **raws, valve=valve)


def demands(line: Rig) -> list[float]:
    return [at for kind, _, at in told(line.events) if kind == "interlock_demand"]


@pytest.mark.parametrize(
    ("vote", "votes"),
    [(vote, votes) for vote, (_, n) in VOTES.items() for votes in product("01x", repeat=n)],
)
def test_a_vote_is_demanded_denied_or_unknown_whatever_its_inputs_say(
    vote: str, votes: tuple[str, ...]
) -> None:
    needed = VOTES[vote][0]
    line = rig(vote)
    scan(line, 0, "000")
    for half in range(1, 8):
        scan(line, half / 2, "".join(votes))
    surely, perhaps = votes.count("1") >= needed, votes.count("1") + votes.count("x") >= needed
    assert demands(line) == ([0.5] if surely else [])
    (found,) = line.engine.interlocks()
    if not surely:
        assert found.state is (WitnessState.UNKNOWN if perhaps else WitnessState.ARMED)
    assert found.inputs_bad == votes.count("x")


def test_the_demand_begins_when_the_vote_is_reached_and_says_how_it_came_about(kernels: Kernels) -> None:
    line = rig("2oo3", kernels)
    for at, votes in ((0, "000"), (0.5, "100"), (1, "10x"), (1.5, "11x")):
        scan(line, at, votes)
    (demand,) = [event for event in line.events if event.kind.value == "interlock_demand"]
    assert demand.boot_ns == 1_500_000_000
    assert (demand.figures["voting"], demand.figures["voting_bad"]) == ("2oo3", 1)
    assert [seen.tag for seen in demand.evidence] == [0, 1, 2]
    scan(line, 2, "11x", valve=1)
    proven = line.events[-1]
    assert proven.kind.value == "interlock_proven"
    assert (proven.figures["elapsed_min_ms"], proven.figures["elapsed_max_ms"]) == (0, 1000)


def test_inputs_that_take_turns_are_one_demand_as_long_as_enough_of_them_vote() -> None:
    line = rig("2oo3")
    for half, votes in enumerate(("000", "110", "111", "011", "001", "011")):
        scan(line, half / 2, votes, valve=1 if half else 0)
    assert demands(line) == [0.5, 2.5]
    cleared = [at for kind, _, at in told(line.events) if kind == "interlock_cleared"]
    assert cleared == [2]


def test_a_restart_does_not_repeat_a_demand_whose_voters_have_changed() -> None:
    first = rig("2oo3")
    for half, votes in enumerate(("000", "110", "111", "011")):
        scan(first, half / 2, votes, valve=1 if half else 0)
    second = rig("2oo3")
    assert second.engine.restore(first.engine.state(), 2_000_000_000, same_boot=True) == []
    for half in range(5, 9):
        scan(second, half / 2, "011", valve=1)
    assert second.events == []
    assert second.engine.interlocks()[0].state is WitnessState.PROVEN
