"""Take stock: the ledger and what else `status` wants to know of a log."""

from __future__ import annotations

import time
from collections.abc import Sequence

from buffer.assembly import Parts
from buffer.index import Segment
from buffer.ledger import Ledger
from buffer.settled import Count


def take_stock(parts: Parts) -> Ledger:
    """Return a log as it stands. Event loop only."""
    books, channels, writer = parts.books, parts.channels, parts.writer
    segments = [segment for index in books.indexes.values() for segment in index.segments]
    return Ledger(
        balances={
            uplink: {stream: books.balance(uplink, channel) for stream, channel in channels.items()}
            for uplink in books.accounts
        },
        recorded={stream: Count(channel.seq, channel.readings) for stream, channel in channels.items()},
        disk_bytes=_disk_bytes(parts, segments),
        cap_bytes=parts.limits.cap,
        segments=len(segments),
        oldest_age_s=_oldest_age_s(segments),
        at_least_missed=parts.upkeep.at_least_missed,
        pending_bytes=sum(channel.pending_bytes for channel in channels.values()),
        last_sync_s=writer.last_sync_s,
        full=writer.full,
    )


def _disk_bytes(parts: Parts, segments: Sequence[Segment]) -> int:
    ends = {stream: channel.tail.end for stream, channel in parts.channels.items()}
    in_hand = sum(
        end.offset
        for stream, end in ends.items()
        if (segment := parts.books.indexes[stream].at(end.segment)) and segment.contents is None
    )
    return sum(segment.size_bytes for segment in segments) + in_hand + parts.quarantine.bytes


def _oldest_age_s(segments: Sequence[Segment]) -> float | None:
    if not segments:
        return None
    oldest_ns = min(segment.opening.created_utc_ns for segment in segments)
    return max(0, time.time_ns() - oldest_ns) / 1e9
