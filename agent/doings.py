"""What operators have done, as sentences: of the figures of an `operator_action`."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter
from typing import Final

from agent.spans import span_of
from config.text import Text, text
from config.units import parse_duration_ns
from filters.event import Event

_SENTENCES: Final[dict[str, Text]] = {
    "acknowledge": text("{user} acknowledged {alarms}"),
    "shelve": text("{user} shelved alarm {alarm} for {for}: {why}"),
    "unshelve": text("{user} took alarm {alarm} from the shelf"),
    "mute": text("{user} muted the notification of interlock {interlock} for {for}: {why}"),
    "unmute": text("{user} ended the muting of interlock {interlock}"),
    "maintain": text("{user} took {subject} out of service for {for}: {why}"),
    "end_maintenance": text("{user} returned {subject} to service"),
    "resend_quarantined": text("{user} had records in quarantine sent again to uplink {uplink}: {records}"),
    "drop_quarantined": text("{user} dropped records in quarantine of uplink {uplink}: {records}"),
}
_LONGEST: Final = 200
_CALIBRATION: Final = text("{said} (calibration)")


def doing(event: Event) -> Text | None:
    """Return what was done in a sentence; None where there are no words for it, or figures lack."""
    sentence = _SENTENCES.get(event.rule)
    figures: dict[str, object] = {
        key: brief(found) if isinstance(found, str) else found for key, found in event.figures.items()
    }
    if sentence is None or not _named(sentence) <= figures.keys():
        return None
    if "for" in figures:
        figures["for"] = span_of(parse_duration_ns(figures["for"]) / 1e9)
    said = replace(sentence, arguments=tuple(figures.items()))
    return replace(_CALIBRATION, arguments=(("said", said),)) if figures.get("calibration") else said


def brief(words: str) -> str:
    """Return what somebody has written, cut where it is long."""
    return words if len(words) <= _LONGEST else words[: _LONGEST - 3] + "..."


def _named(sentence: Text) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence.template) if name is not None}
