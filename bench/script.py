"""What the instruments of a scripted plant show: a value until a step sets another, or a slope to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from config.tags import Tag
from config.units import parse_duration_ns
from config.vocabulary import Reason, bad

_BROKEN: Final = bad(Reason.UNDER_RANGE)
_SILENT: Final = bad(Reason.TIMEOUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A value on its way: from one number to another within a time."""

    begins_ns: int
    lasts_ns: int
    start: float
    end: float

    def at(self, now_ns: int) -> float:
        """Return the value at an instant."""
        share = min(1.0, (now_ns - self.begins_ns) / self.lasts_ns)
        return self.start + share * (self.end - self.start)


@dataclass
class Instruments:
    """The instruments of a plant, by the names of their tags."""

    slopes: dict[str, Slope]
    broken: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Instruments:
        """Return instruments that show these values."""
        return cls({tag: _steady(value) for tag, value in values.items()})

    def value(self, tag: str, now_ns: int) -> float:
        """Return what is true at an instant."""
        return self.slopes[tag].at(now_ns)

    def read(self, tag: Tag, now_ns: int) -> tuple[float, int]:
        """Return what one of them shows at an instant."""
        if tag.device in self.silent:
            return 0.0, _SILENT
        return (0.0, _BROKEN) if tag.tag in self.broken else (self.value(tag.tag, now_ns), 0)

    def act(self, step: Mapping[str, Any], now_ns: int) -> None:
        """Let one step happen: `set`, `slope`, `bad`, `good`, `silent`, `back`."""
        self.slopes |= {tag: _steady(value) for tag, value in step.get("set", {}).items()}
        for tag, slope in step.get("slope", {}).items():
            self.slopes[tag] = Slope(
                begins_ns=now_ns,
                lasts_ns=parse_duration_ns(slope["within"]),
                start=self.value(tag, now_ns),
                end=slope["to"],
            )
        self.broken = (self.broken | set(step.get("bad", ()))) - set(step.get("good", ()))
        self.silent = (self.silent | set(step.get("silent", ()))) - set(step.get("back", ()))


def _steady(value: float) -> Slope:
    return Slope(begins_ns=0, lasts_ns=1, start=value, end=value)
