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
from buffer.scan import Window
from buffer.segment import Mark
from config.units import S
from config.vocabulary import EventKind
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


def keys_sent(broker: ScriptedBroker, kind: str) -> list[tuple[int, int]]:
    """Return run and number of what was sent of a kind, in order."""
    contents = [orjson.loads(found.payload) for found in broker.received if found.topic.endswith(f"/{kind}")]
    return [(int(content["run"], 16), content["seq"]) for content in contents]


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


@contextmanager
def unreadable(directory: Path, what: str) -> Iterator[None]:
    """Have no dictionary, or none of the files that are there now, readable meanwhile."""
    there, read = set(directory.glob("*.seg")), Window._read

    def fail(*_: object) -> bytes:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def read_others(window: Window, size: int, offset: int) -> bytes:
        return fail() if window._path in there else read(window, size, offset)

    with pytest.MonkeyPatch.context() as patch:
        if what == "dictionaries":
            patch.setattr("buffer.preambles.read_mark", fail)
        else:
            patch.setattr(Window, "_read", read_others)
        yield


@pytest.mark.parametrize("what", ["dictionaries", "files"])
async def test_what_cannot_be_read_now_holds_no_live_record(
    tmp_path: Path, broker: ScriptedBroker, what: str
) -> None:
    before = Station(directory=tmp_path, port=broker.port)
    before.read(*([n, n, n] for n in range(20)))
    before.log.close()
    gateway = Station(directory=tmp_path, port=broker.port, run=2)
    with unreadable(tmp_path, what):
        async with forwarding(gateway):
            await eventually(lambda: gateway.forwarder.state.connected)
            for number in range(3):
                gateway.read([number, 2, 3])
                gateway.tell(EventKind.CLOCK_STEP)
                await eventually(lambda: gateway.backlog == 20)
    assert keys_sent(broker, "readings") == [(2, 1), (2, 2), (2, 3)]
    async with forwarding(gateway):
        await eventually(lambda: not gateway.backlog)
    gateway.log.close()
    assert keys_sent(broker, "readings")[3:] == [(1, seq) for seq in range(1, 21)]


@pytest.mark.parametrize("what", ["dictionaries", "files"])
async def test_events_keep_their_order_while_older_ones_cannot_be_read(
    tmp_path: Path, broker: ScriptedBroker, what: str
) -> None:
    before = Station(directory=tmp_path, port=broker.port)
    for turn in range(5):
        before.tell(EventKind.CLOCK_STEP, turn=turn)
    before.log.close()
    gateway = Station(directory=tmp_path, port=broker.port, run=2)
    async with forwarding(gateway):
        with unreadable(tmp_path, what):
            await eventually(lambda: gateway.forwarder.state.connected)
            gateway.tell(EventKind.CLOCK_STEP)
            gateway.read([1, 2, 3])
            await eventually(lambda: keys_sent(broker, "readings") == [(2, 1)])
        await eventually(lambda: not gateway.backlog)
    gateway.log.close()
    assert keys_sent(broker, "event") == [*((1, seq) for seq in range(1, 6)), (2, 1)]
    assert broker.connections == 1
