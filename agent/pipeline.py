"""A scan's way: condition, judge, report, log. Nothing here waits, neither for disk nor for network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agent.blackbox.recorder import Recorder
from agent.clock import Clock, Timer
from agent.dictionary import Dictionary
from agent.findings import pack_event
from agent.gap import GapBody, pack_gap
from agent.judgement_journal import JudgementJournal
from agent.keepsake import Keepsake
from agent.records import pack_scan
from agent.rows import ROWS_AT_ONCE, Rows, select_rows, split_rows
from buffer.log import Log
from config.plant import ScanGroup
from config.text import Text
from config.turns import Pieces
from config.vocabulary import RecordKind, Stream
from drivers.contract import Scan
from filters.engine import EVENTS_AT_ONCE
from filters.event import Event
from filters.report import Late, Report

STATE_EVERY_NS: Final = 500_000_000
_NEVER: Final = 2**63 - 1


class Pipeline:
    """Takes scans from the poller and leaves records in the log.

    `progress` counts scans that went all the way: what the service manager's watchdog is fed from. `exact`:
    by tag number, what float64 cannot hold of the newest scans.
    """

    def __init__(
        self, keepsake: Keepsake, dictionary: Dictionary, log: Log, clock: Clock, black_box: Recorder
    ) -> None:
        self._keepsake = keepsake
        self._engine = keepsake.engine
        self._dictionary = dictionary
        self._log = log
        self._clock = clock
        self._black_box = black_box
        self._journal = JudgementJournal(dictionary)
        self._timer: Timer | None = None
        self._timer_due = _NEVER
        self._state_owed = False
        self._state_kept_ns = -STATE_EVERY_NS
        self._state_seq = 0
        self._events_seq = 0
        self.ledger = keepsake.intake
        self.exact: dict[int, int | str] = {}
        self.progress = 0
        self._before: dict[int, Scan] = {}

    def take(self, group: ScanGroup, scan: Scan, start_boot_ns: int) -> Pieces:
        """Take one scan through all stages: a small one in one piece, a large one stage by stage.

        The scans of a group must come one after another; those of others may come between the pieces. A group
        is always judged as one scan left it: it is written into the image in one piece.
        """
        arrived_boot_ns, large = self._clock.boot_ns(), group.count > ROWS_AT_ONCE
        if large:
            yield  # what has decoded it has held the loop already
        self._engine.condition(group, scan.raw, scan.quality, start_boot_ns, arrived_boot_ns)
        self._black_box.keep(group, start_boot_ns)
        for index, found in scan.exact.items():
            self.exact[group.first + index] = found
        if large:
            yield
        self.judge(at_most=0 if large else EVENTS_AT_ONCE)
        if large:
            yield
        yield from self._report(group, scan, start_boot_ns)
        self.progress += 1

    def judge(self, *, at_most: int = EVENTS_AT_ONCE) -> None:
        """Judge the image as it is now, record what is found, and come back when the judge wants to.

        A flood is recorded piece by piece, each in a turn of the loop of its own: `at_most` so many events in
        this one.
        """
        now = self._clock.boot_ns()
        events, due = self._engine.judge(now, at_most=at_most)
        for event in events:
            self._record(event, pack_event(event, self._dictionary))
            self._journal.tell(event, now)
        if events:
            self._black_box.trigger(events)
            self._state_owed = True
            self.keep_state_if_owed()
        self._come_back(due)

    def finish(self) -> None:
        """Record everything that is found and was not recorded yet."""
        while not self._engine.settled:
            self.judge()

    def tell(self, event: Event, detail: Text | None = None) -> None:
        """Record an event that the judge did not find."""
        self._record(event, pack_event(event, self._dictionary, detail))

    def record_gap(self, gap: GapBody) -> None:
        """Record a time without data, at its beginning or at its end."""
        now = self._clock.boot_ns()
        self._append(RecordKind.GAP, pack_gap(gap), now, now)

    def keep_state_if_owed(self) -> None:
        """Store what the judge remembers, where events have changed it; at most once in `STATE_EVERY_NS`.

        Called after every judgement, and by the heartbeat for what a burst of events has left. While the disk
        has not taken the last one, no other is queued: events need the room more.
        """
        now = self._clock.boot_ns()
        taken = self._log.stored_seq(Stream.EVENTS) >= self._state_seq
        settled = self._engine.settled
        if self._state_owed and settled and taken and now - self._state_kept_ns >= STATE_EVERY_NS:
            self.keep_state()

    def keep_state(self) -> None:
        """Store what must be remembered."""
        now = self._clock.boot_ns()
        self._state_owed = not self._engine.settled
        self._state_kept_ns, self._state_seq = now, self._events_seq
        self._log.append(
            Stream.EVENTS,
            RecordKind.STATE,
            self._keepsake.state(),
            first_boot_ns=now,
            last_boot_ns=now,
            urgent=True,
        )

    def close(self) -> None:
        """Record what was found, and forget the pending judgement."""
        self.finish()
        if self._timer is not None:
            self._timer.cancel()

    def _record(self, event: Event, body: bytes) -> None:
        self._append(RecordKind.EVENT, body, event.boot_ns, event.boot_ns)

    def _append(self, kind: RecordKind, body: bytes, first_boot_ns: int, last_boot_ns: int) -> None:
        seq = self._log.append(
            Stream.EVENTS, kind, body, first_boot_ns=first_boot_ns, last_boot_ns=last_boot_ns, urgent=True
        )
        self.ledger.events += 1
        self.ledger.events_refused += seq is None
        self._events_seq = seq or self._events_seq

    def _report(self, group: ScanGroup, scan: Scan, start_boot_ns: int) -> Pieces:
        """Record what is chosen of a group's newest scan, in as many pieces as it takes bodies."""
        report = self._engine.report(group, start_boot_ns)
        self.ledger.suppress(report.suppressed)
        parts = list(self._parts(group, scan, report, start_boot_ns))
        self._before[group.number] = scan
        for number, (rows, boot_ns) in enumerate(parts):
            if number:
                yield
            self._store(group, rows, boot_ns)

    def _parts(
        self, group: ScanGroup, scan: Scan, report: Report, start_boot_ns: int
    ) -> Iterator[tuple[Rows, int]]:
        """Yield what goes into one body each, and when the scan of it began; what is late comes first."""
        if report.late is not None:
            for rows in split_rows(self._late_rows(group, report.late)):
                yield rows, report.late.boot_ns
        if report.selected.any():
            for rows in split_rows(self._rows(group, scan, report)):
                yield rows, start_boot_ns

    def _rows(self, group: ScanGroup, scan: Scan, report: Report) -> Rows:
        image, span = self._engine.image, group.span
        return select_rows(
            group,
            report.selected,
            scan.raw,
            image.value[span],
            image.quality[span],
            stamps=scan.stamps,
            exact=scan.exact,
        )

    def _late_rows(self, group: ScanGroup, late: Late) -> Rows:
        before = self._before[group.number]
        return select_rows(
            group,
            late.selected,
            late.raw,
            late.value,
            late.quality,
            stamps=before.stamps,
            exact=before.exact,
        )

    def _store(self, group: ScanGroup, rows: Rows, start_boot_ns: int) -> None:
        self.ledger.record(len(rows))
        seq = self._log.append(
            Stream.READINGS,
            RecordKind.DATA,
            pack_scan(rows, self._dictionary, self.ledger.counters()),
            first_boot_ns=start_boot_ns,
            last_boot_ns=start_boot_ns,
            count=len(rows),
        )
        if seq is None:
            self.ledger.refuse(len(rows))
            self._engine.forget_report(group)

    def _come_back(self, due: int) -> None:
        """Arrange for `judge` at `due`; a timer that fires early only judges once more."""
        if due >= self._timer_due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_due = self._clock.call_at(due, self._fire), due

    def _fire(self) -> None:
        self._timer, self._timer_due = None, _NEVER
        self.judge()
