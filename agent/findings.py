"""The bodies of EVENT and LOSS records: JSON objects that need no other record to be understood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import orjson
from pydantic import TypeAdapter

from agent.bodies import unpack_json
from agent.dictionary import Dictionary
from agent.sentences import ABOUT_DEVICES, sentence
from config.text import Text, text
from config.vocabulary import EventKind, LossCause, Priority, Withheld, describe
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


LOSS_CAUSES: Final[dict[LossCause, Text]] = {
    LossCause.CAP: text("the log has reached its limit"),
    LossCause.DISK_FULL: text("the disk is full"),
    LossCause.DAMAGED: text("the medium has damaged them"),
    LossCause.TORN_TAIL: text("power went while they were written"),
    LossCause.PRESSURE: text("the disk did not keep up"),
    LossCause.DISCARDED: text("somebody discarded them"),
}

_EVENT: Final = TypeAdapter(EventBody)
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
    """Return what people call a rule: an interlock or a device by its title, an alarm by its tag's."""
    if event.kind in ABOUT_DEVICES:
        return dictionary.devices.get(event.rule, "")
    if event.rule in dictionary.interlocks:
        return dictionary.interlocks[event.rule]
    return dictionary.tags[event.evidence[0].tag].title if event.evidence else ""


def unpack_event(body: bytes) -> EventBody:
    """Return the event of an EVENT body. Raises RecordError."""
    return unpack_json(_EVENT, body)


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
