"""What is needed to read a record: the TAGS of its run and the newest ANCHOR of its boot."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

from buffer.disk import not_now
from buffer.frame import Decoder
from buffer.index import Index, Segment
from buffer.record import Record
from buffer.scan import Frame, walk
from buffer.segment import Mark
from config.vocabulary import RecordKind, Stream

Bodies = dict[RecordKind, bytes]
Key = TypeVar("Key", bound=Hashable)
_KEPT: Final = 8


class Preambles:
    """Bodies of unnumbered records, read from disk when asked for and kept a while. Event loop only.

    The TAGS of a run never change: the plant's tags are numbered once, at start.
    """

    def __init__(self, indexes: Mapping[Stream, Index], run: int, boot_id: str) -> None:
        self._indexes = indexes
        self._run = run
        self._boot_id = boot_id
        self._tags: OrderedDict[tuple[Stream, int], bytes | None] = OrderedDict()
        self._anchors: OrderedDict[str, bytes | None] = OrderedDict()
        self._present_tags: dict[Stream, bytes] = {}
        self._present_anchor: bytes | None = None

    def note(self, stream: Stream, kind: RecordKind, body: bytes) -> None:
        """Note an unnumbered record of the present run."""
        if kind is RecordKind.TAGS:
            self._present_tags[stream] = body
        elif kind is RecordKind.ANCHOR:
            self._present_anchor = body

    def of(self, record: Record) -> Bodies:
        """Return TAGS and ANCHOR for a record; a kind that cannot be had is absent."""
        if record.run == self._run:
            tags, anchor = self._present_tags.get(record.stream), self._present_anchor
        else:
            tags, anchor = self._earlier(record)
        found = {RecordKind.TAGS: tags, RecordKind.ANCHOR: anchor}
        return {kind: body for kind, body in found.items() if body is not None}

    def _earlier(self, record: Record) -> tuple[bytes | None, bytes | None]:
        segment = self._indexes[record.stream].find(record.run, record.seq)
        boot_id = segment.opening.boot_id if segment else ""
        tags = _kept(self._tags, (record.stream, record.run), self._tags_of)
        if boot_id == self._boot_id and self._present_anchor is not None:
            return tags, self._present_anchor
        return tags, _kept(self._anchors, boot_id, self._anchor_of)

    def _tags_of(self, key: tuple[Stream, int]) -> bytes | None:
        """Read the TAGS of a run: those of the stream, or where they are damaged those of the other."""
        stream, run = key
        other = next(found for found in Stream if found is not stream)
        for index in (self._indexes[stream], self._indexes[other]):
            found = newest(
                (segment for segment in index.segments if segment.opening.run == run), RecordKind.TAGS
            )
            if found is not None:
                return found.body
        return None

    def _anchor_of(self, boot_id: str) -> bytes | None:
        segments = (segment for index in self._indexes.values() for segment in index.segments)
        same = (segment for segment in segments if segment.opening.boot_id == boot_id != "")
        found = newest(same, RecordKind.ANCHOR)
        return None if found is None else found.body


class Kept(NamedTuple):
    """The body of an unnumbered record, and the boot that it is of (empty where that is not known)."""

    body: bytes
    boot_id: str


def newest(segments: Iterable[Segment], kind: RecordKind) -> Kept | None:
    """Return the newest readable unnumbered record of a kind in finished segments."""
    marks = [
        (segment.opening.start, mark.boot_ns, segment, mark)
        for segment in segments
        if segment.contents is not None
        for mark in segment.contents.marks
        if mark.kind is kind
    ]
    marks.sort(key=lambda found: found[:2], reverse=True)
    found = ((read_mark(segment, mark), segment.opening.boot_id) for _, _, segment, mark in marks)
    return next((Kept(body, boot_id) for body, boot_id in found if body is not None), None)


def read_mark(segment: Segment, mark: Mark) -> bytes | None:
    """Read an unnumbered record's body; None where it is damaged or the medium does not give the file."""
    try:
        found = next(walk(segment.window(), mark.offset), None)
    except OSError as error:
        if not_now(error):
            raise
        return None
    if not isinstance(found, Frame) or found.header.kind != mark.kind:
        return None
    return Decoder().body(found.header, found.stored)


def _kept(
    kept: OrderedDict[Key, bytes | None], key: Key, read: Callable[[Key], bytes | None]
) -> bytes | None:
    if key not in kept:
        kept[key] = read(key)
        if len(kept) > _KEPT:
            kept.popitem(last=False)
    return kept[key]
