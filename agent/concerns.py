"""What somebody should know of the running agent: the top of `fengsui status`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from agent import naming
from agent.balances import losses
from agent.buses import MUCH, overloads
from agent.expiry import running_out
from agent.findings import LOSS_CAUSES
from agent.judged import label, last_failure
from agent.spans import local_clock, span_of
from agent.verdict import verdict_words
from agent.volatile import warning
from agent.wiring import Wiring
from config.plant import ScanGroup
from config.rules import Interlock
from config.text import Text, text
from config.units import S, show_duration
from config.vocabulary import CLASS_SHIFT, NOT_YET_READ, QualityClass, WitnessState, describe
from drivers.registry import modbus_buses
from filters.witnesses import InterlockStatus

MANY_CUTS: Final = 5
"""Within ten minutes; two gateways under one name take the connection from each other more often."""


def concerns(wiring: Wiring, silent: Mapping[str, int]) -> Iterator[Text]:
    """Yield what somebody should know, most pressing first.

    `silent`: how many alarms each device that does not answer has folded into one line.
    """
    if wiring.volatile is not None:
        yield warning(wiring.volatile)
    if wiring.degraded is not None:
        yield wiring.degraded
    yield from _interlocks(wiring)
    yield from _absent(wiring, silent)
    yield from _bad_tags(wiring)
    yield from _set_aside(wiring)
    yield from _uplinks(wiring)
    yield from _losses(wiring)
    utc_ns = wiring.timebase.anchor.utc_ns_of(wiring.clock.boot_ns())
    for remaining in running_out(wiring.poller.drivers.values(), utc_ns):
        yield remaining.words
    yield from _overload(wiring)
    buses = modbus_buses(wiring.plant, wiring.poller.drivers)
    yield from (words for _, words in overloads(buses, above=MUCH))
    yield from _storage(wiring)
    yield from _time(wiring)


def _interlocks(wiring: Wiring) -> Iterator[Text]:
    """Yield interlocks that failed and were not proven since, are bypassed, or cannot be witnessed now.

    Who has muted one is not told of it as an alarm; that it needs somebody stays to be seen.
    """
    described = {interlock.name: interlock for interlock in wiring.plant.interlocks}
    for found in wiring.engine.interlocks():
        for said in _of_interlock(wiring, found, described[found.name]):
            yield text("{concern} (muted)", concern=said) if found.muted else said


def _of_interlock(wiring: Wiring, found: InterlockStatus, described: Interlock) -> Iterator[Text]:
    title = described.title or described.name
    if found.unready_since_boot_ns is not None:
        yield text("interlock {title} is armed and not ready", title=title)
    if found.proof_due_boot_ns is not None and found.proof_due_boot_ns <= wiring.clock.boot_ns():
        yield text("interlock {title} must be proof-tested", title=title)
    if found.failed_since_proof:
        yield _failure(wiring, found, described)
    if found.bypassed_since_boot_ns is not None:
        yield text("interlock {title} is bypassed", title=title)
    if found.state is WitnessState.UNKNOWN:
        yield text("interlock {title} cannot be witnessed: an input has no good value", title=title)


def _failure(wiring: Wiring, found: InterlockStatus, described: Interlock) -> Text:
    """Return that an interlock failed, when and how it did last, and what is to be done."""
    title, last = described.title or described.name, last_failure(found)
    count = found.failed_since_proof
    said = text("interlock {title} FAILED {count} times since its last proof", title=title, count=count)
    if last is not None:
        anchor = wiring.timebase.anchor
        then, now = anchor.utc_ns_of(last.boot_ns), anchor.utc_ns_of(wiring.clock.boot_ns())
        said = text("{said}, last at {clock}", said=said, clock=local_clock(then / S, now / S))
        how = verdict_words(last.figures, partial(label, wiring.plant))
        said = said if how is None else text("{said}: {how}", said=said, how=how)
    if described.response:
        said = text("{said}; to do: {response}", said=said, response=described.response)
    return said


def _absent(wiring: Wiring, silent: Mapping[str, int]) -> Iterator[Text]:
    """Yield devices that do not answer, each with the alarms of its sensors folded into one line."""
    for device, absence in wiring.poller.absences().items():
        if silent.get(device):
            yield text(
                "device {device} does not answer: {cause}; {count} alarms of its sensors stand",
                device=naming.device(wiring.plant, device),
                cause=absence.cause,
                count=silent[device],
            )
        else:
            name = naming.device(wiring.plant, device)
            yield text("device {device} does not answer: {cause}", device=name, cause=absence.cause)


def _set_aside(wiring: Wiring) -> Iterator[Text]:
    """Yield what people have set aside, which nobody may forget."""
    if count := len(wiring.engine.maintenance.holds):
        yield text("{count} devices or tags are in maintenance", count=count)
    if count := len(wiring.engine.annunciator.shelves):
        yield text("{count} alarms are shelved", count=count)
    if count := len(wiring.engine.witnesses.mutes):
        yield text("{count} interlocks are muted", count=count)


def _bad_tags(wiring: Wiring) -> Iterator[Text]:
    """Yield what devices that do answer have no good value of: a wrong address, a broken wire."""
    plant = wiring.plant
    quality = wiring.engine.image.quality[: len(plant.tags)]  # of what is computed, its inputs tell
    bad = (quality >> CLASS_SHIFT == QualityClass.BAD) & (quality != NOT_YET_READ)
    groups: dict[str, list[ScanGroup]] = {}
    for group in plant.groups:
        groups.setdefault(group.device, []).append(group)
    absent = wiring.poller.absences()
    for device, owned in groups.items():
        count = sum(int(bad[group.span].sum()) for group in owned)
        if device in absent or not count:
            continue
        first = next(group.first + int(bad[group.span].argmax()) for group in owned if bad[group.span].any())
        yield text(
            "{count} of {total} tags of device {device} are bad; {tag}: {quality}",
            count=count,
            total=sum(group.count for group in owned),
            device=naming.device(plant, device),
            tag=plant.tags[first].tag,
            quality=describe(int(quality[first])),
        )


def _uplinks(wiring: Wiring) -> Iterator[Text]:
    """Yield uplinks that are down, whose name somebody else uses, and whose platform confirms nothing."""
    for name, forwarder in wiring.forwarders.items():
        state = forwarder.state
        if state.why is not None:
            yield text("uplink {uplink} is down: {why}", uplink=name, why=state.why)
        if state.taken_over_boot_ns is not None:
            yield text(
                "uplink {uplink}: another client connects under its name, last {age} ago; look for a second "
                "gateway with the name of this one",
                uplink=name,
                age=span_of((wiring.clock.boot_ns() - state.taken_over_boot_ns) / S),
            )
        elif state.cut_off >= MANY_CUTS:
            yield text(
                "uplink {uplink} was cut off {count} times within ten minutes: the line is bad, or a second "
                "gateway has the name of this one",
                uplink=name,
                count=state.cut_off,
            )
        if state.overdue_s:
            yield text("uplink {uplink}: the platform does not confirm what the broker has", uplink=name)


def _overload(wiring: Wiring) -> Iterator[Text]:
    if wiring.governor.level > 1:
        yield text(
            "this machine is too slow for what is asked: of every {stride} grid instants, one is read",
            stride=f"{wiring.governor.level:.1f}",
        )
    if wiring.pipeline.ledger.refused:
        yield text(
            "{count} readings were not stored because the disk was too slow",
            count=wiring.pipeline.ledger.refused,
        )
    if wiring.black_box.lost_scans:
        yield text(
            "the black box lost {count} scans: this machine is too slow for it",
            count=wiring.black_box.lost_scans,
        )


def _storage(wiring: Wiring) -> Iterator[Text]:
    ledger = wiring.log.ledger()
    if wiring.log.waits_for is not None:
        yield text("the log waits until it can open its files: {why}", why=wiring.log.waits_for)
    if ledger.full:
        yield text("the disk is full; the oldest readings make room")
    if ledger.at_least_missed:
        yield text(
            "the log's cap is too small to keep readings for {duration}",
            duration=show_duration(wiring.plant.description.log.at_least),
        )


def _time(wiring: Wiring) -> Iterator[Text]:
    anchor, error_ns = wiring.timebase.anchor, wiring.timebase.machine_error_ns()
    if not anchor.synchronised:
        yield text("the clock of this machine is not synchronised")
    if error_ns is not None and abs(error_ns) > S:
        yield text(
            "the clock of this machine is {seconds} s off; records are dated by another: {source}",
            seconds=f"{error_ns / S:+.0f}",
            source=anchor.source,
        )


def _losses(wiring: Wiring) -> Iterator[Text]:
    """Yield what this run has lost or found lost, and what platforms would not take."""
    lost = losses(wiring.log.ledger().balances)
    lost.subtract(wiring.lost_before)
    for (uplink, cause), count in lost.items():
        if uplink and count > 0:
            yield text(
                "{count} records were lost to uplink {uplink} since the start: {cause}",
                count=count,
                uplink=uplink,
                cause=LOSS_CAUSES[cause],
            )
    for uplink, forwarder in wiring.forwarders.items():
        if forwarder.state.refused:
            yield text(
                "uplink {uplink} refused {count} records since the start; they are in quarantine",
                uplink=uplink,
                count=forwarder.state.refused,
            )
