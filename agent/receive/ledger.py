"""The receiver's book: what arrived, what arrived twice, what is missing, and who claims to be whom. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from agent.ranges import Ranges
from agent.receive.messages import Key, Received

DIGESTS_KEPT: Final = 200_000


class Verdict(StrEnum):
    """What a message is to the book."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    NOT_A_RECORD = "not_a_record"


@dataclass(slots=True)
class StreamBook:
    """One stream of one run. `end`: the last number that was stored of it, 0 where not known (yet)."""

    seen: Ranges = field(default_factory=Ranges)
    lost: Ranges = field(default_factory=Ranges)
    digests: dict[int, bytes] = field(default_factory=dict)
    end: int = 0
    last_live: int = 0
    readings: int = 0
    readings_lost: int = 0
    duplicates: int = 0
    conflicts: int = 0
    disordered: int = 0

    def take(self, received: Received, key: Key, digest: bytes) -> Verdict:
        """Enter one record."""
        known = self.digests.get(key.seq)
        if known is not None and known != digest:
            self.conflicts += 1
            return Verdict.CONFLICT
        if key.seq in self.seen:
            self.duplicates += 1
            return Verdict.DUPLICATE
        self.seen.add(key.seq)
        self.digests[key.seq] = digest
        if len(self.digests) > DIGESTS_KEPT:
            del self.digests[next(iter(self.digests))]
        self.readings += len(received.content.get("rows", ()))
        if not received.content["backfill"]:
            self.disordered += key.seq < self.last_live
            self.last_live = max(self.last_live, key.seq)
        return Verdict.NEW

    def missing(self, *, from_start: bool) -> Ranges:
        """Return the numbers that should have arrived, did not, and are not said to be lost."""
        found = Ranges()
        first = 1 if from_start else max(1, self.seen.first)
        for hole in self.seen.holes(first, max(self.seen.last, self.end)):
            found.add(*hole)
        return found.without(self.lost)


@dataclass(slots=True)
class GatewayBook:
    """One identity. `impostors`: times that a run spoke again, live, after another had taken over."""

    streams: dict[tuple[str, str], StreamBook] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    live_run: str = ""
    impostors: int = 0
    events: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    metas: set[str] = field(default_factory=set)
    unexplained_tags: int = 0
    state: str = "unknown"

    def stream(self, run: str, stream: str) -> StreamBook:
        """Return the book of one stream of one run."""
        return self.streams.setdefault((run, stream), StreamBook())

    def hear(self, run: str) -> None:
        """Note that a run is alive now."""
        if run == self.live_run:
            return
        if run in self.runs:
            self.impostors += 1
        else:
            self.runs.append(run)
        self.live_run = run

    def greet(self, run: str, state: str, *, retained: bool) -> None:
        """Enter a presence; the last will of a run that another has followed says nothing about that one."""
        if state == "online" and not retained:
            self.hear(run)
        if run == self.live_run or not self.live_run:
            self.state = state

    def take(self, received: Received, key: Key, digest: bytes) -> Verdict:
        """Enter one record."""
        if not received.content["backfill"]:
            self.hear(key.run)
        verdict = self.stream(key.run, key.stream).take(received, key, digest)
        if verdict is Verdict.NEW:
            self._note(received.kind, key, received.content)
        return verdict

    def _note(self, kind: str, key: Key, content: dict[str, Any]) -> None:
        if kind == "readings":
            self.unexplained_tags += content["meta"] not in self.metas
            self._claim(key.run, content["ledger"])
        elif kind == "event":
            self.events[content["event"]] += 1
            self._learn_ends(content["event"], content["figures"])
        elif kind == "gap":
            self.gaps[content["cause"]] += content["end"]["boot_ms"] is not None  # else it is only beginning
        elif kind == "loss":
            self.losses[content["cause"]] += content["lost"]["records"]
            self._lose(content)

    def _claim(self, run: str, ledger: dict[str, Any]) -> None:
        """Keep the newest account of its readings that a run gave."""
        known = self.claims.get(run)
        if known is None or ledger["scanned"] >= known["scanned"]:
            self.claims[run] = ledger

    def _learn_ends(self, event: str, figures: dict[str, Any]) -> None:
        """Take from a run's first event where the run before it ended."""
        run = figures.get("previous_run")
        if event == "agent_started" and isinstance(run, str):
            for stream in ("events", "readings"):
                end = figures.get(f"previous_{stream}")
                if isinstance(end, int):
                    self.stream(run, stream).end = end

    def _lose(self, content: dict[str, Any]) -> None:
        lost = content["lost"]
        if content["ours"]:
            book = self.stream(lost["run"], lost["stream"])
            book.readings_lost += lost["readings"]
            if 0 < lost["first"] <= lost["last"]:  # 0: not known, as behind a torn end
                book.lost.add(lost["first"], lost["last"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All gateways together."""

    records: int
    readings: int
    duplicates: int
    missing: int
    conflicts: int
    impostors: int
    invalid: int


class Ledger:
    """The book of all gateways. `from_start`: we have listened from every run's first record on."""

    def __init__(self, *, from_start: bool = False) -> None:
        self._from_start = from_start
        self.gateways: dict[tuple[str, str], GatewayBook] = {}
        self.invalid = 0

    def enter(self, received: Received, *, retained: bool = False) -> Verdict:
        """Enter one message; `retained`: the broker had kept it, so it says nothing about now."""
        book = self.gateways.setdefault(received.sender, GatewayBook())
        if received.key is not None and received.digest is not None:
            return book.take(received, received.key, received.digest)
        if received.kind == "meta":
            book.metas.add(received.content["meta"])
        elif received.kind == "status":
            book.greet(received.content["run"], received.content["state"], retained=retained)
        return Verdict.NOT_A_RECORD

    def reject(self) -> None:
        """Enter a payload that is not a message."""
        self.invalid += 1

    def totals(self) -> Totals:
        """Return the figures for a glance."""
        books = self.gateways.values()
        kept = [stream for book in books for stream in book.streams.values()]
        return Totals(
            records=sum(len(stream.seen) for stream in kept),
            readings=sum(stream.readings for stream in kept),
            duplicates=sum(stream.duplicates for stream in kept),
            missing=sum(len(stream.missing(from_start=self._from_start)) for stream in kept),
            conflicts=sum(stream.conflicts for stream in kept),
            impostors=sum(book.impostors for book in books),
            invalid=self.invalid,
        )

    def missing(self) -> Iterator[tuple[tuple[str, str], str, str, Ranges]]:
        """Yield what is missing: gateway, run, stream, numbers."""
        for sender, book in self.gateways.items():
            for (run, stream), kept in book.streams.items():
                missing = kept.missing(from_start=self._from_start)
                if len(missing):
                    yield sender, run, stream, missing

    def summary(self) -> dict[str, Any]:
        """Return the whole book, for JSON. `faults`: what must be 0."""
        gateways = {
            f"{enterprise}/{gateway}": self._of_gateway(book)
            for (enterprise, gateway), book in self.gateways.items()
        }
        faults = self.invalid + sum(found["faults"] for found in gateways.values())
        return {"faults": faults, "invalid": self.invalid, "gateways": gateways}

    def _of_gateway(self, book: GatewayBook) -> dict[str, Any]:
        runs: dict[str, dict[str, Any]] = {}
        faults = book.impostors
        for (run, stream), kept in book.streams.items():
            missing = kept.missing(from_start=self._from_start)
            faults += len(missing) + kept.conflicts
            runs.setdefault(run, {})[stream] = {
                "received": len(kept.seen),
                "readings": kept.readings,
                "last": max(kept.seen.last, kept.end),
                "duplicates": kept.duplicates,
                "conflicts": kept.conflicts,
                "disordered": kept.disordered,
                "missing": list(missing),
                "lost": list(kept.lost),
                "readings_lost": kept.readings_lost,
            }
        for run, claim in book.claims.items():
            runs[run]["claim"] = claim
        return {
            "faults": faults,
            "state": book.state,
            "impostors": book.impostors,
            "runs": runs,
            "readings": sum(kept.readings for kept in book.streams.values()),
            "events": dict(book.events),
            "gaps": dict(book.gaps),
            "losses": dict(book.losses),
            "before_meta": book.unexplained_tags,
        }
