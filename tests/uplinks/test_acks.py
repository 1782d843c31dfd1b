from __future__ import annotations

import asyncio

from agent.uplinks.acks import AckRange, Acks
from config.vocabulary import RecordKind, Stream
from tests.records.messages import on_events, readings
from tests.records.plants import tenths

DICTIONARY = tenths(3)


async def test_neighbours_acknowledged_in_one_turn_are_one_range() -> None:
    told: list[AckRange] = []
    acks = Acks(told.append)
    for seq in (4, 5, 6):
        acks.add(readings(DICTIONARY, [1.0, 2.0], seq=seq, run=1))
    acks.add(on_events(RecordKind.EVENT, b"", 7))
    for seq, run in ((7, 1), (9, 1), (10, 2)):
        acks.add(readings(DICTIONARY, [1.0], seq=seq, run=run))
    assert told == []
    await asyncio.sleep(0)
    ranges = [(found.run, found.stream, found.first, found.last, found.readings) for found in told]
    assert ranges == [
        (1, Stream.READINGS, 4, 6, 6),
        (on_events(RecordKind.EVENT, b"").run, Stream.EVENTS, 7, 7, 0),
        (1, Stream.READINGS, 7, 7, 1),
        (1, Stream.READINGS, 9, 9, 1),
        (2, Stream.READINGS, 10, 10, 1),
    ]
    acks.flush()
    assert len(told) == 5
