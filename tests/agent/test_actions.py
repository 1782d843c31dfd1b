"""What people change in the running agent is told with their name, kept, and refused politely."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from agent.actions import actions
from agent.past import take_up
from agent.status_server import Refused
from agent.wiring import Wiring
from config.vocabulary import FLAGS_MASK, Flag
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
        assert told.text.zh == "wang 操作 maintain：subject=plc, why=换滤袋, for=2h"


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
async def test_what_cannot_be_done_is_refused_and_neither_done_nor_told(
    tmp_path: Path, wrong: dict[str, object], words: str
) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        with pytest.raises(Refused) as refused:
            do(wiring, "maintain", **{"subject": "plc", "why": "w", "for": "2h"} | wrong)
        assert refused.value.words.show("en") == words
        assert events(wiring) == []
        assert len(wiring.engine.maintenance.holds) == 0


async def test_only_what_is_in_maintenance_can_be_returned_to_service(tmp_path: Path) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        with pytest.raises(Refused, match='device or tag in maintenance "plc" is unknown; there is none'):
            do(wiring, "end_maintenance", subject="plc")
        do(wiring, "maintain", subject="plc", why="w", **{"for": "2h"})
        do(wiring, "end_maintenance", subject="plc")
        assert [event.kind for event in events(wiring)] == [
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
