"""A Modbus link with everybody on it: what it will cost, and what it does cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.modbus.driver import ModbusDriver
from drivers.modbus.forecast import Forecast, cycle_s, forecast, noticed_s
from drivers.modbus.guard import GuardedLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was seen of a link of late; None where it is too early to tell.

    `cycle_s`: every request of its devices once, at the measured price. `load`: see `Meter.load`. `dead`: ids
    of the units that are asked rarely. `noticed_s`: within what time each of them is, when it comes back.
    """

    cycle_s: float | None
    load: float | None
    dead: tuple[int, ...]
    noticed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bus:
    """A link and the drivers, at least one, that share it."""

    link: GuardedLink
    drivers: Sequence[ModbusDriver]

    def forecast(self) -> Forecast:
        """Return what the configuration lets expect."""
        prices = self.link.prices
        work = [each for driver in self.drivers for each in driver.work()]
        return forecast(work, prices.cost, prices.share, prices.silence_s)

    def measured(self, now_s: float) -> Measured:
        """Return what was seen; `now_s` is of the event loop's clock."""
        prices, cost = self.link.prices, self.link.meter.cost
        work = [each for driver in self.drivers for each in driver.work()]
        dead = tuple(sorted(self.link.demotion.dead))
        return Measured(
            cycle_s=None if cost is None else cycle_s(work, cost),
            load=self.link.meter.load(now_s),
            dead=dead,
            noticed_s=noticed_s(work, len(dead), prices.share, prices.silence_s),
        )
