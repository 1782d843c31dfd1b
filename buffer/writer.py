"""The writer thread: stores what was queued, every commit interval or at once, and runs the log's disk tasks.

The only place where a failure of the disk turns into something else: no room becomes a request for room, "not
now" becomes the next attempt, and everything else ends the thread and stands in `failure`, upon which the
agent ends the process; whether the next start can sync is for `buffer/volatile.py` to find out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from buffer.ballast import Ballast
from buffer.disk import Disk, no_room, not_now
from buffer.news import News, Removed
from buffer.outlet import Outlet

Task = Callable[[], None]


class Writer:
    """Stores events, then readings, then runs the tasks that were given before.

    `once_stored`: run in the writer thread, in order, once every event queued before them is stored. `tasks`:
    run after those whose turn has come, whether everything could be stored or not. Of both, one that finds no
    room is tried again. `news`: for the event loop. `full`: there was no room for everything when last tried.
    `room_wanted`: so a segment must go. `waits_for`: what of the system has run out, None where nothing has.
    `finished`: whether it ended in order; `failure`: why, if not.
    """

    def __init__(
        self,
        *,
        disk: Disk,
        news: deque[News],
        events: Outlet,
        readings: Outlet,
        ballast: Ballast,
        commit_interval_s: float,
        on_stored: Callable[[], None],
    ) -> None:
        self.once_stored: deque[Task] = deque()
        self.tasks: deque[Task] = deque()
        self.news = news
        self.room_wanted = False
        self.full = not ballast.stands
        self.waits_for: str | None = None
        self.failure: Exception | None = None
        self._disk = disk
        self._events = events
        self._readings = readings
        self._ballast = ballast
        self._commit_interval_s = commit_interval_s
        self._on_stored = on_stored
        self._lacking: str | None = None
        self._wake = threading.Event()
        self.finished = False
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)

    @property
    def last_sync_s(self) -> float:
        """How long the newest sync took, of either stream."""
        return max(self._events.last_sync_s, self._readings.last_sync_s)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Commit at once instead of at the next commit instant."""
        if not self._wake.is_set():
            self._wake.set()

    def remove(self, path: Path) -> None:
        """Delete a segment's file and try again what found no room. A task."""
        self._disk.unlink(path)
        self.news.append(Removed())
        if self.room_wanted:
            self.room_wanted = False
            self.wake()

    def finish(self, timeout_s: float) -> bool:
        """Store what is queued, mark a clean stop, end the thread; tell whether it ended."""
        self.tasks.append(self._finish)
        self.wake()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self.finished:
                self._wake.wait(self._commit_interval_s)
                self._wake.clear()
                self._commit()
        except Exception as error:  # noqa: BLE001 - the thread's border: the event loop ends the process
            self._events.refuse()
            self._readings.refuse()
            self.failure = error
            self._on_stored()

    def _commit(self) -> None:
        self.room_wanted = False
        self._lacking = None
        tasks = [self.tasks.popleft() for _ in range(len(self.tasks))]
        depending = len(self.once_stored)
        self._readings.take()
        self._events.take()
        if self._attempt(self._store_events):
            self._attempt(self._store_readings)
            self._run_once_stored(depending)
        for task in tasks:
            if not self._attempt(task):
                self.tasks.append(task)
        self.waits_for = self._lacking

    def _run_once_stored(self, count: int) -> None:
        """Run so many of the tasks that waited, up to the first that must be tried again."""
        while count and self._attempt(self.once_stored[0]):
            self.once_stored.popleft()
            count -= 1

    def _store_events(self) -> None:
        self._store(self._events)

    def _store_readings(self) -> None:
        """Store readings only while the ballast stands: what room a full disk has is for events."""
        if self._ballast.restore():
            self._store(self._readings)
            self.room_wanted = self.full = False
        elif self._readings.holding:
            self._ask_for_room()

    def _store(self, outlet: Outlet) -> None:
        if outlet.holding:
            outlet.store()
            self._on_stored()

    def _attempt(self, task: Task) -> bool:
        """Run a task; tell whether it succeeded. What may succeed later does not raise."""
        try:
            task()
        except OSError as error:
            if no_room(error):
                self._ask_for_room()
            elif not_now(error):
                self._lacking = error.strerror
            else:
                raise
            return False
        return True

    def _ask_for_room(self) -> None:
        self._ballast.release()
        self.room_wanted = self.full = True
        self._on_stored()

    def _finish(self) -> None:
        self.finished = True
        self._events.seal(clean=True)
        self._readings.seal(clean=True)
