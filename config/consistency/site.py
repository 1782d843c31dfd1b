"""Gateway, scan classes, uplinks and log: rules within one section."""

from __future__ import annotations

from collections.abc import Iterator

from config.draft import Draft
from config.faults import Fault
from config.text import text
from config.units import show_duration, show_size
from config.uscc import check_character, looks_like_uscc

_FEWEST_SEGMENTS = 4
"""One being written, one being read, one closed and one to give up when the cap is reached."""


def site_faults(draft: Draft) -> Iterator[Fault]:
    """Yield the faults of these sections."""
    yield from _gateway_faults(draft)
    yield from _scan_class_faults(draft)
    yield from _uplink_faults(draft)
    yield from _log_faults(draft)


def _gateway_faults(draft: Draft) -> Iterator[Fault]:
    code = draft.document.section("gateway").get("enterprise")
    if not isinstance(code, str) or not looks_like_uscc(code):
        return
    place = draft.document.place("gateway", "enterprise")
    right = check_character(code)
    if right is None:
        yield Fault(
            place,
            text(
                "a unified social credit code never has the letters I, O, S, V or Z; "
                "perhaps 1, 0, 5, U or 2 is meant"
            ),
        )
    elif right != code[-1]:
        words = text(
            'the check character of "{code}" would be {right}; compare it with the business licence',
            code=code,
            right=right,
        )
        yield Fault(place, words)


def _scan_class_faults(draft: Draft) -> Iterator[Fault]:
    for name, scan_class in draft.scan_classes.items():
        if scan_class.stale_ns < scan_class.period:
            words = text(
                "stale_after {found} is shorter than the period {period}; write at least {period}",
                found=show_duration(scan_class.stale_ns),
                period=show_duration(scan_class.period),
            )
            yield Fault(draft.document.place("scan_classes", name, "stale_after"), words)


def _uplink_faults(draft: Draft) -> Iterator[Fault]:
    for name in draft.names("uplinks"):
        tls = draft.document.section("uplinks", name, "tls")
        if ("certificate" in tls) != ("key" in tls):
            words = text("a client certificate and its key go together; give both or neither")
            yield Fault(draft.document.key_place("uplinks", name, "tls"), words)
        keys = draft.document.section("uplinks", name)
        if "tls" in keys and str(keys.get("url", "")).startswith("http:"):
            words = text("there is tls, but the url begins with http; write https")
            yield Fault(draft.document.place("uplinks", name, "url"), words)
        if "password" in keys and "username" not in keys:
            words = text("there is a password but no username; add it")
            yield Fault(draft.document.key_place("uplinks", name, "password"), words)


def _log_faults(draft: Draft) -> Iterator[Fault]:
    if draft.log is not None and (draft.log.events_cap or 0) > draft.log.cap:
        words = text("events_cap is a part of the cap {cap}; write less", cap=show_size(draft.log.cap))
        yield Fault(draft.document.place("log", "events_cap"), words)
    if draft.log is not None and draft.log.cap < _FEWEST_SEGMENTS * draft.log.segment:
        words = text(
            "the cap {cap} holds fewer than {count} segments of {segment}; write at least {least}",
            cap=show_size(draft.log.cap),
            count=_FEWEST_SEGMENTS,
            segment=show_size(draft.log.segment),
            least=show_size(_FEWEST_SEGMENTS * draft.log.segment),
        )
        yield Fault(draft.document.place("log", "cap"), words)
