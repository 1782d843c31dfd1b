"""What people change in the running agent is told with their name, kept, and refused politely."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from agent.actions import actions
from agent.audit import Audit
from agent.judged import alarms
from agent.past import take_up
from agent.status import answers, status
from agent.status_server import Refused
from agent.wiring import Wiring
from config.text import text
from config.turns import at_once
from config.vocabulary import FLAGS_MASK, Flag, Reason, bad
from drivers.contract import DeviceTimeout
from tests.agent.rig import events, forwarding_plant, take, wired
from tests.virtual import VirtualClock

S = 10**9


def do(wiring: Wiring, action: str, **arguments: Any) -> Any:
    return actions(wiring)[action]("wang", arguments)


async def test_an_action_is_told_with_the_name_of_the_user_and_what_was_done_and_why(tmp_path: Path) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        do(wiring, "maintain", subject="plc", why="换滤袋", **{"for": "2h"})
        (told,) = events(wiring)
        assert (told.kind, told.rule) == ("operator_action", "maintain")
        assert told.figures == {"subject": "plc", "why": "换滤袋", "for": "2h", "user": "wang"}
        assert told.text.zh == "wang 将 plc 置为检修 2 小时：换滤袋"


async def test_nobody_can_act_in_the_name_of_another(tmp_path: Path) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        do(wiring, "maintain", subject="plc", why="w", user="zhang", **{"for": "2h"})
        assert events(wiring)[0].figures["user"] == "wang"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"subject": "plc_2"}, 'device or tag "plc_2" is unknown; did you mean "plc_1"?'),
        ({"subject": 7}, 'device or tag "7" is unknown; known are plc, plc_0, plc_1'),
        ({"why": " "}, "say why in one line of at most 200 characters: --why ..."),
        ({"why": "a\nb"}, "say why in one line of at most 200 characters: --why ..."),
        ({"for": "2"}, 'duration "2" has no unit; write for example 5s'),
        ({"for": None}, '"None" is not a duration; write for example 5s'),
        ({"for": "0s"}, "write a duration from 1s to 30d"),
        ({"for": "31d"}, "write a duration from 1s to 30d"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_told_as_refused(
    tmp_path: Path, wrong: dict[str, object], words: str
) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        with pytest.raises(Refused) as refused:
            do(wiring, "maintain", **{"subject": "plc", "why": "w", "for": "2h"} | wrong)
        assert refused.value.words.show("en") == words
        (told,) = events(wiring)
        assert (told.kind, told.rule, told.figures["user"]) == ("operator_refused", "maintain", "wang")
        assert told.text.en.endswith(words)
        assert len(wiring.engine.maintenance.holds) == 0


async def test_who_is_refused_again_and_again_is_told_once_a_minute_and_counted(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(forwarding_plant(), tmp_path, clock) as wiring:
        act = actions(wiring)
        for second in range(121):
            clock.now_ns += S
            with pytest.raises(Refused):
                act["end_maintenance"]("wang" if second % 2 else "li", {"subject": "plc"})
        told = [(event.figures["user"], event.figures.get("refused_before")) for event in events(wiring)]
        assert told == [("li", None), ("wang", None), ("li", 29), ("wang", 29), ("li", 29)]


async def test_who_may_not_ask_at_all_is_told_by_name(tmp_path: Path) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        Audit(wiring).turned_away("guest", "/actions/maintain")
        (told,) = events(wiring)
        assert (told.kind, told.rule, told.figures) == (
            "operator_refused",
            "/actions/maintain",
            {"user": "guest"},
        )
        assert told.text.en == ("guest was refused /actions/maintain: not in the group that owns the socket")


async def test_of_many_alarms_that_are_acknowledged_at_once_every_name_is_kept(tmp_path: Path) -> None:
    plant = forwarding_plant(tag=LATCHED, tags_each=200)
    async with wired(plant, tmp_path, VirtualClock()) as wiring:
        take(wiring, [5] * 200)
        wiring.pipeline.finish()
        names = [f"plc_{number}.H" for number in range(200)]
        do(wiring, "acknowledge", alarms=names)
        (told,) = [event for event in events(wiring) if event.kind == "operator_action"]
        assert told.figures == {"alarms": ", ".join(names), "alarms_count": 200, "user": "wang"}
        assert told.text.en.startswith("wang acknowledged plc_0.H, plc_1.H, ")
        assert len(told.text.en) < 300


async def test_only_what_is_in_maintenance_can_be_returned_to_service(tmp_path: Path) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        with pytest.raises(Refused, match='device or tag in maintenance "plc" is unknown; there is none'):
            do(wiring, "end_maintenance", subject="plc")
        do(wiring, "maintain", subject="plc", why="w", **{"for": "2h"})
        do(wiring, "end_maintenance", subject="plc")
        assert [event.kind for event in events(wiring)] == [
            "operator_refused",
            "operator_action",
            "operator_action",
            "maintenance_ended",
        ]


async def test_what_was_done_outlives_a_kill_at_the_next_moment(tmp_path: Path) -> None:
    clock = VirtualClock(now_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    async with wired(forwarding_plant(), tmp_path / "state", clock) as wiring:
        take(wiring, [1, 2])
        clock.now_ns += S  # the log dates what it adds itself by the kernel's clock
        do(wiring, "maintain", subject="plc_0", why="w", calibration=True, **{"for": "2h"})
        wiring.log.sync(10)
        shutil.copytree(tmp_path / "state", tmp_path / "killed")
    async with wired(forwarding_plant(), tmp_path / "killed", clock) as second:
        take_up(second)
        take(second, [1, 2])
        flags = (second.engine.image.quality & FLAGS_MASK).tolist()
        assert flags == [Flag.MAINTENANCE | Flag.CALIBRATION, 0]


LATCHED = {"h": 4, "latch": True, "response": "停炉"}


async def test_alarms_are_acknowledged_and_reset_by_name(tmp_path: Path) -> None:
    async with wired(forwarding_plant(tag=LATCHED), tmp_path, VirtualClock()) as wiring:
        take(wiring, [5, 5])
        take(wiring, [3, 5])
        answer = do(wiring, "acknowledge", alarms=["plc_0.H", "plc_1.H"])
        assert answer == {"acknowledged": ["plc_0.H", "plc_1.H"]}
        told = [(event.kind.value, event.rule) for event in events(wiring)]
        assert told[3:] == [("operator_action", "acknowledge"), ("alarm_cleared", "plc_0.H")]
        assert [alarm.state.value for alarm in wiring.engine.annunciator.all()] == ["acknowledged"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["plc_9.H"], 'alarm now "plc_9.H" is unknown; did you mean "plc_0.H"?'),
        ([], "name from 1 to 200 of them at a time"),
        ("plc_0.H", "name from 1 to 200 of them at a time"),
        ([f"{number}" for number in range(201)], "name from 1 to 200 of them at a time"),
    ],
)
async def test_only_alarms_that_are_there_are_acknowledged(tmp_path: Path, names: object, words: str) -> None:
    async with wired(forwarding_plant(tag=LATCHED), tmp_path, VirtualClock()) as wiring:
        take(wiring, [5, 3])
        with pytest.raises(Refused) as refused:
            do(wiring, "acknowledge", alarms=names)
        assert refused.value.words.show("en") == words


async def test_an_alarm_is_shelved_for_a_time_with_name_and_reason(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(forwarding_plant(tag=LATCHED), tmp_path, clock) as wiring:
        assert do(wiring, "shelve", alarm="plc_0.H", why="w", **{"for": "1h"})["for_s"] == 3600
        with pytest.raises(Refused, match="write a duration from 1s to 1d"):
            do(wiring, "shelve", alarm="plc_1.H", why="w", **{"for": "2d"})
        take(wiring, [5, 3])
        (raised,) = [event for event in events(wiring) if event.kind == "alarm_raised"]
        assert (raised.withheld, raised.response) == ("shelved", "停炉")
        await clock.advance(3600 * S)
        ended, again = events(wiring)[-2:]
        assert (ended.kind, ended.figures["user"]) == ("alarm_shelf_ended", "wang")
        assert (again.kind, again.withheld) == ("alarm_repeated", None)
        do(wiring, "shelve", alarm="plc_0.H", why="w", **{"for": "1h"})
        do(wiring, "unshelve", alarm="plc_0.H")
        assert events(wiring)[-1].figures["because"] == "by_hand"
        with pytest.raises(Refused, match=r'shelved alarm "plc_0\.H" is unknown; there is none'):
            do(wiring, "unshelve", alarm="plc_0.H")


async def test_thousands_of_alarms_are_read_page_by_page_the_most_urgent_first(tmp_path: Path) -> None:
    plant = forwarding_plant(tags_each=120, tag={"h": 4})
    async with wired(plant, tmp_path, VirtualClock()) as wiring:
        take(wiring, [5] * 120)
        wiring.pipeline.finish()
        asked = answers(wiring)["/alarms"]
        pages = [asked({"from": start}) for start in ("0", "50", "100")]
        assert [page["next"] for page in pages] == [50, 100, None]  # type: ignore[index]
        listed = [alarm["rule"] for page in pages for alarm in page["alarms"]]  # type: ignore[index]
        assert listed == [f"plc_{number}.H" for number in range(120)]
        assert len(at_once(status(wiring))["alarms"]) == 50  # type: ignore[arg-type]


async def test_what_the_sensors_of_a_lost_device_say_is_one_line_of_the_status(tmp_path: Path) -> None:
    clock = VirtualClock()
    plant = forwarding_plant(tags_each=40, tag={"safety": True, "fault_delay": "2s"})
    async with wired(plant, tmp_path, clock) as wiring:
        silent = DeviceTimeout(text("no answer within {seconds} s", seconds=1))
        wiring.poller._failed(wiring.plant.groups[0], silent, clock.boot_ns())
        take(wiring, [0] * 40, quality=bad(Reason.TIMEOUT))
        await clock.advance(10 * S)
        found = at_once(status(wiring))
        assert found["alarms"] == []
        words = "device plc does not answer: no answer within 1 s; 40 alarms of its sensors stand"
        assert [concern["en"] for concern in found["concerns"]].count(words) == 1  # type: ignore[index]
        assert alarms(wiring)["total"] == 40
