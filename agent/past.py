"""What an earlier run left behind: the state to go on from, and the time since, as records."""

from __future__ import annotations

from importlib.metadata import version

from agent import journal
from agent.anchor import Anchor, unpack_anchor
from agent.bodies import RecordError
from agent.dictionary import unpack_tags
from agent.events import own_event
from agent.findings import LOSS_CAUSES
from agent.gap import GapBody, GapCause, Moment
from agent.keepsake import OwnState, open_state
from agent.ledger import Totals
from agent.outages import ended
from agent.platforms.fengsui1 import show_run
from agent.records import counters_of
from agent.timebase import Sample
from agent.wiring import Wiring
from buffer.recover import PreviousRun, Recovery
from config.text import text
from config.vocabulary import EventKind, LossCause, RecordKind, Stream
from filters.event import Event
from filters.snapshot import state_lost


def take_up(wiring: Wiring) -> None:
    """Record that the agent started, what it finds missing, and go on from the stored state."""
    recovery = wiring.log.recovery
    _say(recovery)
    now = wiring.clock.boot_ns()
    own, judged = _go_on(wiring, recovery, now)
    previous = recovery.previous
    if previous is not None:
        _trust(wiring, recovery, previous)
    figures = {} if previous is None else _figures(previous)
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
    if previous is not None:
        _record_gap(wiring, recovery, previous, now, mains_lost=own.mains_lost)
    for event in judged:
        wiring.pipeline.tell(event)
    _welcome_and_close(wiring, recovery, now)


def _trust(wiring: Wiring, recovery: Recovery, previous: PreviousRun) -> None:
    """Go on from what an earlier run knew of the time."""
    timebase, stored = wiring.timebase, _stored_anchor(recovery)
    if stored is not None and stored.boot_id == timebase.anchor.boot_id and stored.uncertainty_ns is not None:
        timebase.offer(
            Sample(
                source=stored.source,
                boot_ns=stored.boot_ns,
                utc_ns=stored.utc_ns,
                uncertainty_ns=stored.uncertainty_ns,
            )
        )
    timebase.stored(_believed_utc_ns(wiring, recovery, previous))


def _go_on(wiring: Wiring, recovery: Recovery, now: int) -> tuple[OwnState, list[Event]]:
    """Take up what was remembered; before the first record, because a segment begins with its STATE."""
    own, events = OwnState(), []
    if recovery.state is not None:
        try:
            own, judge = open_state(recovery.state.body)
        except RecordError as error:
            journal.warn(text("the stored state cannot be read"), cause=error)
            events = [state_lost(now)]
        else:
            events = _restore(wiring, recovery, judge, recovery.state.boot_id, now)
    if recovery.previous is not None:
        wiring.pipeline.ledger.before = _totals(wiring, recovery.previous, own)
    return own, events


def _totals(wiring: Wiring, previous: PreviousRun, own: OwnState) -> Totals:
    """Return what became of all readings until now: every DATA record says what had until then."""
    told = _told(wiring, previous)
    if own.run != previous.run:
        return own.before.plus(own.so_far).plus(told)
    return own.before.plus(max(told, own.so_far, key=lambda totals: totals.scanned))


def _restore(wiring: Wiring, recovery: Recovery, judge: bytes, boot: str, now: int) -> list[Event]:
    """Let the judge go on from its own state, which was stored in the boot `boot`."""
    previous = recovery.previous
    ended = previous.last_boot_ns if previous is not None and previous.boot_id == boot else 0
    return wiring.engine.restore(
        judge,
        now,
        same_boot=boot == wiring.timebase.anchor.boot_id,
        ended_boot_ns=ended,
        away_ns=_away_ns(wiring, recovery, boot, ended),
    )


def _away_ns(wiring: Wiring, recovery: Recovery, boot: str, ended_boot_ns: int) -> int:
    """Return how long nothing ran since a boot's last record; 0 where a clock of the two is not vouched for.

    What people set aside for a time then lasts longer by that: it may not end because a clock was wrong.
    """
    before, anchor = _stored_anchor(recovery), wiring.timebase.anchor
    if before is None or before.boot_id != boot or not (before.synchronised and anchor.synchronised):
        return 0
    now_utc_ns = anchor.utc_ns_of(wiring.clock.boot_ns())
    return max(0, now_utc_ns - before.utc_ns_of(ended_boot_ns)) if ended_boot_ns else 0


def _told(wiring: Wiring, previous: PreviousRun) -> Totals:
    """Return what the newest DATA record of the run before says of it; nothing where there is none."""
    newest = wiring.log.newest(Stream.READINGS, previous.run, RecordKind.DATA)
    tags = None if newest is None else wiring.log.preamble_of(newest).get(RecordKind.TAGS)
    if newest is None or tags is None:
        return Totals()
    try:
        return Totals.of(counters_of(newest.body), unpack_tags(tags).suppression)
    except RecordError as error:
        journal.warn(text("the account of the run before cannot be read"), cause=error)
        return Totals()


def _welcome_and_close(wiring: Wiring, recovery: Recovery, now: int) -> None:
    """Record which uplinks are new; close those that are described no more, once that is stored."""
    for name in recovery.added:
        wiring.pipeline.tell(own_event(EventKind.UPLINK_ADDED, name, now))
    for removed in recovery.removed:
        backlog = {
            f"backlog_{stream.name.lower()}": count.records for stream, count in removed.backlog.items()
        }
        detail = text("{count} records were never sent to it", count=sum(backlog.values()))
        journal.warn(text("an uplink is described no more"), uplink=removed.name, **backlog)
        event = own_event(EventKind.UPLINK_REMOVED, removed.name, now, **backlog)
        wiring.pipeline.tell(event, detail if removed.backlog else None)
        wiring.log.forget(removed.name)


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


def _record_gap(
    wiring: Wiring, recovery: Recovery, previous: PreviousRun, now: int, *, mains_lost: bool
) -> None:
    anchor = wiring.timebase.anchor
    start = Moment(
        boot_id=previous.boot_id,
        boot_ns=previous.last_boot_ns,
        utc_ns=_believed_utc_ns(wiring, recovery, previous),
    )
    gap = GapBody(cause=_cause(previous, anchor.boot_id, mains_lost=mains_lost), start=start, end=None)
    wiring.pipeline.record_gap(ended(gap, Moment.by(anchor, now), wiring.plant))


def _cause(previous: PreviousRun, boot_id: str, *, mains_lost: bool) -> GapCause:
    if previous.clean:
        return GapCause.CLEAN_STOP
    if previous.boot_id == boot_id:
        return GapCause.AGENT_CRASH
    return GapCause.MAINS_LOST if mains_lost else GapCause.HOST_DOWN_UNCLEAN


def _believed_utc_ns(wiring: Wiring, recovery: Recovery, previous: PreviousRun) -> int:
    """Return the UTC of the previous run's last record; by this boot's clock where its own is not known."""
    anchor, stored = wiring.timebase.anchor, _stored_anchor(recovery)
    if stored is not None and previous.boot_id != anchor.boot_id and previous.boot_id == stored.boot_id:
        anchor = stored
    return anchor.utc_ns_of(previous.last_boot_ns)


def _stored_anchor(recovery: Recovery) -> Anchor | None:
    """Return the newest anchor of the log; None where there is none that can be read."""
    if recovery.anchor is None:
        return None
    try:
        return unpack_anchor(recovery.anchor.body)
    except RecordError as error:
        journal.warn(text("the stored clock cannot be read"), cause=error)
        return None
