"""The receiver: every arrival is checked, entered into the book, written down and shown."""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import BinaryIO, Final

import orjson

from agent.receive.confirmer import Confirmer, Publish
from agent.receive.ledger import Ledger, Verdict
from agent.receive.lines import line_of
from agent.receive.messages import Checker, MessageError
from agent.receive.subscriber import Arrival
from agent.receive.view import View
from config.text import Language, Text, text

SHOW_EVERY_S: Final = 0.5
CONFIRM_EVERY_S: Final = 0.1


class Receiver:
    """Takes arrivals. `out`: gets every one, and every change of the subscription, as a line of JSON."""

    def __init__(self, ledger: Ledger, view: View, language: Language, out: BinaryIO | None = None) -> None:
        self.ledger = ledger
        self._view = view
        self._language = language
        self._out = out
        self._checker = Checker()
        self._impostors = Counter[tuple[str, str]]()
        self._next_show_s = 0.0
        self._next_confirm_s = 0.0
        self._standing: Text | None = None
        self._confirmer: Confirmer | None = None
        self.subscribed = False

    def confirm_by(self, publish: Publish) -> None:
        """Confirm from now on what was written to `out` and synced."""
        assert self._out is not None, "only what is written down is persisted"
        self._confirmer = Confirmer(self.persist, publish)

    def arrive(self, arrival: Arrival) -> None:
        """Take one message."""
        try:
            received = self._checker.check(arrival.payload)
        except MessageError as error:
            self.ledger.reject()
            self._say(text("{topic}: not a message of fengsui/1: {error}", topic=arrival.topic, error=error))
            self._write(arrival, "invalid", str(error))
            return
        verdict = self.ledger.enter(received, retained=arrival.retained)
        line = line_of(received, verdict, self._language)
        if line is not None:
            self._view.say(line)
        self._write(arrival, verdict, orjson.Fragment(arrival.payload))
        if self._confirmer is not None and received.key is not None and verdict is not Verdict.CONFLICT:
            self._confirmer.note(received.key)
        self.turn()

    def fault(self, said: Text) -> None:
        """Take something that is no message at all."""
        self.ledger.reject()
        self._say(said)

    def persist(self) -> None:
        """Have on the disk what was written down. Raises OSError."""
        if self._out is not None:
            self._out.flush()
            os.fsync(self._out.fileno())

    def state(self, why: Text | None) -> None:
        """Note that we are subscribed (None), or why not; each is said once."""
        self.subscribed = self.subscribed or why is None
        standing = text("listening") if why is None else text("not connected: {why}", why=why)
        if standing != self._standing:
            self._standing = standing
            self._say(standing)
            self._write_line({"listening": why is None})
            self._flush()

    def turn(self) -> None:
        """Confirm and redraw, neither too often."""
        now_s = time.monotonic()
        if self._confirmer is not None and now_s >= self._next_confirm_s:
            self._next_confirm_s = now_s + CONFIRM_EVERY_S
            self._confirmer.confirm()
        if now_s >= self._next_show_s:
            self._next_show_s = now_s + SHOW_EVERY_S
            self._view.show(self.ledger)
            self._name_impostors()
            self._flush()

    def _name_impostors(self) -> None:
        for sender, book in self.ledger.gateways.items():
            if book.impostors > self._impostors[sender]:
                self._say(
                    text(
                        "two agents speak as {gateway} (runs {runs}); look for a second gateway so named",
                        gateway="/".join(sender),
                        runs=", ".join(book.runs[-2:]),
                    )
                )
            self._impostors[sender] = book.impostors

    def _say(self, said: Text) -> None:
        self._view.say(said.show(self._language))

    def _write(self, arrival: Arrival, verdict: str, message: object) -> None:
        self._write_line(
            {
                "topic": arrival.topic,
                "retained": arrival.retained,
                "verdict": verdict,
                "message": message,
            }
        )

    def _write_line(self, line: dict[str, object]) -> None:
        if self._out is not None:
            stamped = {"received_utc_ms": time.time_ns() // 10**6, **line}
            self._out.write(orjson.dumps(stamped, option=orjson.OPT_APPEND_NEWLINE))

    def _flush(self) -> None:
        if self._out is not None:
            self._out.flush()
