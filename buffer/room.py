"""Which segment goes first when there is no room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from buffer.books import Books
from buffer.index import Segment
from config.vocabulary import Stream


def next_victim(
    books: Books, required: Mapping[str, bool], streams: Iterable[Stream] = Stream
) -> Segment | None:
    """Return the segment of `streams` to delete first, None where only segments in hand are left.

    In this order, oldest first: settled for every uplink, for every required uplink, readings, events. Where
    a cursor could not remember one more that goes before its time, only the stream's oldest may go.
    """
    finished = [segment for stream in streams for segment in _that_may_go(books, stream)]
    return min(finished, key=lambda segment: _rank(books, required, segment), default=None)


def _that_may_go(books: Books, stream: Stream) -> list[Segment]:
    index = books.indexes[stream]
    finished = [segment for segment in index.segments if segment.contents is not None]
    crowded = any(accounts[stream].crowded(index) for accounts in books.accounts.values())
    return finished[:1] if crowded else finished


def _rank(books: Books, required: Mapping[str, bool], segment: Segment) -> tuple[bool, bool, bool, int]:
    stream = segment.opening.stream
    needing = [uplink for uplink, accounts in books.accounts.items() if not accounts[stream].covers(segment)]
    needed_by_required = any(required[uplink] for uplink in needing)
    return (needed_by_required, bool(needing), stream is Stream.EVENTS, segment.opening.number)
