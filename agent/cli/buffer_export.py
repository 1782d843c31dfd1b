"""`fengsui buffer export`: what the log still has, as CSV."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TextIO

import click

from agent.cli.exits import Exit
from agent.cli.instant import INSTANT
from agent.cli.looking import looking_into
from agent.cli.options import log_option
from agent.cli.speech import fail, shown
from agent.export import Archive, Scanned, Span
from config.text import text
from config.vocabulary import describe

_HEADINGS = (
    text("time"),
    text("clock"),
    text("tag"),
    text("title"),
    text("value"),
    text("unit"),
    text("raw"),
    text("quality"),
    text("quality code"),
)

_WINDOW_HEADINGS = (text("rule"), text("event"))


@click.command(
    help=shown(
        text(
            "Write the readings that the log of DIR still has as CSV, oldest first, whether or not an agent "
            "runs there. Times are right as far as the clock is known by now."
        )
    )
)
@log_option
@click.option("--since", type=INSTANT, metavar="TIME", help=shown(text("from then on; 2h: 2 hours ago")))
@click.option("--until", type=INSTANT, metavar="TIME", help=shown(text("until then")))
@click.option(
    "--tags", multiple=True, metavar="TAG,...", help=shown(text("only these tags; * stands for anything"))
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help=shown(text("write a file that Excel can open"))
)
@click.option(
    "--windows",
    is_flag=True,
    help=shown(
        text("what the black box kept around events instead: every scan, with the event's rule and time")
    ),
)
def export(
    log: Path,
    since: int | None,
    until: int | None,
    tags: Sequence[str],
    output: Path | None,
    *,
    windows: bool,
) -> None:
    """Export readings."""
    patterns = [part.strip() for listed in tags for part in listed.split(",") if part.strip()]
    with looking_into(log):
        archive = Archive(log)
        with _opened(output) as file:
            _write(archive, Span(since, until), patterns, file, windows=windows)


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Give the file to write to; the mark at its beginning tells Excel that it is UTF-8."""
    if output is None:
        yield sys.stdout
        return
    with output.open("w", encoding="utf-8-sig", newline="") as file:
        yield file


def _write(archive: Archive, span: Span, patterns: Sequence[str], file: TextIO, *, windows: bool) -> None:
    wanted = archive.matching(patterns or ["*"])
    if patterns and not wanted:
        fail(text("no such tag: {names}", names=", ".join(patterns)), Exit.USAGE)
    table = csv.writer(file)
    headings = (*_WINDOW_HEADINGS, *_HEADINGS) if windows else _HEADINGS
    table.writerow([shown(heading) for heading in headings])
    readings = 0
    for row in _window_rows(archive, span, wanted) if windows else _scan_rows(archive, span, wanted):
        table.writerow(row)
        readings += 1
    click.echo(shown(text("{count} readings", count=readings)), err=True)
    if archive.unreadable:
        click.echo(shown(text("{count} records could not be read", count=archive.unreadable)), err=True)


def _scan_rows(archive: Archive, span: Span, wanted: frozenset[str]) -> Iterator[tuple[str, ...]]:
    for scan in archive.scans(span, wanted):
        yield from _rows(scan)


def _window_rows(archive: Archive, span: Span, wanted: frozenset[str]) -> Iterator[tuple[str, ...]]:
    for window in archive.windows(span, wanted):
        for row in _rows(window.scan):
            yield (window.rule, _time(window.event_utc_ns), *row)


def _rows(scan: Scanned) -> Iterator[tuple[str, ...]]:
    when, clock = _time(scan.utc_ns), _clock(scan)
    rows = scan.rows
    columns = zip(
        scan.facts,
        rows.tags.tolist(),
        rows.value.tolist(),
        rows.raw.tolist(),
        rows.quality.tolist(),
        strict=True,
    )
    for facts, tag, value, raw, quality in columns:
        exact = rows.exact.get(tag)
        yield (
            when,
            clock,
            facts.name,
            facts.title,
            _number(value),
            facts.unit,
            _number(raw) if exact is None else str(exact),
            _quality(quality),
            f"0x{quality:08X}",
        )


def _time(utc_ns: int | None) -> str:
    """Return an instant in this machine's time zone, to the millisecond; empty where it is not known."""
    if utc_ns is None:
        return ""
    return datetime.fromtimestamp(utc_ns / 1e9, UTC).astimezone().isoformat(timespec="milliseconds")


def _clock(scan: Scanned) -> str:
    if scan.utc_ns is None:
        return shown(text("unknown"))
    return shown(text("synchronised") if scan.synchronised else text("not synchronised"))


def _number(number: float) -> str:
    """Return the shortest spelling that gives the same number again; empty for none."""
    return "" if math.isnan(number) else repr(number).removesuffix(".0")


@lru_cache(maxsize=1024)
def _quality(quality: int) -> str:
    return shown(describe(quality))
