"""Tags that the gateway's own settings name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config.draft import Draft
from config.faults import Fault, Loc
from config.points.read import Row
from config.text import text
from config.wording import unknown


def named_faults(draft: Draft, rows: Sequence[Row], *, all_read: bool) -> Iterator[Fault]:
    """Yield names of tags that no table has."""
    known = {row.tag.tag for row in rows if row.sound("tag")}
    for loc in _places(draft):
        name = draft.document.section(*loc[:-1]).get(str(loc[-1]))
        if all_read and isinstance(name, str) and name not in known:
            yield Fault(draft.document.place(*loc), unknown(text("tag"), name, known))


def _places(draft: Draft) -> Iterator[Loc]:
    if "gateway" in draft.document.data:
        yield ("gateway", "mains_tag")
