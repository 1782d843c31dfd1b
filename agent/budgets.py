"""What the time of an interlock's effect must cover, so that sampling can tell whether it was kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from config.faults import Fault
from config.plant import Plant
from config.rules import Effect, Interlock
from config.text import Text, text
from config.units import MS, show_duration
from drivers.modbus.bus import Bus


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The parts of one effect's budget: of the slower of cause and effect each, in nanoseconds.

    `scan_ns`: its period; `median_ns`: its filter; `bus_ns`: one cycle of the bus that it is read over.
    """

    interlock: str
    effect: str
    within_ns: int
    scan_ns: int
    median_ns: int
    bus_ns: int
    skew_ns: int

    @property
    def least_ns(self) -> int:
        """The shortest time that can be told from the samples: twice the sum."""
        return 2 * (self.scan_ns + self.median_ns + self.bus_ns + self.skew_ns)

    @property
    def words(self) -> Text:
        """The sum for people."""
        return text(
            "2 x (scan {scan} + median {median} + bus {bus} + skew {skew}) = {least}",
            scan=show_duration(self.scan_ns),
            median=show_duration(self.median_ns),
            bus=show_duration(self.bus_ns),
            skew=show_duration(self.skew_ns),
            least=show_duration(self.least_ns),
        )


def budgets(plant: Plant, buses: Mapping[str, Bus]) -> list[Budget]:
    """Return the budget of every effect of every interlock; `buses` by link, others cost nothing."""
    return [
        _budget(plant, interlock, effect, buses)
        for interlock in plant.interlocks
        for effect in interlock.effects
    ]


def too_short(plant: Plant, found: list[Budget]) -> Iterator[Fault]:
    """Yield a fault for every effect whose time the samples cannot tell."""
    places = [
        ("rules", "interlocks", number, "effects", effect)
        for number, interlock in enumerate(plant.interlocks)
        for effect in range(len(interlock.effects))
    ]
    for loc, budget in zip(places, found, strict=True):
        if budget.within_ns < budget.least_ns:
            words = text(
                'interlock "{interlock}": {effect} within {found} is too short to be seen; allow {sum}',
                interlock=budget.interlock,
                effect=budget.effect,
                found=show_duration(budget.within_ns),
                sum=budget.words,
            )
            ways = ((*loc, "within"), loc, loc[:3])
            yield Fault(next(plant.where[way] for way in ways if way in plant.where), words)


def _budget(plant: Plant, interlock: Interlock, effect: Effect, buses: Mapping[str, Bus]) -> Budget:
    names = [*(cause.tag for cause in interlock.causes), effect.tag]
    return Budget(
        interlock=interlock.name,
        effect=effect.tag,
        within_ns=effect.within,
        scan_ns=max(plant.period_ns(name) for name in names),
        median_ns=max(_median_ns(plant, name) for name in names),
        bus_ns=max(_bus_ns(plant, name, buses) for name in names),
        skew_ns=interlock.skew,
    )


def _median_ns(plant: Plant, name: str) -> int:
    virtual = plant.virtual(name)
    return plant.delay_ns(name) if virtual is None else virtual.median_ns


def _bus_ns(plant: Plant, name: str, buses: Mapping[str, Bus]) -> int:
    """Return the longest cycle, in whole milliseconds, of the buses that a tag is read over."""
    virtual = plant.virtual(name)
    devices = {plant.signal(tag).device for tag in ((name,) if virtual is None else virtual.inputs)}
    links = {plant.description.devices[device].link for device in devices}
    cycles_s = [buses[link].forecast().cycle_s for link in links if link in buses]
    return round(max(cycles_s, default=0.0) * 1000) * MS
