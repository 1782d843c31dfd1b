"""Put the parts of a log together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from buffer.aside import QUARANTINE
from buffer.ballast import Ballast
from buffer.books import Books
from buffer.channel import Channel, Place, Tail
from buffer.disk import Disk, not_now
from buffer.intake import Identity, Intake, Preamble
from buffer.limits import Limits
from buffer.news import News
from buffer.outlet import Outlet
from buffer.preambles import Preambles
from buffer.quarantine import Quarantine
from buffer.recover import Recovered
from buffer.roster import close
from buffer.upkeep import Upkeep
from buffer.writer import Writer
from config.models import LogSettings
from config.vocabulary import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a log is made for. `required`: whether each uplink's backlog pins segments."""

    directory: Path
    disk: Disk
    identity: Identity
    settings: LogSettings
    required: Mapping[str, bool]
    preamble: Preamble
    on_stored: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A log's parts. The writer's thread is not started yet. `close_uplink`: for that thread to call."""

    limits: Limits
    books: Books
    channels: Mapping[Stream, Channel]
    preambles: Preambles
    quarantine: Quarantine
    intake: Intake
    writer: Writer
    upkeep: Upkeep
    close_uplink: Callable[[str], None]


def assemble(order: Order, recovered: Recovered) -> Parts:
    """Make the parts and connect them. Raises OSError where the directory does not let them."""
    limits, books, identity = Limits.of(order.settings), recovered.books, order.identity
    channels = {
        stream: Channel(stream, limits.pending[stream], Tail(end=Place(index.newest + 1, 0)))
        for stream, index in books.indexes.items()
    }
    preambles = Preambles(books.indexes, identity.run, identity.boot_id)
    quarantine = Quarantine(order.disk, order.directory / QUARANTINE)
    intake = Intake(
        directory=order.directory,
        identity=identity,
        channels=channels,
        books=books,
        preambles=preambles,
        preamble=order.preamble,
    )
    writer = _writer(order, limits, channels)
    upkeep = Upkeep(
        books=books,
        channels=channels,
        cursors=recovered.cursors,
        required=order.required,
        limits=limits,
        at_least_ns=order.settings.at_least,
        quarantine=quarantine,
        intake=intake,
        writer=writer,
    )
    return Parts(
        limits=limits,
        books=books,
        channels=channels,
        preambles=preambles,
        quarantine=quarantine,
        intake=intake,
        writer=writer,
        upkeep=upkeep,
        close_uplink=partial(close, order.disk, order.directory),
    )


def _writer(order: Order, limits: Limits, channels: Mapping[Stream, Channel]) -> Writer:
    news: deque[News] = deque()
    outlets = {
        stream: Outlet(
            disk=order.disk,
            directory=order.directory,
            channel=channel,
            news=news,
            run=order.identity.run,
            recent_bytes=limits.recent[stream],
            segment_bytes=limits.segment[stream],
        )
        for stream, channel in channels.items()
    }
    ballast = Ballast(order.disk, order.directory / "ballast", limits.ballast)
    _take_room(ballast)
    return Writer(
        disk=order.disk,
        news=news,
        events=outlets[Stream.EVENTS],
        readings=outlets[Stream.READINGS],
        ballast=ballast,
        commit_interval_s=order.settings.commit_interval / 1e9,
        on_stored=order.on_stored,
    )


def _take_room(ballast: Ballast) -> None:
    """Take the ballast's room if it can be had now; else the writer tries again. Raises OSError."""
    try:
        ballast.restore()
    except OSError as error:
        if not not_now(error):
            raise
