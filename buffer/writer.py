"""The writer thread: takes what was queued, stores it, and says so.

The only place where a failure of the disk turns into something else: no room becomes a request for room, "not
now" becomes the next attempt, and everything else ends the thread and stands in `failure`, upon which the
agent ends the process. (A mode that goes on in RAM would begin here, in `_run`.)
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from buffer.ballast import Ballast
from buffer.channel import Channel, Place, Rotation, Stored, Tail
from buffer.disk import Disk, no_room, not_now
from buffer.frame import HEADER_BYTES, Encoder, Entry
from buffer.recent import Recent
from buffer.record import UNNUMBERED, Record
from buffer.segment import Contents, Opening
from buffer.segment_writer import SegmentWriter
from config.vocabulary import RecordKind, Stream

Task = Callable[[], None]


class Outlet:
    """One stream's end in the writer thread: what was taken, the segment in hand, the newest records."""

    def __init__(self, channel: Channel, run: int, recent_bytes: int) -> None:
        self.channel = channel
        self.encoder = Encoder(run, channel.stream)
        self.recent = Recent(recent_bytes)
        self.held: deque[Entry | Rotation] = deque()
        self.segment: SegmentWriter | None = None
        self._run = run

    def take(self) -> None:
        """Take over what the event loop has queued."""
        queue = self.channel.queue
        while queue:
            self.held.append(queue.popleft())

    def entries(self) -> list[Entry]:
        """Return what is held for the segment in hand."""
        found: list[Entry] = []
        for item in self.held:
            if isinstance(item, Rotation):
                break
            found.append(item)
        return found

    def publish(self, items: list[Entry], places: list[Place], segment: SegmentWriter) -> None:
        """Let readers see records that are stored now."""
        end = Place(segment.opening.number, segment.end)
        ends = [*places[1:], end]
        self.recent.add(
            [
                Stored(self._record(item), place, following, item.readings_before)
                for item, place, following in zip(items, places, ends, strict=True)
                if item.kind not in UNNUMBERED
            ]
        )
        self.channel.tail = Tail(
            end=end,
            seq=segment.contents.last,
            readings=segment.contents.next_readings,
            recent=self.recent.records,
        )
        self.channel.taken_bytes += sum(len(item.body) + HEADER_BYTES for item in items)

    def _record(self, item: Entry) -> Record:
        return Record(
            run=self._run,
            stream=self.channel.stream,
            seq=item.seq,
            kind=RecordKind(item.kind),
            first_boot_ns=item.first_boot_ns,
            last_boot_ns=item.last_boot_ns,
            count=item.readings,
            body=item.body,
        )


class Writer:
    """Stores what channels bring: events, then readings, then the tasks; every commit interval, or at once.

    `tasks` run in the writer thread, after everything that was queued before them. `completions` are for the
    event loop's side. `on_full` is put there when the disk is full, `on_sealed` when a segment was finished.
    """

    def __init__(
        self,
        *,
        disk: Disk,
        directory: Path,
        outlets: Mapping[Stream, Outlet],
        ballast: Ballast,
        commit_interval_s: float,
        segment_bytes: int,
        on_stored: Callable[[], None],
        on_full: Callable[[], None],
        on_sealed: Callable[[Opening, Contents, int], None],
    ) -> None:
        self.tasks: deque[Task] = deque()
        self.completions: deque[Task] = deque()
        self.failure: Exception | None = None
        self.last_sync_s = 0.0
        self.full = False
        self._disk = disk
        self._directory = directory
        self._outlets = outlets
        self._ballast = ballast
        self._commit_interval_s = commit_interval_s
        self._segment_bytes = segment_bytes
        self._on_stored = on_stored
        self._on_full = on_full
        self._on_sealed = on_sealed
        self._wake = threading.Event()
        self._finished = False
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Commit at once instead of at the next commit instant."""
        if not self._wake.is_set():
            self._wake.set()

    def finish(self, timeout_s: float) -> None:
        """Store what is queued, seal the segments as cleanly finished, end the thread."""
        self.tasks.append(self._finish)
        self.wake()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while not self._finished:
                self._wake.wait(self._commit_interval_s)
                self._wake.clear()
                self._commit()
        except Exception as error:  # noqa: BLE001 - the thread's border: the event loop ends the process
            self.failure = error
            self._on_stored()

    def _commit(self) -> None:
        tasks = [self.tasks.popleft() for _ in range(len(self.tasks))]
        for outlet in self._outlets.values():
            outlet.take()
        for outlet in self._outlets.values():
            self._attempt(lambda outlet=outlet: self._store(outlet))  # type: ignore[misc]
        for task in tasks:
            if not self._attempt(task):
                self.tasks.append(task)

    def _attempt(self, task: Task) -> bool:
        """Run a task; tell whether it succeeded. What may succeed later does not raise."""
        try:
            task()
        except OSError as error:
            if no_room(error):
                self._ask_for_room()
            elif not not_now(error):
                raise
            return False
        return True

    def _ask_for_room(self) -> None:
        self.full = True
        self._ballast.release()
        self.completions.append(self._on_full)
        self._on_stored()

    def _store(self, outlet: Outlet) -> None:
        if not outlet.held:
            return
        if outlet.channel.stream is Stream.READINGS and not self._ballast.restore():
            self._ask_for_room()
            return
        while outlet.held:
            first = outlet.held[0]
            if isinstance(first, Rotation):
                self._rotate(outlet, first)
                outlet.held.popleft()
            else:
                self._append(outlet)
        self.full = False
        self._on_stored()

    def _append(self, outlet: Outlet) -> None:
        items = outlet.entries()
        segment = outlet.segment
        assert segment is not None, "a Rotation comes before the first record"
        places = segment.append(items)
        began = time.monotonic()
        segment.sync()
        self.last_sync_s = time.monotonic() - began
        outlet.publish(items, places, segment)
        for _ in items:
            outlet.held.popleft()
        if segment.end >= self._segment_bytes and not segment.full:
            segment.full = outlet.channel.rotation_due = True

    def _rotate(self, outlet: Outlet, rotation: Rotation) -> None:
        if outlet.segment is not None:
            self._seal(outlet.segment)
            outlet.segment = None
        outlet.segment = SegmentWriter(self._disk, self._directory, rotation, outlet.encoder)

    def _seal(self, segment: SegmentWriter, *, clean: bool = False) -> None:
        segment.seal(clean=clean)
        self.completions.append(lambda: self._on_sealed(segment.opening, segment.contents, segment.end))

    def _finish(self) -> None:
        for outlet in self._outlets.values():
            if outlet.segment is not None:
                self._seal(outlet.segment, clean=True)
                outlet.segment = None
        self._finished = True
