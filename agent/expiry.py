"""What the devices' links rest on and has an end: told 30, 7 and 1 days ahead, and when it is past."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from config.text import Text, text
from drivers.contract import Driver, Expiring, Expiry

_DAY_NS: Final = 86400 * 10**9
_DAYS_AHEAD: Final = (30, 7, 1, 0)


@dataclass(frozen=True, slots=True)
class Remaining:
    """Something that ends soon. `days`: whole days until then; below 0 when it is past."""

    expiry: Expiry
    days: int

    @property
    def key(self) -> str:
        """What tells it from others, and from its own renewal."""
        return f"{self.expiry.what} {self.expiry.utc_ns}"

    @property
    def stage(self) -> int:
        """How many of the times to tell of it have come."""
        return sum(self.days < ahead for ahead in _DAYS_AHEAD)

    @property
    def words(self) -> Text:
        """Say it to people."""
        date = f"{datetime.fromtimestamp(self.expiry.utc_ns // 10**9, UTC):%Y-%m-%d}"
        if self.days < 0:
            return text("{what} ran out on {date}", what=self.expiry.what, date=date)
        return text(
            "{what} runs out in {days} days, on {date}", what=self.expiry.what, days=self.days, date=date
        )


def running_out(drivers: Iterable[Driver], utc_ns: int) -> list[Remaining]:
    """Return what ends within 30 days or has ended, soonest first, each once."""
    expiries = (expiry for driver in drivers if isinstance(driver, Expiring) for expiry in driver.expiries())
    found = (Remaining(expiry, (expiry.utc_ns - utc_ns) // _DAY_NS) for expiry in expiries)
    soon = {remaining.key: remaining for remaining in found if remaining.stage}
    return sorted(soon.values(), key=lambda remaining: remaining.expiry.utc_ns)


@dataclass(slots=True)
class ExpiryNews:
    """Which stages have been told since the start."""

    _told: dict[str, int] = field(default_factory=dict)

    def of(self, found: Iterable[Remaining]) -> Iterator[Remaining]:
        """Yield what has reached a stage that was not told yet."""
        for remaining in found:
            if remaining.stage > self._told.get(remaining.key, 0):
                self._told[remaining.key] = remaining.stage
                yield remaining
