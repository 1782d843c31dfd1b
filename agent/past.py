"""What an earlier run left behind: the state to go on from, and the time since, as records."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

from agent import journal
from agent.anchor import unpack_anchor
from agent.bodies import RecordError
from agent.events import own_event
from agent.findings import LOSS_CAUSES
from agent.gap import GapBody, Moment
from agent.platforms.fengsui1 import show_run
from agent.wiring import Wiring
from buffer.recover import PreviousRun, Recovery
from config.plant import Plant
from config.text import text
from config.vocabulary import EventKind, GapCause, LossCause, Stream
from filters.event import Event


def take_up(wiring: Wiring) -> None:
    """Record that the agent started, what it finds missing, and go on from the stored state."""
    recovery = wiring.log.recovery
    _say(recovery)
    now = wiring.clock.boot_ns()
    judged = _go_on(wiring, recovery, now)
    figures = {} if recovery.previous is None else _figures(recovery.previous)
    wiring.pipeline.tell(
        own_event(
            EventKind.AGENT_STARTED,
            "agent",
            now,
            version=version("fengsui"),
            start=recovery.start,
            plant=wiring.plant.digest[:16],
            **figures,
        )
    )
    if recovery.previous is not None:
        _record_gap(wiring, recovery, recovery.previous, now)
    for event in judged:
        wiring.pipeline.tell(event)


def _go_on(wiring: Wiring, recovery: Recovery, now: int) -> list[Event]:
    """Take up what the judge remembered; before the first record, because a segment begins with its STATE."""
    if recovery.state is None:
        return []
    same_boot = recovery.state.boot_id == wiring.timebase.anchor.boot_id
    return wiring.engine.restore(recovery.state.body, now, same_boot=same_boot)


def _say(recovery: Recovery) -> None:
    if recovery.torn_bytes and LossCause.TORN_TAIL not in {loss.cause for loss in recovery.losses}:
        journal.warn(text("the log's end was torn and has been cut"), bytes=recovery.torn_bytes)
    for name in recovery.ignored:
        journal.warn(text("a file in the log's directory is not part of the log"), file=name)
    for name in recovery.emptied:
        journal.error(text("a file of the log held no whole record and was deleted"), file=name)
    for loss in recovery.losses:
        journal.error(
            text("records of the log are lost"),
            stream=loss.stream.name.lower(),
            first=loss.first,
            last=loss.last,
            cause=LOSS_CAUSES[loss.cause],
            **({"uplink": loss.uplink} if loss.uplink else {}),
        )


def _figures(previous: PreviousRun) -> dict[str, float | str]:
    return {
        "previous_run": show_run(previous.run),
        "previous_readings": previous.last_seq.get(Stream.READINGS, 0),
        "previous_events": previous.last_seq.get(Stream.EVENTS, 0),
    }


def _record_gap(wiring: Wiring, recovery: Recovery, previous: PreviousRun, now: int) -> None:
    anchor = wiring.timebase.anchor
    start = Moment(
        boot_id=previous.boot_id,
        boot_ns=previous.last_boot_ns,
        utc_ns=_believed_utc_ns(wiring, recovery, previous),
    )
    gap = GapBody(cause=_cause(previous, anchor.boot_id), start=start, end=None)
    gap = gap.ended(Moment.by(anchor, now))
    wiring.pipeline.record_gap(replace(gap, scans_missed=_scans_in(wiring.plant, gap.length_ns)))


def _scans_in(plant: Plant, length_ns: int | None) -> int | None:
    """Return how many scans there would have been in a time; None where nobody knows how long it was."""
    if length_ns is None:
        return None
    return sum(length_ns // plant.scan_class_of(group).period for group in plant.groups)


def _cause(previous: PreviousRun, boot_id: str) -> GapCause:
    if previous.clean:
        return GapCause.CLEAN_STOP
    return GapCause.AGENT_CRASH if previous.boot_id == boot_id else GapCause.HOST_DOWN_UNCLEAN


def _believed_utc_ns(wiring: Wiring, recovery: Recovery, previous: PreviousRun) -> int:
    """Return the UTC of the previous run's last record; of this boot's clock where its own is not known."""
    anchor = wiring.timebase.anchor
    if previous.boot_id != anchor.boot_id and recovery.anchor is not None:
        try:
            stored = unpack_anchor(recovery.anchor.body)
        except RecordError as error:
            journal.warn(text("the stored clock cannot be read"), cause=error)
        else:
            if stored.boot_id == previous.boot_id:
                anchor = stored
    return anchor.utc_ns_of(previous.last_boot_ns)
