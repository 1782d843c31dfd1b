"""What a link will be asked for, before anything is asked: cycle, load, and how soon life is noticed.

Pure. Source of the frames' lengths and gaps: `drivers.modbus.rtu`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drivers.modbus.demotion import revival_s
from drivers.modbus.planner import Block, Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One scan group's requests and how often they are made."""

    unit_id: int
    period_s: float
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the work on one link costs.

    `cycle_s`: every request of it once, one after another. `load`: the share of time that the link is busy;
    more than 1 cannot be done. `revival_s`: within what time the only dead unit is noticed when it comes
    back; `all_but_one_s`: each of them, where a single one is alive.
    """

    cycle_s: float
    load: float
    revival_s: float
    all_but_one_s: float


def cycle_s(work: Iterable[Work], cost: Cost) -> float:
    """Return how long all requests of some work take, one after another."""
    return sum(scan_s(each, cost) for each in work)


def scan_s(work: Work, cost: Cost) -> float:
    """Return how long the requests of one scan take."""
    return sum(cost.request_us + block.words * cost.word_us for block in work.blocks) / 1e6


def forecast(work: list[Work], cost: Cost, share: float, silence_s: float) -> Forecast:
    """Return what some work, at least one piece, costs on a link.

    `share`: of its time, for dead units. `silence_s`: the most that a question without an answer costs.
    """
    others = len({each.unit_id for each in work}) - 1
    return Forecast(
        cycle_s=cycle_s(work, cost),
        load=sum(scan_s(each, cost) / each.period_s for each in work),
        revival_s=noticed_s(work, min(1, others), share, silence_s),
        all_but_one_s=noticed_s(work, others, share, silence_s),
    )


def noticed_s(work: list[Work], dead: int, share: float, silence_s: float) -> float:
    """Return within how many seconds one of `dead` dead units is noticed that came back.

    0 of them: the one of a link of its own, which is asked in every scan.
    """
    units = {each.unit_id for each in work}
    slowest_s = max(min(each.period_s for each in work if each.unit_id == unit) for unit in units)
    return revival_s(dead, share, silence_s, slowest_s)
