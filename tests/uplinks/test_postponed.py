"""What cannot be read for want of descriptors is sent when it can be; the agent goes on meanwhile."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

import buffer.preambles
from agent.uplinks.terms import Terms
from buffer.index import Segment
from buffer.segment import Mark
from config.units import S
from tests.uplinks.scripted_broker import ScriptedBroker
from tests.uplinks.station import Station, forwarding
from tests.uplinks.waiting import eventually

FAILURES = 3


@pytest.fixture
async def broker() -> AsyncIterator[ScriptedBroker]:
    async with ScriptedBroker() as broker:
        yield broker


@contextmanager
def no_descriptors_at_first() -> Iterator[None]:
    """Have the first reads of a dictionary or an anchor find no descriptor."""
    read, failed = buffer.preambles.read_mark, 0

    def read_mark(segment: Segment, mark: Mark) -> bytes | None:
        nonlocal failed
        if failed < FAILURES:
            failed += 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return read(segment, mark)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("buffer.preambles.read_mark", read_mark)
        yield
    assert failed == FAILURES


def sent(broker: ScriptedBroker) -> list[int]:
    contents = [orjson.loads(found.payload) for found in broker.received]
    return [content["seq"] for content in contents if "seq" in content]


async def test_a_record_whose_dictionary_cannot_be_read_now_leaves_later_and_in_order(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    before = Station(directory=tmp_path, port=broker.port)
    before.read(*([n, n, n] for n in range(20)))
    before.log.close()
    gateway = Station(directory=tmp_path, port=broker.port, run=2)
    with no_descriptors_at_first():
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
    gateway.log.close()
    assert sent(broker) == list(range(1, 21))
    assert broker.connections == 1


async def test_a_record_that_cannot_be_dated_now_is_replayed_later(
    tmp_path: Path, broker: ScriptedBroker
) -> None:
    terms = Terms(replay_ns=3600 * S)
    before = Station(directory=tmp_path, port=broker.port)
    before.read(*([n, n, n] for n in range(20)))
    async with forwarding(before):
        await eventually(lambda: not before.backlog)
    before.log.close()
    gateway = Station(directory=tmp_path, port=broker.port, run=2, terms=terms)
    with no_descriptors_at_first():
        async with forwarding(gateway):
            await eventually(lambda: len(sent(broker)) == 40)
    gateway.log.close()
    assert sent(broker) == [*range(1, 21), *range(1, 21)]
