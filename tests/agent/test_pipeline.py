"""A scan's way into the log: events at once, readings with their account, nothing ever waited for."""

from __future__ import annotations

import time
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest

from agent.concerns import concerns
from agent.dictionary import pack_tags, unpack_tags
from agent.events import own_event
from agent.findings import unpack_loss
from agent.records import unpack_scan
from agent.rows import Counters, Rows
from agent.wiring import Wiring
from config.turns import at_once
from config.vocabulary import EventKind, RecordKind, Stream
from drivers.contract import Scan
from filters.engine import EVENTS_AT_ONCE
from filters.kernels import Kernels, load_kernels
from filters.report import SUPPRESSING_RULES
from tests.agent.rig import events, forwarding_plant, stored, take, wired
from tests.virtual import VirtualClock

S = 10**9


@pytest.fixture(scope="module")
def kernels(kernel_cache: Path) -> Kernels:
    return load_kernels(kernel_cache / "kernels")


def data(wiring: Wiring) -> list[tuple[Rows, Counters]]:
    """Return every DATA record, unpacked."""
    dictionary = unpack_tags(pack_tags(wiring.plant, SUPPRESSING_RULES))
    return [unpack_scan(record.body, dictionary) for record in stored(wiring, Stream.READINGS)]


async def test_an_event_is_stored_at_once_and_a_reading_with_the_next_commit(
    tmp_path: Path, kernels: Kernels
) -> None:
    plant = forwarding_plant(log={"commit_interval": "1h"})
    async with wired(plant, tmp_path, VirtualClock(), kernels=kernels) as wiring:
        wiring.pipeline.tell(own_event(EventKind.AGENT_STARTED, "agent", 0))
        await_stored(wiring, Stream.EVENTS, 1)
        take(wiring, [1, 2])
        wiring.pipeline.tell(own_event(EventKind.AGENT_STOPPED, "agent", 0))
        await_stored(wiring, Stream.EVENTS, 2)
        await_stored(wiring, Stream.READINGS, 1)  # an event's commit takes along what is queued


def await_stored(wiring: Wiring, stream: Stream, seq: int) -> None:
    due = time.monotonic() + 10
    while wiring.log.stored_seq(stream) < seq:
        assert time.monotonic() < due
        time.sleep(0.001)


async def test_every_data_record_carries_an_account_that_adds_up(tmp_path: Path, kernels: Kernels) -> None:
    plant = forwarding_plant(tags_each=3, tag={"deadband": {"absolute": 1.5}})
    clock = VirtualClock()
    async with wired(plant, tmp_path, clock, kernels=kernels) as wiring:
        scans = [[0, 0, 0], [1, 2, 0], [1, 2, 9], [1, 2, 9], [4, 4, 4]]
        for raw in scans:
            take(wiring, raw)
            clock.now_ns += S
        found = data(wiring)
        assert [rows.raw.tolist() for rows, _ in found] == [[0, 0, 0], [2], [9], [4, 4, 4]]
        assert [counters.recorded for _, counters in found] == list(
            accumulate(len(rows) for rows, _ in found)
        )
        assert [counters.scanned for _, counters in found] == [3, 6, 9, 15]
        assert all(c.scanned == c.recorded + sum(c.suppressed) for _, c in found)
        assert wiring.pipeline.ledger.counters() == found[-1][1]
        assert wiring.pipeline.progress == len(scans)


async def test_an_on_delay_that_ends_between_two_scans_raises_its_alarm_on_time(
    tmp_path: Path, kernels: Kernels
) -> None:
    plant = forwarding_plant(period="10s", tags_each=1, tag={"h": 4, "on_delay": "3s"})
    clock = VirtualClock()
    async with wired(plant, tmp_path, clock, kernels=kernels) as wiring:
        begun = clock.boot_ns()
        take(wiring, [5])
        await clock.advance(3 * S - 1)
        assert events(wiring) == []
        await clock.advance(1)
        (raised,) = events(wiring)
        assert (raised.kind, raised.rule, raised.boot_ns) == ("alarm_raised", "plc_0.H", begun + 3 * S)
        assert raised.evidence[0].value == 5


async def test_a_scan_slower_than_the_stale_time_is_recorded_as_it_was_read(
    tmp_path: Path, kernels: Kernels
) -> None:
    clock = VirtualClock()
    async with wired(forwarding_plant(tags_each=1), tmp_path, clock, kernels=kernels) as wiring:
        begun, clock.now_ns = clock.now_ns, clock.now_ns + 5 * S
        scan = Scan(raw=np.array([7.0]), quality=np.zeros(1, np.uint32))
        at_once(wiring.pipeline.take(wiring.plant.groups[0], scan, begun))
        ((rows, _),) = data(wiring)
        assert (rows.value.tolist(), rows.quality.tolist()) == ([7], [0])


async def test_an_on_delay_whose_cause_is_gone_raises_nothing(tmp_path: Path, kernels: Kernels) -> None:
    plant = forwarding_plant(tags_each=1, tag={"h": 4, "on_delay": "3s"})
    clock = VirtualClock()
    async with wired(plant, tmp_path, clock, kernels=kernels) as wiring:
        take(wiring, [5])
        await clock.advance(2 * S)
        take(wiring, [3])
        await clock.advance(10 * S)
        assert "alarm_raised" not in [event.kind for event in events(wiring)]


async def test_a_flood_is_recorded_in_turns_in_order_and_whole(tmp_path: Path, kernels: Kernels) -> None:
    count = 10 * EVENTS_AT_ONCE
    plant = forwarding_plant(tags_each=count, tag={"h": 4})
    clock = VirtualClock()
    async with wired(plant, tmp_path, clock, kernels=kernels) as wiring:
        take(wiring, [0] * count)
        take(wiring, [5] * count)
        assert wiring.pipeline.ledger.events == EVENTS_AT_ONCE
        wiring.pipeline.tell(own_event(EventKind.AGENT_STARTED, "agent", 0))
        await clock.advance(0)
        found = events(wiring)
        raised = [event.rule for event in found if event.kind is EventKind.ALARM_RAISED]
        assert raised == [f"plc_{number}.H" for number in range(count)]
        assert found[EVENTS_AT_ONCE].kind is EventKind.AGENT_STARTED


async def test_what_was_found_is_recorded_before_the_pipeline_closes(
    tmp_path: Path, kernels: Kernels
) -> None:
    count = 10 * EVENTS_AT_ONCE
    async with wired(
        forwarding_plant(tags_each=count, tag={"h": 4}), tmp_path, VirtualClock(), kernels=kernels
    ) as wiring:
        take(wiring, [5] * count)
        wiring.pipeline.close()
        assert [event.kind for event in events(wiring)].count(EventKind.ALARM_RAISED) == count


async def test_a_closed_pipeline_judges_no_more(tmp_path: Path, kernels: Kernels) -> None:
    plant = forwarding_plant(tags_each=1, tag={"h": 4, "on_delay": "3s"})
    clock = VirtualClock()
    async with wired(plant, tmp_path, clock, kernels=kernels) as wiring:
        take(wiring, [5])
        wiring.pipeline.close()
        await clock.advance(10 * S)
        assert events(wiring) == []


async def test_what_the_log_cannot_take_is_counted_told_and_explained_as_a_loss(
    tmp_path: Path, kernels: Kernels
) -> None:
    log = {"cap": "1MB", "segment": "128kB", "commit_interval": "1h"}
    plant = forwarding_plant(tags_each=50, log=log)
    clock, noise = VirtualClock(), np.random.default_rng(1)
    async with wired(plant, tmp_path, clock, kernels=kernels) as wiring:
        ledger = wiring.pipeline.ledger
        scans = 0
        while ledger.refused < 500 and scans < 10_000:  # no commit comes to the queue's help
            take(wiring, noise.integers(0, 60000, 50).tolist())
            clock.now_ns += S
            scans += 1
        assert ledger.scanned == 50 * scans
        assert ledger.scanned == ledger.recorded + sum(ledger.suppressed) + ledger.refused
        told = [concern.show("en") for concern in concerns(wiring, {})]
        assert f"{ledger.refused} readings were not stored because the disk was too slow" in told
        assert f"磁盘过慢，{ledger.refused} 个读数未能存储" in [c.show("zh") for c in concerns(wiring, {})]

        wiring.log.sync(10)
        take(wiring, [0] * 50)  # there is room again
        records = stored(wiring, Stream.EVENTS)
        lost = [unpack_loss(record.body) for record in records if record.kind is RecordKind.LOSS]
        assert sum(loss.readings for loss in lost) == ledger.refused
        assert {loss.cause for loss in lost} == {"pressure"}


async def test_what_a_swinging_door_held_back_is_stored_as_it_was_read_before_what_let_it_go(
    tmp_path: Path, kernels: Kernels
) -> None:
    door = {"deadband": {"absolute": 0.5}, "report": "swinging_door", "scale": 2.0}
    clock = VirtualClock()
    async with wired(forwarding_plant(tags_each=2, tag=door), tmp_path, clock, kernels=kernels) as wiring:
        began = clock.now_ns
        for raw in [[0, 0], [1, 0], [2, 0], [9, 0], [9, 0]]:
            take(wiring, raw)
            clock.now_ns += S
        records = stored(wiring, Stream.READINGS)
        times = [(record.first_boot_ns - began) / S for record in records]
        found = [
            (at_s, rows.tags.tolist(), rows.raw.tolist(), rows.value.tolist())
            for at_s, (rows, _) in zip(times, data(wiring), strict=True)
        ]
        assert found == [(0, [0, 1], [0, 0], [0, 0]), (2, [0], [2], [4]), (3, [0], [9], [18])]
        assert wiring.pipeline.ledger.scanned == 10
        assert wiring.pipeline.ledger.recorded == 4
        assert wiring.pipeline.ledger.suppressed == [0, 0, 6]
