"""Times without data: begun, ended, taken over by the agent's own absence, read back from the log alone."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from agent.availability import availability
from agent.gap import GATEWAY, GapBody, GapCause, Moment, Part, Subject
from agent.gap_watch import GapWatch
from agent.heartbeat import Heartbeat
from agent.history import History, fold, read_history
from agent.past import take_up
from agent.wiring import Wiring
from config.plant import Plant
from config.text import text
from config.units import DAY, S
from config.vocabulary import Flag, Reason, RecordKind
from filters.holds import Hold
from tests.agent.rig import STORED_S, events, forwarding_plant, gaps, take, this_boots_clock, wired
from tests.virtual import VirtualClock

WHY = text("not connected")
BOOT = "a" * 32
PLC = Subject(Part.DEVICE, "plc")


@asynccontextmanager
async def started(plant: Plant, state: Path, clock: VirtualClock) -> AsyncIterator[Wiring]:
    """A run that has taken up its past and whose heart beats; afterwards it is as after a kill."""
    async with wired(plant, state, clock) as wiring:
        take_up(wiring)
        beating = asyncio.create_task(Heartbeat(wiring).run())
        yield wiring
        beating.cancel()
        await asyncio.wait([beating])
        wiring.log.sync(STORED_S)
        shutil.copytree(state, state.with_name(state.name + "-killed"))


def history_of(state: Path) -> History:
    found = read_history(state / "log")
    assert found is not None
    return found


def told(found: History) -> list[tuple[str, str, str, float | None]]:
    """Return every gap: part, name, cause, length in seconds."""
    return [
        (*gap.subject, gap.cause.value, None if gap.length_ns is None else round(gap.length_ns / S))
        for gap in found.gaps
    ]


async def test_a_silent_device_is_a_gap_of_its_own_that_ends_with_its_answer(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with started(forwarding_plant(), tmp_path / "s", clock) as wiring:
        wiring.devices.device_lost("plc", WHY, Reason.TIMEOUT, clock.boot_ns())
        await clock.advance(60 * S)
        wiring.devices.device_restored("plc", clock.boot_ns() - 60 * S, clock.boot_ns(), 58)
    (gap,) = history_of(tmp_path / "s").gaps
    assert (gap.subject, gap.cause, gap.length_ns) == (PLC, GapCause.DEVICE_COMMS, 60 * S)
    assert gap.scans_missed == 60


async def test_a_link_is_lost_when_the_last_of_its_devices_is_cut_off(tmp_path: Path) -> None:
    plant, clock = forwarding_plant(devices=("a", "b"), link="bus"), VirtualClock()
    async with started(plant, tmp_path / "s", clock) as wiring:
        wiring.devices.device_lost("a", WHY, Reason.LINK_DOWN, clock.boot_ns())
        await clock.advance(10 * S)
        assert wiring.outages.cause_of(Subject(Part.LINK, "bus")) is None
        wiring.devices.device_lost("b", WHY, Reason.LINK_DOWN, clock.boot_ns())
        await clock.advance(10 * S)
        wiring.devices.device_restored("b", 0, clock.boot_ns(), 9)
        await clock.advance(10 * S)
        wiring.devices.device_restored("a", 0, clock.boot_ns(), 29)
    assert sorted(told(history_of(tmp_path / "s"))) == [
        ("device", "a", "link_lost", 30),
        ("device", "b", "link_lost", 10),
        ("link", "bus", "link_lost", 20),
    ]


async def test_a_pulled_cable_is_a_lost_link_though_the_first_question_timed_out(tmp_path: Path) -> None:
    plant, clock = forwarding_plant(devices=("a", "b"), link="bus"), VirtualClock()
    async with started(plant, tmp_path / "s", clock) as wiring:
        for device in ("a", "b"):
            wiring.devices.device_lost(device, WHY, Reason.TIMEOUT, clock.boot_ns())
        await clock.advance(10 * S)
        wiring.devices.device_lost_otherwise("a", Reason.LINK_DOWN, clock.boot_ns())
        assert wiring.outages.cause_of(Subject(Part.LINK, "bus")) is None
        wiring.devices.device_lost_otherwise("b", Reason.LINK_DOWN, clock.boot_ns())
        await clock.advance(20 * S)
        wiring.devices.device_lost_otherwise("b", Reason.DESYNC, clock.boot_ns())
        await clock.advance(30 * S)
        for device in ("a", "b"):
            wiring.devices.device_restored(device, 0, clock.boot_ns(), 60)
    assert sorted(told(history_of(tmp_path / "s"))) == [
        ("device", "a", "device_comms", 10),
        ("device", "a", "link_lost", 50),
        ("device", "b", "device_comms", 10),
        ("device", "b", "device_comms", 30),
        ("device", "b", "link_lost", 20),
        ("link", "bus", "link_lost", 20),
    ]


async def test_work_on_a_device_explains_from_then_on_that_it_is_silent(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with started(forwarding_plant(), tmp_path / "s", clock) as wiring:
        holds = wiring.engine.maintenance.holds
        wiring.devices.device_lost("plc", WHY, Reason.TIMEOUT, clock.boot_ns())
        await clock.advance(10 * S)
        until_ns = clock.boot_ns() + 3600 * S
        hold = Hold(
            since_ns=clock.boot_ns(), until_ns=until_ns, who="li", why="probe", flags=Flag.MAINTENANCE
        )
        holds.put("plc", hold)
        await clock.advance(100 * S)
        holds.lift("plc", clock.boot_ns())
        await clock.advance(10 * S)
        wiring.devices.device_restored("plc", 0, clock.boot_ns(), 120)
    found = history_of(tmp_path / "s").gaps
    assert [(gap.cause, gap.by) for gap in found] == [
        (GapCause.DEVICE_COMMS, ""),
        (GapCause.MAINTENANCE, "li"),
        (GapCause.DEVICE_COMMS, ""),
    ]
    assert sum(gap.length_ns or 0 for gap in found) == 120 * S


async def test_what_a_kill_left_open_lasts_until_the_agents_own_absence(tmp_path: Path) -> None:
    clock = this_boots_clock()
    async with started(forwarding_plant(), tmp_path / "s", clock) as wiring:
        await clock.advance(50 * S)
        wiring.devices.device_lost("plc", WHY, Reason.TIMEOUT, clock.boot_ns())
        await clock.advance(50 * S)
        take(wiring, [1, 2])
    killed = tmp_path / "s-killed"
    assert told(history_of(killed)) == [("device", "plc", "device_comms", None)]
    clock.now_ns += 100 * S
    async with started(forwarding_plant(), killed, clock) as wiring:
        wiring.devices.device_lost("plc", WHY, Reason.TIMEOUT, clock.boot_ns())
        await clock.advance(50 * S)
        wiring.devices.device_restored("plc", 0, clock.boot_ns(), 50)
    assert told(history_of(killed)) == [
        ("device", "plc", "device_comms", 50),
        ("gateway", "", "agent_crash", 100),
        ("device", "plc", "device_comms", 50),
    ]
    plc = next(month for month in availability(history_of(killed)) if month.subject == PLC)
    assert plc.down_s == pytest.approx(200, abs=1)
    assert plc.share == pytest.approx(50 / 250, abs=0.01)


async def test_readings_that_a_full_disk_did_not_take_are_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock()
    async with started(forwarding_plant(), tmp_path / "s", clock) as wiring:
        await clock.advance(5 * S)
        for _ in range(5):
            wiring.pipeline.ledger.refuse(2)
            await clock.advance(3 * S)
        await clock.advance(20 * S)
    assert told(history_of(tmp_path / "s")) == [("gateway", "", "disk_slow", 13)]


async def test_a_stop_that_takes_a_while_to_deliver_is_one_gap(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(forwarding_plant(), tmp_path, clock) as wiring:
        watch = GapWatch(wiring)
        wiring.outages.begin(GATEWAY, GapCause.CLEAN_STOP, clock.boot_ns())
        for _ in range(20):
            clock.now_ns += S
            watch.look(clock.boot_ns())
        assert [gap.end for gap in gaps(wiring)] == [None]


@pytest.mark.parametrize(("mains", "cause"), [(0, GapCause.MAINS_LOST), (1, GapCause.HOST_DOWN_UNCLEAN)])
async def test_a_battery_explains_why_the_machine_went_down(
    mains: int, cause: GapCause, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = {"enterprise": "test-works", "name": "gw-1", "mains_tag": "plc_0"}
    plant, clock = forwarding_plant(gateway=gateway), this_boots_clock()
    async with started(plant, tmp_path / "s", clock) as wiring:
        for value in (1, 0, mains):
            take(wiring, [value, 7])
            await clock.advance(2 * S)
    monkeypatch.setattr("agent.wiring.boot_id", lambda: "f" * 32)
    booted = VirtualClock(now_ns=20 * S, utc_offset_ns=clock.utc_ns() + 600 * S)
    async with started(plant, tmp_path / "s-killed", booted) as wiring:
        await booted.advance(S)
    (gap,) = history_of(tmp_path / "s-killed").gaps
    assert (gap.cause, gap.subject) == (cause, GATEWAY)


async def test_the_account_of_every_reading_goes_on_after_a_kill(tmp_path: Path) -> None:
    clock = VirtualClock()
    plant = forwarding_plant(tag={"deadband": {"absolute": 1.0}, "h": 8})
    async with started(plant, tmp_path / "s", clock) as wiring:
        for value in (1, 1, 1, 9, 9, 20):
            take(wiring, [value, 7])
        wiring.black_box.close()  # the newest record of the readings is none of readings
        first = wiring.pipeline.ledger.ever()
        assert (first.scanned, first.recorded, first.suppressed["deadband"]) == (12, 4, 8)
    state = tmp_path / "s-killed"
    async with started(plant, state, clock) as wiring:
        assert wiring.pipeline.ledger.ever() == first
        take(wiring, [1, 7])
        second = wiring.pipeline.ledger.ever()
        assert (second.scanned, second.recorded) == (14, 6)
        wiring.log.sync(STORED_S)
        (balances,) = wiring.log.ledger().balances.values()
        assert sum(found.recorded.readings for found in balances.values()) == second.recorded
    async with started(plant, state.with_name("s-killed-killed"), clock) as wiring:
        assert wiring.pipeline.ledger.ever() == second


BYPASSABLE = {
    "name": "water",
    "cause": {"tag": "plc_0", "above": 4},
    "effects": [{"tag": "plc_0", "equals": 1, "within": "3s"}],
    "bypassed_when": {"tag": "plc_1", "above": 0},
}


async def test_the_account_of_the_day_is_told_at_midnight(tmp_path: Path) -> None:
    clock, plant = VirtualClock(), forwarding_plant(rules={"interlocks": [BYPASSABLE]})
    evening = datetime(2026, 6, 1, 23, 59, 0).astimezone()
    clock.utc_offset_ns = int(evening.timestamp()) * S - clock.now_ns
    async with started(plant, tmp_path / "s", clock) as wiring:
        take(wiring, [1, 0])
        await clock.advance(2 * S)
        take(wiring, [1, 2])
        await clock.advance(118 * S)
        clock.now_ns += DAY - 180 * S  # as in a suspend: what was missed is not made up
        await clock.advance(120 * S)
        days = [event for event in events(wiring) if event.kind == "daily_summary"]
    assert [round(float(day.figures["hours"] or 0), 2) for day in days] == [0.02, 24]
    assert days[0].figures["scanned"] == 4
    assert days[0].figures["water_bypassed_s"] == pytest.approx(58, abs=3)
    assert days[1].figures["water_bypassed_s"] == pytest.approx(86400, abs=3)
    assert days[1].figures["scanned"] == 0
    assert days[1].figures["scanned_ever"] == 4
    assert days[1].figures["province_readings_backlog"] == 2


def moment(at_s: int, boot_id: str = BOOT) -> Moment:
    return Moment(boot_id=boot_id, boot_ns=at_s * S, utc_ns=at_s * S)


def test_who_stopped_the_agent_is_known_after_its_next_start() -> None:
    begun = GapBody(
        cause=GapCause.CLEAN_STOP, start=moment(10), end=None, by="SIGTERM from systemd[1] of root"
    )
    closed = GapBody(cause=GapCause.CLEAN_STOP, start=moment(11), end=moment(40), scans_missed=29)
    (gap,) = fold([begun, closed])
    assert (gap.start, gap.end, gap.by) == (moment(10), moment(40), begun.by)


def test_a_gap_across_months_counts_in_each_and_overlaps_count_once() -> None:
    first = Moment(boot_id=BOOT, boot_ns=0, utc_ns=1_790_000_000 * S)
    down = GapBody(
        cause=GapCause.HOST_DOWN_UNCLEAN,
        start=Moment(boot_id=BOOT, boot_ns=0, utc_ns=first.utc_ns + DAY),
        end=Moment(boot_id=BOOT, boot_ns=40 * DAY, utc_ns=first.utc_ns + 41 * DAY),
    )
    silent = GapBody(cause=GapCause.DEVICE_COMMS, device="plc", start=down.start, end=None)
    last = Moment(boot_id=BOOT, boot_ns=0, utc_ns=first.utc_ns + 42 * DAY)
    history = History(gaps=(down, silent), first=first, last=last, subjects=(GATEWAY, PLC))
    months = list(availability(history))
    assert len({month.month for month in months}) in (2, 3)
    assert sum(month.observed_s for month in months if month.subject == PLC) == pytest.approx(42 * 86400)
    assert sum(month.down_s for month in months if month.subject == GATEWAY) == pytest.approx(40 * 86400)
    assert sum(month.down_s for month in months if month.subject == PLC) == pytest.approx(41 * 86400)


async def test_a_step_of_the_clock_is_a_gap_in_which_nothing_is_missing(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with started(forwarding_plant(), tmp_path / "s", clock) as wiring:
        clock.utc_offset_ns -= 12 * 3600 * S
        await clock.advance(10 * S)
        assert events(wiring)[-1].kind == "clock_step"
    (gap,) = history_of(tmp_path / "s").gaps
    assert (gap.subject, gap.cause, gap.length_ns) == (GATEWAY, GapCause.CLOCK_STEP, 0)
    assert gap.end is not None
    assert gap.end.utc_ns - gap.start.utc_ns == -12 * 3600 * S
    assert gap.scans_missed is None


async def test_a_gap_that_a_newer_program_wrote_hides_no_other(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with started(forwarding_plant(), tmp_path / "s", clock) as wiring:
        wiring.devices.device_lost("plc", WHY, Reason.TIMEOUT, clock.boot_ns())
        wiring.pipeline._append(RecordKind.GAP, b'{"version":2}', clock.boot_ns(), clock.boot_ns())
    found = history_of(tmp_path / "s")
    assert [gap.subject for gap in found.gaps] == [PLC]
    assert found.unreadable == 1
