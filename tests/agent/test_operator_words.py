"""What an operator reads at the terminal: what failed, what is over, what to do; nothing misleads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from agent.actions import actions
from agent.cli.buffer import forecast
from agent.cli.check import whole_or_tenths
from agent.cli.interlocks import _show as show_interlocks
from agent.events import own_event
from agent.judged import alarms
from agent.receive.ledger import Ledger, Verdict
from agent.receive.lines import line_of
from agent.receive.messages import Received
from agent.receive.receiver import Receiver
from agent.receive.view import Silent
from agent.sentences import sentence
from agent.spans import span_of
from agent.status import answers, status, tags
from agent.wiring import Wiring
from config.text import text
from config.turns import at_once
from config.vocabulary import EventKind
from drivers.contract import DeviceTimeout
from tests.agent.rig import events, forwarding_plant, gaps, take, wired
from tests.records.plants import tenths
from tests.virtual import VirtualClock

S = 10**9
CUT: dict[str, Any] = {
    "name": "cut",
    "title": "断水联锁",
    "cause": {"tag": "plc_0", "above": 4},
    "effects": [
        {"tag": "plc_1", "equals": 1, "within": "5s"},
        {"tag": "plc_2", "equals": 1, "within": "5s"},
    ],
    "response": "按下急停，撤离人员",
    "basis": "铝七条",
}


async def play(wiring: Wiring, clock: VirtualClock, scans: Sequence[Sequence[float]]) -> None:
    for raw in scans:
        take(wiring, raw)
        await clock.advance(S)


def concerns(wiring: Wiring, language: str = "en") -> list[str]:
    return [concern[language] for concern in at_once(status(wiring))["concerns"]]  # type: ignore[attr-defined]


async def test_a_failed_interlock_names_every_missing_effect(tmp_path: Path) -> None:
    plant, clock = forwarding_plant(tags_each=3, rules={"interlocks": [CUT]}), VirtualClock()
    async with wired(plant, tmp_path, clock) as wiring:
        await play(wiring, clock, [[0, 0, 0], *[[5, 0, 0]] * 8])
        (failed,) = [event for event in events(wiring) if event.kind == "interlock_failed"]
        assert "plc_1 was not seen; 5.00 s are allowed" in failed.text.en
        assert "plc_2 was not seen; 5.00 s are allowed" in failed.text.en
        assert "plc_2 未见到，允许 5.00 秒" in failed.text.zh
        (told,) = orjson.loads(orjson.dumps(answers(wiring)["/history"]({"interlock": "cut"})))
        assert {effect["effect"] for effect in told["effects"]} == {"plc_1", "plc_2"}
        assert told["effects"][0]["because_words"]["zh"] == "未见到"


async def test_an_effect_that_came_in_time_is_not_among_the_missing(tmp_path: Path) -> None:
    plant, clock = forwarding_plant(tags_each=3, rules={"interlocks": [CUT]}), VirtualClock()
    async with wired(plant, tmp_path, clock) as wiring:
        await play(wiring, clock, [[0, 0, 0], [5, 0, 0], *[[5, 1, 0]] * 7])
        (failed,) = [event for event in events(wiring) if event.kind == "interlock_failed"]
        assert "plc_2 was not seen" in failed.text.en
        assert "plc_1" not in failed.text.en.partition("FAILED")[2]


async def test_a_failed_interlock_says_when_how_and_what_is_to_be_done_muted_or_not(tmp_path: Path) -> None:
    plant, clock = forwarding_plant(tags_each=3, rules={"interlocks": [CUT]}), VirtualClock()
    async with wired(plant, tmp_path, clock) as wiring:
        await play(wiring, clock, [[0, 0, 0], *[[5, 0, 0]] * 8])
        (said,) = [concern for concern in concerns(wiring) if "FAILED" in concern]
        assert said.startswith("interlock 断水联锁 FAILED 1 times since its last proof, last at ")
        assert "plc_1 was not seen" in said
        assert said.endswith("to do: 按下急停，撤离人员")
        (one,) = at_once(status(wiring))["interlocks"]  # type: ignore[misc]
        assert (one["response"], one["basis"]) == ("按下急停，撤离人员", "铝七条")
        assert "plc_1" in one["last_failed_words"]["en"]
        actions(wiring)["mute"]("wang", {"interlock": "cut", "for": "1h", "why": "试验"})
        assert said + " (muted)" in concerns(wiring)
        assert any(concern.endswith("（通知已静默）") for concern in concerns(wiring, "zh"))


async def test_an_alarm_that_is_over_does_not_read_as_standing(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(forwarding_plant(tag={"h": 4}), tmp_path, clock) as wiring:
        await play(wiring, clock, [[0, 0], [5, 0]])
        assert said_of(wiring) == ["plc_0 (plc): high, 5, for 1 s, high priority"]
        await play(wiring, clock, [[1, 0]] * 2)
        assert said_of(wiring) == ["plc_0 (plc): high is over, now 1, raised 3 s ago, high priority"]
        assert said_of(wiring, "zh") == ["plc_0（plc）：高已结束，现 1，3 秒前报警，高优先级"]


async def test_an_alarm_by_expression_goes_by_its_own_name_with_the_readings_it_rests_on(
    tmp_path: Path,
) -> None:
    rules = {"alarms": {"both": {"when": "plc_0 > 4 and plc_1 > 4", "title": "同时过高"}}}
    clock = VirtualClock()
    async with wired(forwarding_plant(tag={"unit": "kPa"}, rules=rules), tmp_path, clock) as wiring:
        await play(wiring, clock, [[0, 0], [5, 6]])
        assert said_of(wiring) == [
            "both (同时过高): condition met, plc_0 5 kPa, plc_1 6 kPa, for 1 s, high priority"
        ]
        (tag,) = tags(wiring, "both")
        assert tag["tag"] == "both/when"


def said_of(wiring: Wiring, language: str = "en") -> list[str]:
    return [alarm["words"][language] for alarm in alarms(wiring)["alarms"]]  # type: ignore[attr-defined]


def test_the_drain_forecast_says_nothing_of_idle_uplinks_that_is_not_so() -> None:
    assert forecast(0, shrunk=0, sent=0, connected=False) == "empty"
    assert forecast(2, shrunk=-1, sent=40, connected=True) == "keeps_up"
    assert forecast(2, shrunk=0, sent=0, connected=True) == "stands"
    assert forecast(500, shrunk=100, sent=120, connected=True) == "drains"
    assert forecast(500, shrunk=-20, sent=0, connected=False) == "disconnected"
    assert forecast(500, shrunk=-20, sent=10, connected=True) == "grows"


def test_a_length_of_time_is_told_as_exactly_as_somebody_cares() -> None:
    told = [span_of(seconds).show("zh") for seconds in (38, 119.4, 600, 7199, 9000, 100_000, 200_000)]
    assert told == [
        "38 秒",
        "119 秒",
        "10 分钟",
        "2 小时",
        "2 小时 30 分钟",
        "27 小时 47 分钟",
        "2 天 8 小时",
    ]


async def test_a_device_is_told_by_the_title_that_people_read(tmp_path: Path) -> None:
    async with wired(forwarding_plant(title="1号倾动炉控制器"), tmp_path, VirtualClock()) as wiring:
        cause = DeviceTimeout(text("no answer within {seconds} s", seconds=1))
        wiring.poller._failed(wiring.plant.groups[0], cause, wiring.clock.boot_ns())
        (lost,) = [event for event in events(wiring) if event.kind == "device_lost"]
        assert lost.title == "1号倾动炉控制器"
        assert lost.text.zh.startswith("设备 plc（1号倾动炉控制器）")
        assert "device plc (1号倾动炉控制器) does not answer: no answer within 1 s" in concerns(wiring)
        (gap,) = gaps(wiring)[:1]
        assert gap.title == "1号倾动炉控制器"
        (found,) = at_once(status(wiring))["devices"]  # type: ignore[misc]
        assert found["title"] == "1号倾动炉控制器"


@pytest.mark.parametrize(
    ("action", "figures", "said"),
    [
        ("acknowledge", {"alarms": "t1.HH, t2.H"}, "wang 确认报警 t1.HH, t2.H"),
        ("shelve", {"alarm": "t1.H", "for": "30min", "why": "检修"}, "wang 搁置报警 t1.H 30 分钟：检修"),
        (
            "maintain",
            {"subject": "plc", "for": "2h", "why": "标定", "calibration": True},
            "wang 将 plc 置为检修 2 小时：标定（校准）",
        ),
        ("ring", {"bell": "7"}, "wang 操作 ring：bell=7"),
    ],
)
def test_what_operators_did_is_a_sentence(action: str, figures: dict[str, Any], said: str) -> None:
    event = own_event(EventKind.OPERATOR_ACTION, action, 0, **figures, user="wang")
    assert sentence(event, tenths(1)).show("zh") == said


def test_the_receiver_speaks_one_language_and_names_whom_two_agents_claim_to_be() -> None:
    heard: list[str] = []
    view = Silent()
    view.say = heard.append  # type: ignore[method-assign]
    receiver = Receiver(Ledger(), view, "zh", None)
    for run in ("a" * 16, "b" * 16, "a" * 16):
        receiver.ledger.enter(status_of(run, "connected"))
    receiver._name_impostors()
    (line,) = heard
    assert "works/gw" in line
    assert "a" * 16 in line
    said = line_of(status_of("c" * 16, "still_here"), Verdict.NOT_A_RECORD, "zh")
    assert said is not None
    assert "在线（在线如常）" in said


def status_of(run: str, reason: str) -> Received:
    content = {"enterprise": "works", "gateway": "gw", "run": run, "state": "online", "reason": reason}
    return Received(kind="status", content=content, key=None, digest=None)


def test_names_of_interlocks_are_whole_on_eighty_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    name = "collector1.hopper_temp_1_HH"
    counts = dict.fromkeys(("demands", "proven", "failed", "inputs_bad"), 0)
    one = {
        "interlock": name,
        "title": "1号灰斗温度高高联锁",
        "state_words": {"en": "demanded", "zh": "条件成立"},
        "last_proven_s_ago": 7200.0,
        "proof_due_in_s": 86400.0,
        "bypasses": 2,
        "bypassed_s": 600.0,
        "muted": False,
        "ready": True,
        **counts,
    }
    show_interlocks([one])
    head, first, second, remark = capsys.readouterr().out.splitlines()
    assert {"interlock", "demands", "undecided"} <= set(head.split())
    assert first.startswith(name + " ")
    assert second.startswith("1号灰斗温度高高联锁")
    assert remark == f"{name}: proven 2 h ago, next proof within 24 h, bypassed 2 times, 10 min"


def test_the_days_that_a_log_keeps_are_never_rounded_up() -> None:
    assert [whole_or_tenths(days) for days in (29.97, 30.0, 7.04, 6.99)] == ["29", "30", "7", "6.9"]
