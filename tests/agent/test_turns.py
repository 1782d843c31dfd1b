"""No turn of the event loop does more than its share, however large a scan, a flood or a question is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from agent.cli.client import ask
from agent.dictionary import pack_tags, unpack_tags
from agent.judged import INTERLOCKS_AT_ONCE, interlocks
from agent.litter import MOST_LOOKED_AT
from agent.platforms.fengsui1 import TAGS_PER_META, Fengsui1
from agent.records import unpack_scan
from agent.rows import ROWS_AT_ONCE
from agent.status import answers, status
from agent.status_server import MEMBERS_AT_ONCE, serve_status
from agent.uplinks.parcels import Packer
from agent.wiring import Wiring
from config.turns import Pieces, at_once, in_turns
from config.vocabulary import RecordKind, Stream
from drivers.contract import Scan
from filters.engine import EVENTS_AT_ONCE
from filters.report import SUPPRESSING_RULES
from tests.agent.rig import forwarding_plant, stored, take, wired
from tests.virtual import VirtualClock

LARGE = 2 * ROWS_AT_ONCE + 500
S = 10**9


def taking(wiring: Wiring, reading: float) -> Pieces:
    """Begin to take a scan of the first group in which every tag reads the same."""
    group = wiring.plant.groups[0]
    scan = Scan(raw=np.full(group.count, reading), quality=np.zeros(group.count, np.uint32))
    return wiring.pipeline.take(group, scan, wiring.clock.boot_ns())


async def test_a_large_scan_is_recorded_a_body_at_a_time_and_its_alarms_in_turns_of_their_own(
    tmp_path: Path,
) -> None:
    plant = forwarding_plant(tags_each=LARGE, tag={"h": 4})
    async with wired(plant, tmp_path, VirtualClock()) as wiring:
        ledger = wiring.pipeline.ledger
        recorded = [0, *(ledger.recorded for _ in taking(wiring, 5)), ledger.recorded]
        assert max(np.diff(recorded)) <= ROWS_AT_ONCE
        assert (ledger.recorded, ledger.scanned, ledger.events) == (LARGE, LARGE, 0)
        wiring.pipeline.judge()
        assert ledger.events == EVENTS_AT_ONCE
        wiring.pipeline.finish()
        assert ledger.events >= LARGE


async def test_every_record_of_a_large_scan_carries_the_account_until_it(tmp_path: Path) -> None:
    async with wired(forwarding_plant(tags_each=LARGE), tmp_path, VirtualClock()) as wiring:
        at_once(taking(wiring, 5))
        dictionary = unpack_tags(pack_tags(wiring.plant, SUPPRESSING_RULES))
        found = [unpack_scan(record.body, dictionary) for record in stored(wiring, Stream.READINGS)]
    told = [counters.recorded for _, counters in found]
    assert told == np.cumsum([len(rows) for rows, _ in found]).tolist()
    assert told[-1] == LARGE


async def test_a_small_scan_is_taken_in_one_piece(tmp_path: Path) -> None:
    async with wired(forwarding_plant(tags_each=100, tag={"h": 4}), tmp_path, VirtualClock()) as wiring:
        assert list(taking(wiring, 5)) == []
        assert wiring.pipeline.ledger.events == EVENTS_AT_ONCE


async def test_a_window_of_a_large_group_is_recorded_a_body_at_a_time(tmp_path: Path) -> None:
    clock = VirtualClock()
    tag = {"h": 4, "priority": "high", "deadband": {"absolute": 100}}
    plant = forwarding_plant(tags_each=LARGE, tag=tag, black_box={"before": "5s", "after": "2s"})

    def records(wiring: Wiring) -> int:
        return wiring.log.ledger().recorded[Stream.READINGS].records

    async with wired(plant, tmp_path, clock) as wiring:
        for reading in (0, 0, 5, 5, 5, 5):
            before = records(wiring)
            appended = [before, *(records(wiring) for _ in taking(wiring, reading)), records(wiring)]
            assert max(np.diff(appended)) <= 1
            wiring.pipeline.finish()
            await clock.advance(S)
        assert RecordKind.WINDOW in {record.kind for record in stored(wiring, Stream.READINGS)}


async def test_hundreds_of_interlocks_are_told_in_pieces_and_none_is_missing(tmp_path: Path) -> None:
    count = 2 * INTERLOCKS_AT_ONCE + 10
    fan = {"tag": "plc_0", "equals": 1, "within": "5s"}
    described = [
        {"name": f"room{number}", "cause": {"tag": "plc_1", "above": number}, "effects": [fan]}
        for number in range(count)
    ]
    plant = forwarding_plant(rules={"interlocks": described})
    async with wired(plant, tmp_path, VirtualClock()) as wiring:
        pieces = interlocks(wiring)
        assert sum(1 for _ in islice(pieces, 2)) == 2
        assert [one["interlock"] for one in at_once(pieces)] == [f"room{number}" for number in range(count)]


async def test_pieces_leave_the_loop_to_others() -> None:
    done: list[str] = []

    def pieces() -> Pieces:
        for name in "abc":
            done.append(name)
            yield

    async def other() -> None:
        for name in "xyz":
            done.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(in_turns(pieces()), other())
    assert "".join(done) == "axbycz"


async def test_a_long_answer_leaves_piece_by_piece_and_is_whole(tmp_path: Path) -> None:
    count = 2 * MEMBERS_AT_ONCE + 5
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fengsui.sock"
        async with (
            wired(forwarding_plant(tags_each=count), tmp_path, VirtualClock()) as wiring,
            serve_status(path, answers(wiring), {}),
        ):
            take(wiring, list(range(count)))
            found = await asyncio.to_thread(ask, path, "/tags")
            nobody = await asyncio.to_thread(ask, path, "/tags?tag=nobody")
            pieces = sum(1 for _ in status(wiring))
    assert [tag["value"] for tag in found] == list(range(count))
    assert nobody == []
    assert pieces > 5


async def test_a_dictionary_is_put_into_words_as_it_leaves(tmp_path: Path) -> None:
    async with wired(forwarding_plant(tags_each=3 * TAGS_PER_META), tmp_path, VirtualClock()) as wiring:
        dictionary = unpack_tags(pack_tags(wiring.plant, SUPPRESSING_RULES))
        made: list[int] = []

        class Counting(Fengsui1):
            def meta(self, dictionary: object, *, current: bool) -> object:  # type: ignore[override]
                for message in Fengsui1.meta(self, dictionary, current=current):  # type: ignore[arg-type]
                    made.append(len(message.payload))
                    yield message

        codec = Counting(enterprise="e", gateway="g", uplink="u")
        parcels = Packer(codec, wiring.log).introduce(dictionary, current=True)
        assert made == []
        assert len(list(islice(parcels, 1))) == len(made) == 1
        assert len(list(parcels)) == 2


@pytest.mark.parametrize("objects", [MOST_LOOKED_AT // 5, 4 * MOST_LOOKED_AT])
def test_old_objects_are_looked_at_while_they_are_few_and_set_aside_where_they_are_many(objects: int) -> None:
    program = f"""
import gc
from agent.litter import look_at_all, look_at_old
gc.collect(); gc.freeze(); gc.set_threshold(700, 5, 2**30)
frozen = gc.get_freeze_count()
kept = [[[]] for _ in range({objects})]
for each in kept:
    each.append(each)
for _ in range(12):
    gc.collect(1)
before = gc.get_stats()[2]["collections"]
look_at_old()
print(gc.get_freeze_count() - frozen >= {objects}, gc.get_stats()[2]["collections"] - before)
del kept, each
look_at_all()
print(gc.get_stats()[2]["collected"] >= {objects})
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    many = objects > MOST_LOOKED_AT
    assert said.split() == [str(many), "0" if many else "1", "True"]
