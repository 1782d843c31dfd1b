"""A deep-well casting line as its PLC and furnace controller would show it, with the plant's own interlock.

Pressure MPa, flow m3/h, temperatures degC, level mm, time in seconds since the start.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

TRIP_PRESSURE_MPA: Final = 0.175
TRIP_DELAY_S: Final = 0.3
VALVE_STROKE_S: Final = 0.8
BROKEN_WIRE_MA: Final = 1.1
STEP_S: Final = 0.05
_COLLAPSE_TIME_S: Final = 0.25


class Trouble(StrEnum):
    """What the scenario does to the plant."""

    PRESSURE_LOST = "pressure_lost"
    VALVE_STICKS = "valve_sticks"
    SENSOR_DEAD = "sensor_dead"


@dataclass(slots=True)
class Casting:
    """The line; `step` moves it on, and the plant's own interlock closes the valves."""

    random: random.Random = field(default_factory=lambda: random.Random(20230901))
    troubles: set[Trouble] = field(default_factory=set)
    time_s: float = 0.0
    pressure_mpa: float = 0.25
    low_since_s: float | None = None
    tripped_s: float | None = None

    def step(self, seconds: float) -> None:
        """Move the plant on by `seconds`."""
        self.time_s += seconds
        goal = 0.02 if Trouble.PRESSURE_LOST in self.troubles else 0.25
        self.pressure_mpa += (goal - self.pressure_mpa) * min(1.0, seconds / _COLLAPSE_TIME_S)
        self._interlock()

    def move_to(self, time_s: float) -> None:
        """Move the plant on to a time."""
        while self.time_s + STEP_S <= time_s:
            self.step(STEP_S)

    def _interlock(self) -> None:
        if self.pressure_mpa >= TRIP_PRESSURE_MPA:
            self.low_since_s = self.tripped_s = None
        elif self.low_since_s is None:
            self.low_since_s = self.time_s
        elif self.tripped_s is None and self.time_s - self.low_since_s >= TRIP_DELAY_S:
            self.tripped_s = self.time_s

    @property
    def quick_cut_closed(self) -> bool:
        """Limit switch of the quick-cut valve."""
        return self._stroke_done() and Trouble.VALVE_STICKS not in self.troubles

    @property
    def drain_open(self) -> bool:
        """Limit switch of the emergency drain valve."""
        return self._stroke_done()

    def _stroke_done(self) -> bool:
        return self.tripped_s is not None and self.time_s - self.tripped_s >= VALVE_STROKE_S

    def pressure(self) -> float:
        """Mould water pressure."""
        return max(0.0, self.pressure_mpa + self.random.gauss(0, 0.0006))

    def flow(self) -> float:
        """Mould water flow."""
        return max(0.0, 120 * math.sqrt(max(self.pressure_mpa, 0.0) / 0.25) + self.random.gauss(0, 0.3))

    def mould_temperature(self) -> float:
        """Mould water temperature from a 4-20 mA signal for 0-100 degC; a dead sensor gives 1.1 mA."""
        if Trouble.SENSOR_DEAD in self.troubles:
            return (BROKEN_WIRE_MA - 4) / 16 * 100
        return 28 + 2 * math.sin(self.time_s / 9) + self.random.gauss(0, 0.05)

    def launder_level(self) -> float:
        """Metal level in the launder, deviation from its set point."""
        return 1.5 * math.sin(self.time_s / 3) + self.random.gauss(0, 0.2)

    def furnace_temperature(self) -> float:
        """Melt temperature."""
        return 715 + 4 * math.sin(self.time_s / 20) + self.random.gauss(0, 0.2)

    def tilt_angle(self) -> float:
        """Furnace tilt in degrees: rises slowly while casting."""
        return 12 + 0.02 * self.time_s
