"""The log against a dictionary: whatever is done in whatever order, what was stored is accounted for."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from buffer.index import Segment
from buffer.limits import Limits
from buffer.log import Log
from buffer.settled import Count
from config.vocabulary import Stream
from tests.buffer.conftest import RAM
from tests.buffer.faulty import FaultyDisk
from tests.buffer.rig import READINGS, SYNC_S, asides, balance, lost, open_log, put, segments, unsettled
from tests.buffer.rig import settings as rig_settings

Key = tuple[int, int]
UPLINKS = {"main": True, "spare": False}
CAP, SEGMENT = "600kB", "50kB"
LIMITS = Limits.of(rig_settings(cap=CAP, segment=SEGMENT))
SIZES = st.sampled_from([0, 10, 300, 3000, 20_000])


def size_of(segment: Segment) -> int:
    """Return the size of a segment's file, which may not be begun yet."""
    return segment.path.stat().st_size if segment.path.exists() else 0


class LogAgainstDictionary(RuleBasedStateMachine):
    """`given`: every reading record that got a number, by key. `stored`: those a sync has confirmed."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="log-model-", dir=RAM if RAM.is_dir() else None))
        self.life = 0
        self.numbers = 0
        self.directory = self.root / "0"
        self.given: dict[Key, tuple[bytes, int]] = {}
        self.stored: set[Key] = set()
        self.dropped: set[Key] = set()
        self.settled: dict[str, set[Key]] = {uplink: set() for uplink in UPLINKS}
        self.random = random.Random(1)
        self.log = self._open()

    def _open(self) -> Log:
        self.life += 1
        self.numbers = 0
        self.disk = FaultyDisk()
        return open_log(
            self.directory, run=self.life, uplinks=UPLINKS, cap=CAP, segment=SEGMENT, disk=self.disk
        )

    def _readings(self, keys: set[Key]) -> Count:
        return Count(len(keys), sum(self.given[key][1] for key in keys))

    @rule(size=SIZES, count=st.integers(0, 100), fuss=st.booleans())
    def append(self, size: int, count: int, fuss: bool) -> None:
        self._append(size, count, fuss)

    def _append(self, size: int, count: int, fuss: bool) -> None:
        body = self.random.randbytes(size)
        self.numbers += 1
        key = (self.life, self.numbers)
        seq = put(self.log, body, count=count)
        assert seq is None or seq == self.numbers
        self.given[key] = (body, count)
        if seq is None:
            self.dropped.add(key)
        if fuss:
            put(self.log, b"event", stream=Stream.EVENTS)

    @rule(records=st.integers(1, 60))
    def flood(self, records: int) -> None:
        """Write enough, often enough, for segments to end and the cap to bite."""
        for at in range(records):
            self._append(4000, at, at % 10 == 0)
            if at % 10 == 9:
                self.log.sync(SYNC_S)
        self.sync()

    @rule()
    def sync(self) -> None:
        self.log.sync(SYNC_S)
        self.stored = set(self.given) - self.dropped
        for uplink in UPLINKS:
            self._check_contents(uplink)
        self.log.sync(SYNC_S)  # what had to go for the cap goes with the next commit
        known = {segment.path for index in self.log._books.indexes.values() for segment in index.segments}
        assert set(self.directory.glob("*.seg")) <= known

    def _check_contents(self, uplink: str) -> None:
        """What is read is in order, as given, and with what is settled or lost makes everything."""
        records = unsettled(self.log, uplink)
        keys = [(record.run, record.seq) for record in records]
        assert keys == sorted(keys)
        assert all(
            (record.body, record.count) == self.given[key] for record, key in zip(records, keys, strict=True)
        )
        assert not set(keys) & self.settled[uplink]
        gone = set(self.given) - set(keys) - self.settled[uplink]
        assert lost(balance(self.log, uplink)) == self._readings(gone)

    @rule(uplink=st.sampled_from(sorted(UPLINKS)), first=st.integers(0, 10_000), length=st.integers(1, 100))
    def acknowledge(self, uplink: str, first: int, length: int) -> None:
        records = unsettled(self.log, uplink)
        if not records:
            return
        first %= len(records)
        chosen = records[first : first + length]
        for record in self.random.sample(chosen, len(chosen)):
            self.log.acknowledge(uplink, READINGS, record.run, record.seq, record.seq, record.count)
        self.settled[uplink] |= {(record.run, record.seq) for record in chosen}

    @rule(uplink=st.sampled_from(sorted(UPLINKS)))
    def acknowledge_a_whole_run(self, uplink: str) -> None:
        records = [record for record in unsettled(self.log, uplink) if record.run == self.life]
        if records:
            readings = sum(record.count for record in records)
            self.log.acknowledge(uplink, READINGS, self.life, records[0].seq, records[-1].seq, readings)
            self.settled[uplink] |= {(record.run, record.seq) for record in records}

    @rule(uplink=st.sampled_from(sorted(UPLINKS)))
    def quarantine(self, uplink: str) -> None:
        records = unsettled(self.log, uplink)
        if records:
            before = balance(self.log, uplink).quarantined
            self.log.quarantine(uplink, records[0], "refused")
            self.log.sync(SYNC_S)
            if balance(self.log, uplink).quarantined != before:
                self.settled[uplink].add((records[0].run, records[0].seq))
        self.sync()

    @rule(uplink=st.sampled_from(sorted(UPLINKS)), which=st.integers(0, 100), keep=st.booleans())
    def send_again_or_drop(self, uplink: str, which: int, keep: bool) -> None:
        """Take a record out of quarantine: acknowledged at last, or dropped for good."""
        found = asides(self.log, uplink)
        if not found or not self.log._channels[Stream.EVENTS].begun:
            return
        aside = found[which % len(found)]
        key = (aside.record.run, aside.record.seq)
        assert (aside.record.body, aside.record.count) == self.given[key]
        if keep:
            self.log.asides.resend(uplink, aside.key)
            (record,) = self.log.asides.walk(uplink, READINGS).next(10, 1 << 20)
            self.log.acknowledge(uplink, READINGS, record.run, record.seq, record.seq, record.count)
            self.settled[uplink].add(key)
        else:
            self.log.asides.discard(uplink, aside.key)
            self.settled[uplink].discard(key)
        self.log._upkeep.save_cursors()
        self.sync()
        assert aside.name not in [left.name for left in asides(self.log, uplink)]

    @rule(records=st.integers(1, 60), everywhere=st.booleans(), error=st.sampled_from([ENOSPC, EDQUOT]))
    def fill_the_disk(self, records: int, everywhere: bool, error: int) -> None:
        """Go on while there is no room, for nothing or for readings only; then there is room again."""
        self.disk.affects = lambda path: everywhere or path.name.startswith("readings")
        self.disk.fill(error)
        for at in range(records):
            self._append(4000, at, at % 10 == 0)
        with suppress(TimeoutError):
            self.log.sync(0.02)
        self.disk.heal()
        self.sync()

    @rule()
    def stop_and_start(self) -> None:
        self.log.close()
        self.stored = set(self.given) - self.dropped
        self.log = self._open()
        previous = self.log.recovery.previous
        assert previous is None or previous.clean or previous.run < self.life - 1
        assert self.log.recovery.losses == ()
        self._begin_life()

    @rule(torn=st.integers(0, 400), saved=st.booleans())
    def crash(self, torn: int, saved: bool) -> None:
        """Go on from a copy of the disk as it is now: queued records are gone, a torn one may be behind."""
        saved = saved and not self.log._books.owed
        if saved:
            self.log._upkeep.save_cursors()
            self.log.sync(SYNC_S)
            self.stored = set(self.given) - self.dropped
        self.directory = self.root / str(self.life)
        shutil.copytree(Path(self.log._intake._directory), self.directory)
        self._tear(torn)
        self.log.close()
        for key in set(self.given) - self.stored - self.dropped:
            del self.given[key]
        self.log = self._open()
        self._forget(saved)
        self._begin_life()

    def _tear(self, torn: int) -> None:
        paths = segments(self.directory)
        if torn and paths:
            with paths[-1].open("ab") as file:
                file.write(self.random.randbytes(torn))

    def _forget(self, saved: bool) -> None:
        """Acknowledgements that no cursor had may be forgotten, and nothing else; drops at the end may be."""
        for uplink, settled in self.settled.items():
            back = {(record.run, record.seq) for record in unsettled(self.log, uplink)}
            assert back <= self.stored
            if saved:
                assert not back & settled
            settled -= back
        behind = {
            key
            for key in self.dropped
            if not any(other > key and other[0] == key[0] for other in self.stored)
        }
        recorded = balance(self.log).recorded.records
        for key in sorted(behind, reverse=True):
            if recorded < len(self.given):
                self.dropped.discard(key)
                self.given.pop(key, None)

    def _begin_life(self) -> None:
        for uplink in UPLINKS:
            self._check_contents(uplink)

    @invariant()
    def it_adds_up(self) -> None:
        for uplink in UPLINKS:
            found = balance(self.log, uplink)
            parts = found.delivered.plus(found.backlog).plus(found.quarantined).plus(lost(found))
            assert parts == found.recorded
            assert found.recorded == self._readings(set(self.given)), uplink

    @invariant()
    def it_keeps_its_cap(self) -> None:
        """Nothing passes the cap but what the newest segments took from the queue beyond their size."""
        kept, beyond = LIMITS.ballast + self.log._parts.quarantine.bytes, 0
        for stream, index in self.log._books.indexes.items():
            in_hand = [found for found in index.segments if found.contents is None] or index.segments[-1:]
            most = sum(max(0, size_of(found) - LIMITS.segment[stream]) for found in in_hand)
            assert most <= LIMITS.pending[stream]
            kept, beyond = kept + sum(map(size_of, index.segments)), beyond + most
        assert kept <= LIMITS.cap + beyond

    def teardown(self) -> None:
        self.log.close()
        shutil.rmtree(self.root)


class LogAgainstDictionaryForLonger(LogAgainstDictionary):
    """The same, with other choices every time."""


QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, max_examples=20)
LONG = settings(QUICK, derandomize=False, max_examples=10 * int(os.environ.get("TORTURE_N", "20")))
LogAgainstDictionary.TestCase.settings = settings(QUICK, stateful_step_count=40)
LogAgainstDictionaryForLonger.TestCase.settings = settings(LONG, stateful_step_count=60)
TestLogAgainstDictionary = LogAgainstDictionary.TestCase
TestLogAgainstDictionaryForLonger = pytest.mark.torture(LogAgainstDictionaryForLonger.TestCase)
