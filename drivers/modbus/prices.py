"""What questions cost on a link, as its settings let us expect. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.links import ModbusBus, ModbusLink
from drivers.modbus.planner import Cost
from drivers.modbus.rtu import (
    QUESTION_BYTES,
    REFUSAL_BYTES,
    character_s,
    longest_frame_s,
    pause_s,
    settle_s,
)

_SECOND_NS: Final = 10**9
_MICROSECOND_NS: Final = 1000
_TCP_WORD_US: Final = 2.0  # words are nearly free on Ethernet


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What is taken for granted of a link before anything was measured; times in seconds.

    `cost`: of an answered question, the pause before it included. `silence_s`: the most that a question
    without an answer costs, the settling after it included. `share`: of the link's time, for dead units.
    """

    cost: Cost
    silence_s: float
    share: float
    pause_s: float = 0.0
    settle_s: float = 0.0


def prices_of(settings: ModbusLink) -> Prices:
    """Return what a link's settings say of its prices."""
    share = settings.probe_percent / 100
    if isinstance(settings, ModbusBus):
        return _prices_of_bus(settings, share)
    cost = Cost(request_us=max(1.0, settings.answer_time / _MICROSECOND_NS), word_us=_TCP_WORD_US)
    return Prices(cost=cost, silence_s=settings.timeout / _SECOND_NS, share=share)


def _prices_of_bus(bus: ModbusBus, share: float) -> Prices:
    """A request costs the pause before it, both envelopes and the thinking; a word two characters."""
    envelopes_s = (QUESTION_BYTES + REFUSAL_BYTES) * character_s(bus)
    request_s = pause_s(bus) + envelopes_s + bus.answer_time / _SECOND_NS
    frames_s = QUESTION_BYTES * character_s(bus) + longest_frame_s(bus)
    return Prices(
        cost=Cost(request_us=1e6 * request_s, word_us=2e6 * character_s(bus)),
        silence_s=bus.timeout / _SECOND_NS + frames_s + settle_s(bus),
        share=share,
        pause_s=pause_s(bus),
        settle_s=settle_s(bus),
    )
