"""For how much of each month there was data, by gateway, link, device and uplink."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from agent.gap import GATEWAY, GapBody, GapCause, Subject
from agent.history import History
from config.units import S

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """One subject in one month (`2026-11`, local time), as far as the log covers it.

    `observed_s` = seconds with data + `down_s`; of these, `maintenance_s` were planned. `gaps`: how many.
    """

    month: str
    subject: Subject
    observed_s: float
    down_s: float
    maintenance_s: float
    gaps: int

    @property
    def share(self) -> float:
        """Seconds with data, of those observed."""
        return 1 - self.down_s / self.observed_s if self.observed_s else 1.0


def availability(history: History) -> Iterator[Availability]:
    """Yield every month that the log covers, oldest first, with every subject in it."""
    for month, span in _months(history.first.utc_ns, history.last.utc_ns):
        for subject in history.subjects:
            yield _of(history, subject, month, span)


def _of(history: History, subject: Subject, month: str, span: Span) -> Availability:
    last_ns = history.last.utc_ns
    own = [gap for gap in history.gaps if gap.subject in (subject, GATEWAY)]
    own = [gap for gap in own if gap.cause is not GapCause.CLOCK_STEP and _within(gap, span, last_ns)]
    planned = [gap for gap in own if gap.cause is GapCause.MAINTENANCE]
    return Availability(
        month=month,
        subject=subject,
        observed_s=(span[1] - span[0]) / S,
        down_s=_length_s(_within(gap, span, last_ns) for gap in own),
        maintenance_s=_length_s(_within(gap, span, last_ns) for gap in planned),
        gaps=len(own),
    )


def _within(gap: GapBody, span: Span, last_ns: int) -> Span | None:
    """Return the part of a gap that lies in a span; one that lasts goes on to the log's end."""
    end_ns = last_ns if gap.end is None else gap.end.utc_ns
    low, high = max(gap.start.utc_ns, span[0]), min(end_ns, span[1])
    return (low, high) if low < high else None


def _length_s(spans: Iterable[Span | None]) -> float:
    """Return the length of the union of spans: what two gaps cover counts once."""
    total_ns, reached_ns = 0, 0
    for low, high in sorted(span for span in spans if span is not None):
        total_ns += max(0, high - max(low, reached_ns))
        reached_ns = max(reached_ns, high)
    return total_ns / S


def _months(first_ns: int, last_ns: int) -> Iterator[tuple[str, Span]]:
    """Yield the months of a time, by the calendar here, and the part of each that lies in it."""
    begun = datetime.fromtimestamp(first_ns / S).astimezone()
    starts = [begun.replace(day=1, hour=0, minute=0, second=0, microsecond=0)]
    while starts[-1].timestamp() * S <= last_ns:
        starts.append((starts[-1] + timedelta(days=32)).replace(day=1))
    for start, following in pairwise(starts):
        low, high = int(start.timestamp()) * S, int(following.timestamp()) * S
        yield f"{start:%Y-%m}", (max(low, first_ns), min(high, last_ns))
