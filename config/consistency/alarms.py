"""What suppresses alarms by design: a comparison of a tag or series that exists."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from config.faults import Fault
from config.points.read import Row
from config.text import text
from config.wording import unknown


def alarm_faults(rows: Sequence[Row], series: Collection[str], *, all_read: bool) -> Iterator[Fault]:
    """Yield the faults of the alarms' own columns."""
    known = {row.tag.tag for row in rows if row.sound("tag")} | set(series)
    for row in rows:
        condition = row.tag.suppressed_when
        if condition is not None and all_read and condition.tag not in known:
            yield Fault(row.place("suppressed_when"), unknown(text("tag or series"), condition.tag, known))
