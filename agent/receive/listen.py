"""Listen for a while, or until a signal, and give account."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import ExitStack
from typing import BinaryIO

import orjson
from rich.console import Console

from agent.receive.folder import FolderReader, FolderSource
from agent.receive.ledger import Ledger
from agent.receive.receiver import Receiver
from agent.receive.subscriber import Source, Subscriber
from agent.receive.view import Glance, Lines, Silent, View, counts_line, missing_lines
from agent.uplinks.contract import UplinkDown
from config.text import Language


def listen(
    source: Source | FolderSource,
    *,
    seconds: float | None,
    from_start: bool,
    out: BinaryIO | None,
    as_json: bool,
    language: Language,
) -> bool:
    """Listen until `seconds` have passed, SIGINT or SIGTERM; return whether all was well.

    All is well where we could listen at some time and the book has no faults.
    """
    with ExitStack() as stack:
        view = _view(stack, language, silent=as_json)
        receiver = Receiver(Ledger(from_start=from_start), view, language, out)
        unusable = _receive(source, receiver, seconds)
    if unusable is not None:
        sys.stderr.write(unusable.words.show(language) + "\n")
    summary = {"subscribed": receiver.subscribed, **receiver.ledger.summary()}
    if as_json:
        sys.stdout.write(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        for line in (counts_line(receiver.ledger, language), *missing_lines(receiver.ledger, language)):
            sys.stdout.write(line + "\n")
    return receiver.subscribed and not summary["faults"]


def _view(stack: ExitStack, language: Language, *, silent: bool) -> View:
    if silent:
        return Silent()
    console = Console()
    return stack.enter_context(Glance(console, language)) if console.is_terminal else Lines(console, language)


def _receive(source: Source | FolderSource, receiver: Receiver, seconds: float | None) -> UplinkDown | None:
    """Receive; return what made it impossible, None where it was not."""
    end_s = float("inf") if seconds is None else time.monotonic() + seconds
    ended = False

    def end(_signal: int, _frame: object) -> None:
        nonlocal ended
        ended = True

    def stop() -> bool:
        receiver.turn()
        return ended or time.monotonic() >= end_s

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        _reader(source, receiver).run(stop)
    except UplinkDown as error:
        return error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return None


def _reader(source: Source | FolderSource, receiver: Receiver) -> Subscriber | FolderReader:
    if isinstance(source, FolderSource):
        return FolderReader(source, receiver.arrive, receiver.state, receiver.fault, receiver.persist)
    subscriber = Subscriber(source, receiver.arrive, receiver.state)
    if source.ack_topic:
        receiver.confirm_by(subscriber.confirm)
    return subscriber
