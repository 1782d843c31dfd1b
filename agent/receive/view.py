"""What a person sees while the receiver listens: a live table on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text as RichText

from agent.receive.ledger import Ledger
from config.text import Language, text

LINES_KEPT: Final = 15
RANGES_SHOWN: Final = 20
COUNTS_EVERY_S: Final = 10.0


class View(Protocol):
    """Takes lines as they arise, and is shown the book now and then."""

    def say(self, line: str) -> None:
        """Take a line."""
        ...

    def show(self, ledger: Ledger) -> None:
        """Show how the book stands."""
        ...


class Silent:
    """Shows nothing: the summary says it all."""

    def say(self, line: str) -> None:
        """See `View`."""

    def show(self, ledger: Ledger) -> None:
        """See `View`."""


class Lines:
    """One line after another, and the figures every COUNTS_EVERY_S where they changed."""

    def __init__(self, console: Console, language: Language) -> None:
        self._console = console
        self._language = language
        self._shown = ""
        self._due_s = time.monotonic() + COUNTS_EVERY_S

    def say(self, line: str) -> None:
        """See `View`."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def show(self, ledger: Ledger) -> None:
        """See `View`."""
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + COUNTS_EVERY_S
        counts = counts_line(ledger, self._language)
        if counts != self._shown:
            self._shown = counts
            self.say(counts)


class Glance:
    """A table of gateways over the newest lines, redrawn in place."""

    def __init__(self, console: Console, language: Language) -> None:
        self._language = language
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Glance:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def say(self, line: str) -> None:
        """See `View`."""
        self._lines.append(line)

    def show(self, ledger: Ledger) -> None:
        """See `View`."""
        lines = [RichText(line, no_wrap=True, overflow="ellipsis") for line in self._lines]
        self._live.update(Group(self._table(ledger), *lines), refresh=True)

    def _table(self, ledger: Ledger) -> Table:
        table = Table(title=counts_line(ledger, self._language))
        heads = (text("gateway"), text("state"), text("run"), text("readings"), text("events"))
        for head in heads:
            table.add_column(head.show(self._language))
        for (enterprise, gateway), book in ledger.gateways.items():
            table.add_row(
                f"{enterprise}/{gateway}",
                _STATES[book.state].show(self._language),
                book.live_run,
                str(sum(kept.readings for kept in book.streams.values())),
                str(book.events.total()),
            )
        return table


_STATES: Final = {"online": text("online"), "offline": text("OFFLINE"), "unknown": text("unknown")}


def missing_lines(ledger: Ledger, language: Language) -> Iterator[str]:
    """Yield a line for every stream of every run of which something is missing."""
    for (enterprise, gateway), run, stream, missing in ledger.missing():
        ranges = [f"{first}" if first == last else f"{first}-{last}" for first, last in missing]
        more = text(" and {count} more", count=len(ranges) - RANGES_SHOWN)
        yield text(
            "missing from {gateway}, run {run}, {stream}: {numbers}{more}",
            gateway=f"{enterprise}/{gateway}",
            run=run,
            stream=stream,
            numbers=", ".join(ranges[:RANGES_SHOWN]),
            more=more if len(ranges) > RANGES_SHOWN else "",
        ).show(language)


def counts_line(ledger: Ledger, language: Language) -> str:
    """Return the figures in a sentence."""
    totals = ledger.totals()
    return text(
        "{readings} readings in {records} records; {duplicates} twice, {missing} missing, "
        "{faults} other faults",
        readings=totals.readings,
        records=totals.records,
        duplicates=totals.duplicates,
        missing=totals.missing,
        faults=totals.conflicts + totals.impostors + totals.invalid,
    ).show(language)
