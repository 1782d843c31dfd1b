"""The bodies of EVENT, GAP and LOSS records: JSON objects that need no other record to be understood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import orjson
from pydantic import TypeAdapter

from agent.bodies import unpack_json
from agent.dictionary import Dictionary
from agent.sentences import sentence
from config.text import Text, text
from config.vocabulary import EventKind, GapCause, LossCause, Priority, Withheld, describe
from filters.event import Event, Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A sentence in both languages."""

    en: str
    zh: str

    @classmethod
    def of(cls, said: Text) -> Words:
        """Say a text in both."""
        return cls(en=said.show("en"), zh=said.show("zh"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceBody:
    """One reading that an event rests on. `raw`, `value`: None where there is none.

    `exact`: what JSON has no number for (`Infinity`, `-Infinity`), by column.
    """

    tag: int
    name: str
    title: str
    device: str
    unit: str
    raw: float | None
    value: float | None
    exact: dict[str, str]
    quality: int
    quality_text: Words
    boot_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBody:
    """The body of an EVENT record; see `filters.event.Event`. `title`: the interlock's or the tag's."""

    version: Literal[1] = 1
    kind: EventKind
    rule: str
    title: str
    priority: Priority
    boot_ns: int
    scan_boot_ns: int
    evidence: tuple[EvidenceBody, ...]
    figures: dict[str, int | float | str | None]
    withheld: Withheld | None = None
    response: str = ""
    basis: str = ""
    text: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An instant that may lie in another boot: CLOCK_BOOTTIME and the UTC that was believed then."""

    boot_id: str
    boot_ns: int
    utc_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GapBody:
    """The body of a GAP record: time without data. `device`: None where the whole gateway was meant."""

    version: Literal[1] = 1
    cause: GapCause
    device: str | None
    start: Moment
    end: Moment
    text: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class LossBody:
    """The body of a LOSS record, written by the log (buffer/FORMAT.md): records destroyed before delivery.

    `run`, `stream`, `first`, `last`: the keys that are gone, 0 where not known; `count` of them were records,
    with `readings`. `uplink` is empty where nothing of it was ever stored, for any uplink.
    """

    uplink: str
    run: int
    stream: Literal["events", "readings"]
    first: int
    last: int
    count: int
    readings: int
    cause: LossCause


_GAP_CAUSES: Final[dict[GapCause, Text]] = {
    GapCause.CLEAN_STOP: text("the agent was stopped"),
    GapCause.AGENT_CRASH: text("the agent ended unexpectedly"),
    GapCause.HOST_DOWN_UNCLEAN: text("the machine went down"),
    GapCause.DEVICE_COMMS: text("the device did not answer"),
    GapCause.LINK_LOST: text("the link was lost"),
}
LOSS_CAUSES: Final[dict[LossCause, Text]] = {
    LossCause.CAP: text("the log has reached its limit"),
    LossCause.DISK_FULL: text("the disk is full"),
    LossCause.DAMAGED: text("the medium has damaged them"),
    LossCause.TORN_TAIL: text("power went while they were written"),
    LossCause.PRESSURE: text("the disk did not keep up"),
    LossCause.DISCARDED: text("somebody discarded them"),
}

_EVENT: Final = TypeAdapter(EventBody)
_GAP: Final = TypeAdapter(GapBody)
_LOSS: Final = TypeAdapter(LossBody)


def pack_event(event: Event, dictionary: Dictionary, detail: Text | None = None) -> bytes:
    """Return the EVENT body of a finding; `detail` is what its finder has to say beyond the kind."""
    return orjson.dumps(
        EventBody(
            kind=event.kind,
            rule=event.rule,
            title=_title(event, dictionary),
            priority=event.priority,
            boot_ns=event.boot_ns,
            scan_boot_ns=event.scan_boot_ns,
            evidence=tuple(_evidence(evidence, dictionary) for evidence in event.evidence),
            figures=dict(event.figures),
            withheld=event.withheld,
            response=event.response,
            basis=event.basis,
            text=Words.of(sentence(event, dictionary, detail)),
        )
    )


def _title(event: Event, dictionary: Dictionary) -> str:
    """Return what people call a rule: an interlock by its title, an alarm by its tag's."""
    if event.rule in dictionary.interlocks:
        return dictionary.interlocks[event.rule]
    return dictionary.tags[event.evidence[0].tag].title if event.evidence else ""


def unpack_event(body: bytes) -> EventBody:
    """Return the event of an EVENT body. Raises RecordError."""
    return unpack_json(_EVENT, body)


def pack_gap(*, cause: GapCause, start: Moment, end: Moment, device: str | None = None) -> bytes:
    """Return the GAP body of a time without data, of one device or of the whole gateway."""
    whole_s = (end.utc_ns - start.utc_ns) / 1e9
    said = text(
        "no data from {what} for {seconds} s: {cause}",
        what=device or text("the whole gateway"),
        seconds=f"{whole_s:.1f}",
        cause=_GAP_CAUSES[cause],
    )
    return orjson.dumps(GapBody(cause=cause, device=device, start=start, end=end, text=Words.of(said)))


def unpack_gap(body: bytes) -> GapBody:
    """Return the gap of a GAP body. Raises RecordError."""
    return unpack_json(_GAP, body)


def unpack_loss(body: bytes) -> LossBody:
    """Return the loss of a LOSS body. Raises RecordError."""
    return unpack_json(_LOSS, body)


def _evidence(evidence: Evidence, dictionary: Dictionary) -> EvidenceBody:
    facts = dictionary.tags[evidence.tag]
    numbers = {"raw": evidence.raw, "value": evidence.value}
    return EvidenceBody(
        tag=evidence.tag,
        name=facts.name,
        title=facts.title,
        device=facts.device,
        unit=facts.unit,
        raw=evidence.raw,
        value=evidence.value,
        exact={name: infinity(number) for name, number in numbers.items() if math.isinf(number)},
        quality=evidence.quality,
        quality_text=_quality_words(evidence.quality, facts.meaning_of(evidence.raw)),
        boot_ns=evidence.boot_ns,
    )


@lru_cache(maxsize=1024)
def _quality_words(quality: int, meaning: str) -> Words:
    """Return a quality for people; kept, because thousands of readings share few of them."""
    return Words.of(describe(quality, meaning))


def infinity(number: float) -> str:
    """Return the spelling of an infinite number, which JSON lacks."""
    return "Infinity" if number > 0 else "-Infinity"
