"""Tags that the gateway's own settings name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from config.draft import Draft
from config.faults import Fault, Loc
from config.points.read import Row
from config.text import text
from config.wording import unknown

_PARTS: Final = ("year", "month", "day", "hour", "minute", "second")


def named_faults(draft: Draft, rows: Sequence[Row], *, all_read: bool) -> Iterator[Fault]:
    """Yield names of tags that no table has."""
    known = {row.tag.tag for row in rows if row.sound("tag")}
    for loc in _places(draft):
        name = draft.document.section(*loc[:-1]).get(str(loc[-1]))
        if all_read and isinstance(name, str) and name not in known:
            yield Fault(draft.document.place(*loc), unknown(text("tag"), name, known))


def calendar_faults(draft: Draft, rows: Sequence[Row]) -> Iterator[Fault]:
    """Yield clocks whose parts are not read in one scan: they could show two instants."""
    group_of = {row.tag.tag: (row.tag.device, row.tag.scan_class) for row in rows if row.sound("tag")}
    for index in range(_sources(draft)):
        loc: Loc = ("time", "sources", index)
        parts = [draft.document.section(*loc).get(key) for key in _PARTS]
        groups = {group_of[part] for part in parts if isinstance(part, str) and part in group_of}
        if len(groups) > 1:
            words = text("the parts of a clock must be tags of one device and one scan class")
            yield Fault(draft.document.place(*loc), words)


def _sources(draft: Draft) -> int:
    found = draft.document.section("time").get("sources")
    return len(found) if isinstance(found, list) else 0


def _places(draft: Draft) -> Iterator[Loc]:
    if "gateway" in draft.document.data:
        yield ("gateway", "mains_tag")
    for index in range(_sources(draft)):
        for key in ("tag", *_PARTS):
            yield ("time", "sources", index, key)
