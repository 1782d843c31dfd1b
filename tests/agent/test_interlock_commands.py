"""`fengsui interlocks`, asked of an agent whose interlock has proven, failed and been muted."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from agent.actions import actions
from agent.cli.interlocks import _EVENTS, _entry
from agent.judged import proof_log
from agent.status import answers, status
from agent.status_server import Refused, serve_status
from agent.wiring import Wiring
from config.turns import at_once
from config.vocabulary import EventKind
from filters.proof import WORTH_KEEPING
from tests.agent.rig import events, forwarding_plant, take, wired
from tests.system.program import command
from tests.virtual import VirtualClock

S = 10**9
USAGE = 64
CUT: dict[str, Any] = {
    "name": "cut",
    "title": "断水联锁",
    "cause": {"tag": "plc_0", "above": 4},
    "effects": [{"tag": "plc_1", "equals": 1, "within": "5s"}],
    "proof_every": "1h",
}


@asynccontextmanager
async def witnessing(state: Path) -> AsyncIterator[tuple[Wiring, VirtualClock]]:
    """An agent that has seen one proof and one failure."""
    clock = VirtualClock()
    async with wired(forwarding_plant(rules={"interlocks": [CUT]}), state, clock) as wiring:
        for raw in ([0, 0], [5, 0], [5, 1], [0, 0], [0, 0], *[[5, 0]] * 8, [0, 0]):
            take(wiring, raw)
            await clock.advance(S)
        yield wiring, clock


async def test_the_commands_show_what_an_interlock_has_shown_in_both_languages() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            witnessing(Path(folder) / "log") as (wiring, _),
            serve_status(Path(folder) / "fengsui.sock", answers(wiring), actions(wiring)),
        ):
            en = await called(folder, "interlocks")
            assert en.returncode == 0
            assert en.stdout.splitlines()[1].split()[:5] == ["cut", "armed", "2", "1", "1"]
            (one,) = orjson.loads((await called(folder, "interlocks", "--json")).stdout)
            assert (one["demands"], one["proven"], one["failed"], one["muted"]) == (2, 1, 1, False)
            assert 3500 < one["proof_due_in_s"] < 3600
            history = (await called(folder, "interlocks", "history", "cut")).stdout
            assert history.index("FAILED") < history.index("proven")
            assert "0.00..2.00 s" in history
            assert "动作失败" in (await called(folder, "interlocks", "history", "cut", zh=True)).stdout
            muting = ("interlocks", "mute", "cut", "--for", "1h", "--why", "试验")
            assert (await called(folder, *muting)).stdout == "cut is muted for 1 h\n"
            assert "muted" in (await called(folder, "interlocks")).stdout
            ended = await called(folder, "interlocks", "mute", "cut", "--end", zh=True)
            assert ended.stdout == "cut 已恢复通知\n"
            wrong = await called(folder, "interlocks", "history", "cat")
            assert (wrong.returncode, wrong.stderr) == (USAGE, 'interlock "cat" is unknown; known are cut\n')


async def called(folder: str, *words: str, zh: bool = False) -> subprocess.CompletedProcess[str]:
    language = "zh" if zh else "en"
    return await asyncio.to_thread(command, *words, "--state", folder, language=language, COLUMNS="200")


async def test_a_mute_is_ours_alone_told_with_name_and_reason_and_ends_by_itself(tmp_path: Path) -> None:
    async with witnessing(tmp_path) as (wiring, clock):
        mute = actions(wiring)["mute"]
        with pytest.raises(Refused, match='interlock "cat" is unknown; known are cut'):
            mute("wang", {"interlock": "cat", "for": "1h", "why": "w"})
        assert any("FAILED" in concern for concern in said(wiring))
        mute("wang", {"interlock": "cut", "for": "1h", "why": "试验"})
        assert all(concern.endswith("(muted)") for concern in said(wiring) if "FAILED" in concern)
        assert "1 interlocks are muted" in said(wiring)
        take(wiring, [5, 0])
        demand = events(wiring)[-1]
        assert (demand.kind, demand.withheld) == ("interlock_demand", "muted")
        await clock.advance(3601 * S)
        assert "interlock_mute_ended" in [event.kind for event in events(wiring)]
        with pytest.raises(Refused, match="there is none"):
            actions(wiring)["unmute"]("wang", {"interlock": "cut"})


async def test_a_bypass_is_among_the_concerns_also_while_a_demand_stands(tmp_path: Path) -> None:
    cut = CUT | {"bypassed_when": {"tag": "plc_2", "equals": 1}}
    clock = VirtualClock()
    async with wired(forwarding_plant(tags_each=3, rules={"interlocks": [cut]}), tmp_path, clock) as wiring:
        for raw in ([0, 0, 0], [5, 0, 0], [5, 1, 0], [5, 1, 1]):
            take(wiring, raw)
            await clock.advance(S)
        assert wiring.engine.interlocks()[0].state == "proven"
        assert "interlock 断水联锁 is bypassed" in said(wiring)
        take(wiring, [5, 1, 0])
        assert not any("bypassed" in concern for concern in said(wiring))


def said(wiring: Wiring) -> list[str]:
    return [concern["en"] for concern in at_once(status(wiring))["concerns"]]  # type: ignore[attr-defined]


async def test_an_effect_that_is_an_expression_is_called_by_what_it_says(tmp_path: Path) -> None:
    either = "plc_1 == 1 or plc_2 == 1"
    cut = CUT | {"effects": [{"when": either, "within": "5s"}]}
    clock = VirtualClock()
    plant = forwarding_plant(tags_each=3, rules={"interlocks": [cut]})
    async with wired(plant, tmp_path, clock) as wiring:
        for raw in ([0, 0, 0], [5, 0, 0], [5, 0, 1], [5, 0, 0], [5, 0, 0], [0, 0, 0]):
            take(wiring, raw)
            await clock.advance(S)
        (proven,) = [event for event in events(wiring) if event.kind == "interlock_proven"]
        cleared, log = proof_log(wiring, "cut")
    assert proven.text.en.startswith(f"interlock 断水联锁 answered in time: {either} was seen")
    assert log["effects"][0]["title"] == either  # type: ignore[index]
    assert cleared["not_held"] == [either]
    assert either in next(_entry(cleared))[-1]


async def test_the_proof_log_says_what_was_not_told_and_why() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            witnessing(Path(folder) / "log") as (wiring, clock),
            serve_status(Path(folder) / "fengsui.sock", answers(wiring), actions(wiring)),
        ):
            actions(wiring)["maintain"]("wang", {"subject": "plc_1", "for": "1h", "why": "试验"})
            for _ in range(8):
                take(wiring, [5, 0])
                await clock.advance(S)
            newest = (await called(folder, "interlocks", "history", "cut")).stdout.splitlines()[1]
            assert newest.startswith("FAILED (maintenance)")


def test_every_entry_of_a_proof_log_has_words() -> None:
    assert {*WORTH_KEEPING, EventKind.INTERLOCK_CLEARED} == set(_EVENTS)
