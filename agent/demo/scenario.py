"""What happens in the demo, when, and which events must come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.demo.casting import Trouble
from config.text import Text, text
from config.vocabulary import EventKind

SHORTEST_S: Final = 30


class Deed(StrEnum):
    """What is done to the plant, the line to the platform, or the agent."""

    BEGIN = "begin"
    END = "end"
    CUT_LINE = "cut_line"
    MEND_LINE = "mend_line"
    KILL_AGENT = "kill_agent"
    WATCH = "watch"


@dataclass(frozen=True, slots=True)
class Expected:
    """An event that must arrive, in this order, and what it must be about."""

    kind: EventKind
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One deed at `share` (0..1) of the demo's length, but not before `after` has arrived `times` times."""

    share: float
    deed: Deed
    words: Text
    troubles: tuple[Trouble, ...] = ()
    after: Expected | None = None
    times: int = 1


STEPS: Final = (
    Step(share=0.00, deed=Deed.WATCH, words=text("normal casting")),
    Step(
        share=0.12,
        deed=Deed.BEGIN,
        troubles=(Trouble.PRESSURE_LOST,),
        words=text("the mould water pressure collapses; both valves answer in time"),
    ),
    Step(
        share=0.24,
        deed=Deed.END,
        troubles=(Trouble.PRESSURE_LOST,),
        words=text("the water is back"),
    ),
    Step(
        share=0.30,
        deed=Deed.BEGIN,
        troubles=(Trouble.PRESSURE_LOST, Trouble.VALVE_STICKS),
        words=text("the pressure collapses again; this time the quick-cut valve sticks"),
    ),
    Step(
        share=0.46,
        deed=Deed.END,
        troubles=(Trouble.PRESSURE_LOST, Trouble.VALVE_STICKS),
        words=text("the water is back, the valve is freed"),
    ),
    Step(
        share=0.52,
        deed=Deed.BEGIN,
        troubles=(Trouble.SENSOR_DEAD,),
        words=text("the wire of the mould water thermometer breaks"),
    ),
    Step(
        share=0.62,
        deed=Deed.END,
        troubles=(Trouble.SENSOR_DEAD,),
        words=text("the thermometer is repaired"),
    ),
    Step(share=0.66, deed=Deed.CUT_LINE, words=text("the line to the platform is cut")),
    Step(share=0.78, deed=Deed.MEND_LINE, words=text("the line to the platform is back")),
    Step(
        share=0.84,
        deed=Deed.KILL_AGENT,
        after=Expected(EventKind.UPLINK_RESTORED, "province"),
        words=text("the agent is killed (SIGKILL) and started again"),
    ),
    Step(
        share=1.00,
        deed=Deed.WATCH,
        after=Expected(EventKind.AGENT_STARTED, "agent"),
        times=2,
        words=text("the agent is stopped; counting"),
    ),
)

EXPECTED: Final = (
    Expected(EventKind.AGENT_STARTED, "agent"),
    Expected(EventKind.INTERLOCK_ARMED, "mould_water"),
    Expected(EventKind.ALARM_RAISED, "mould_p_in.LL"),
    Expected(EventKind.INTERLOCK_DEMAND, "mould_water"),
    Expected(EventKind.INTERLOCK_PROVEN, "mould_water"),
    Expected(EventKind.ALARM_CLEARED, "mould_p_in.LL"),
    Expected(EventKind.ALARM_RAISED, "mould_p_in.LL"),
    Expected(EventKind.INTERLOCK_DEMAND, "mould_water"),
    Expected(EventKind.INTERLOCK_FAILED, "mould_water"),
    Expected(EventKind.ALARM_CLEARED, "mould_p_in.LL"),
    Expected(EventKind.ALARM_RAISED, "mould_t_in.bad"),
    Expected(EventKind.ALARM_CLEARED, "mould_t_in.bad"),
    Expected(EventKind.UPLINK_LOST, "province"),
    Expected(EventKind.UPLINK_RESTORED, "province"),
    Expected(EventKind.AGENT_STARTED, "agent"),
    Expected(EventKind.AGENT_STOPPED, "agent"),
)


RULES: Final = frozenset(event.rule for event in EXPECTED)


def missing(arrived: Sequence[Expected]) -> list[Expected]:
    """Return the expected events that did not arrive, or not in their rule's order."""
    rest = {rule: iter([event for event in arrived if event.rule == rule]) for rule in RULES}
    return [event for event in EXPECTED if event not in rest[event.rule]]
