"""From records to messages that can leave: dated, encoded, behind the dictionary that explains them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from agent.anchor import unpack_anchor
from agent.dictionary import Dictionary, unpack_tags
from agent.platforms.contract import Codec
from agent.uplinks.contract import Message
from agent.uplinks.lanes import Taken
from buffer.log import Log
from buffer.record import Record
from config.vocabulary import RecordKind

ANCHORS_KEPT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A message, and the record that is settled when it is acknowledged; None for presence and dictionary."""

    message: Message
    taken: Taken | None = None

    @property
    def record(self) -> Record | None:
        """The record in it."""
        return None if self.taken is None else self.taken.record


class Packer:
    """Makes the parcels of one connection, so that every dictionary goes before what it explains."""

    def __init__(self, codec: Codec, log: Log) -> None:
        self._codec = codec
        self._log = log
        self._known: set[str] = set()

    def pack(self, taken: Taken) -> tuple[Parcel, Iterator[Parcel]]:
        """Return a record as a message, and what must leave before it: its dictionary, if that is new here.

        Raises RecordError, and OSError where descriptors or memory have run out.
        """
        preamble = self._log.preamble_of(taken.record)
        tags, anchor = preamble.get(RecordKind.TAGS), preamble.get(RecordKind.ANCHOR)
        dictionary = None if tags is None else unpack_tags(tags)
        dated = None if anchor is None else _unpack_anchor(anchor)
        message = self._codec.encode(
            taken.record, dictionary, dated, backfill=taken.backfill, replay=taken.replay
        )
        parcel = Parcel(message=message, taken=taken)
        if dictionary is None or dictionary.meta in self._known:
            return parcel, iter(())
        return parcel, self.introduce(dictionary, current=False)

    def introduce(self, dictionary: Dictionary, *, current: bool) -> Iterator[Parcel]:
        """Return a dictionary, each parcel made when it is taken; `current`: of this run."""
        self._known.add(dictionary.meta)
        return (Parcel(message=meta) for meta in self._codec.meta(dictionary, current=current))

    def utc_ns_of(self, record: Record) -> int | None:
        """Return when a record ends by the best clock there is, None where there is none.

        Raises RecordError, and OSError where descriptors or memory have run out.
        """
        anchor = self._log.preamble_of(record).get(RecordKind.ANCHOR)
        return None if anchor is None else _unpack_anchor(anchor).utc_ns_of(record.last_boot_ns)


_unpack_anchor = lru_cache(maxsize=ANCHORS_KEPT)(unpack_anchor)
