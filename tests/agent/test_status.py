"""What the agent says of itself: plain JSON, whole, in both languages, and for those who may ask."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from agent.cli.client import ActionRefused, NotRunning, Unanswered, _exchange, act, ask
from agent.cli.tags import value_of
from agent.judged import standing
from agent.status import answers, status, tags
from agent.status_server import Refused, SocketPathTooLong, SocketUnusable, check_path, serve_status
from agent.uplinks.contract import UplinkTakenOver
from agent.wiring import Wiring
from config.text import text
from config.turns import at_once
from config.vocabulary import NOT_YET_READ, Reason, bad, describe
from drivers.contract import DeviceTimeout, Scan, checksum_of
from tests.agent.rig import UPLINK, events, forwarding_plant, take, wired
from tests.virtual import VirtualClock

S = 10**9
NOBODY = 65534
INTERLOCK = {
    "name": "water",
    "title": "断水联锁",
    "cause": {"tag": "plc_0", "limit": "H"},
    "effects": [{"tag": "plc_1", "equals": 1, "within": "3s"}],
}


@asynccontextmanager
async def troubled(state: Path) -> AsyncIterator[Wiring]:
    """An agent with an alarm, a demand, a bad tag, an uplink to nowhere, and an unsynchronised clock."""
    plant = forwarding_plant(tags_each=3, tag={"h": 4}, rules={"interlocks": [INTERLOCK]})
    clock = VirtualClock(vouched=False)
    async with wired(plant, state, clock) as wiring:
        take(wiring, [1, 0, 1])
        await clock.advance(S)
        take(wiring, [5, 0, 1])
        wiring.engine.image.quality[2] = bad(Reason.REFUSED, detail=2)
        await clock.advance(S // 2)
        yield wiring


async def test_the_status_is_whole_while_a_rule_cannot_be_computed(tmp_path: Path) -> None:
    rules = {"series": {"ratio": {"value": "plc_0 / plc_1"}}, "alarms": {"high": {"when": "ratio > 5"}}}
    plant = forwarding_plant(tags_each=2, rules=rules)
    async with wired(plant, tmp_path, VirtualClock()) as wiring:
        take(wiring, [1, 0])
        assert wiring.engine.image.quality[2:].tolist() == 2 * [bad(Reason.NOT_A_NUMBER)]
        orjson.dumps(at_once(status(wiring)))


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def asked(path: Path, question: str) -> Any:
    """Ask from another thread, as another process would."""
    return await asyncio.to_thread(ask, path, question)


async def test_the_status_is_whole_and_plain_json(tmp_path: Path) -> None:
    async with troubled(tmp_path) as wiring:
        found = orjson.loads(orjson.dumps(at_once(status(wiring))))
    assert found["gateway"] == "gw-1"
    assert len(found["run"]) == 16
    assert [alarm["rule"] for alarm in found["alarms"]] == ["plc_0.H"]
    assert [interlock["state"] for interlock in found["interlocks"]] == ["demand"]
    assert found["devices"][0]["answers"] is True
    assert found["grid"][0]["period_ms"] == 1000
    assert found["readings"]["scanned"] == 6
    assert found["log"]["cap_bytes"] == 1_000_000_000
    (uplink,) = found["uplinks"]
    assert (uplink["uplink"], uplink["connected"]) == (UPLINK, False)
    for stream in ("events", "readings"):
        ledger = uplink["ledger"][stream]
        parts = [ledger[part]["records"] for part in ("delivered", "backlog", "quarantined")]
        assert ledger["recorded"]["records"] == sum(parts) + sum(
            c["records"] for c in ledger["lost"].values()
        )
    assert found["clock"]["synchronised"] is False
    assert {"en": "the clock of this machine is not synchronised", "zh": "本机时钟未同步"} in found[
        "concerns"
    ]
    bad_tag = {
        "en": "1 of 3 tags of device plc are bad; plc_2: Bad: refused by the device (code 0x2)",
        "zh": "设备 plc 的 3 个点位中有 1 个无效；plc_2：无效：设备拒绝（代码 0x2）",
    }
    assert bad_tag in found["concerns"]


async def test_a_lost_device_is_a_concern_with_its_cause_instead_of_its_tags(tmp_path: Path) -> None:
    async with troubled(tmp_path) as wiring:
        words = text("no answer within {seconds} s", seconds=1)
        wiring.poller._failed(wiring.plant.groups[0], DeviceTimeout(words), wiring.clock.boot_ns())
        found = [concern["en"] for concern in at_once(status(wiring))["concerns"]]  # type: ignore[attr-defined]
        assert "device plc does not answer: no answer within 1 s" in found
        assert not any("tags of device" in concern for concern in found)


async def test_a_lost_device_folds_the_rules_that_rest_on_it_alone(tmp_path: Path) -> None:
    rules = {
        "alarms": {
            "own": {"when": "plc_0 > 5", "fault_delay": "0s"},
            "both": {"when": "plc_1 > other_0", "fault_delay": "0s", "priority": "low"},
        }
    }
    plant = forwarding_plant(devices=("plc", "other"), rules=rules)
    async with wired(plant, tmp_path, VirtualClock()) as wiring:
        take(wiring, [0, 0], quality=bad(Reason.TIMEOUT))
        take(wiring, [0, 0], quality=bad(Reason.UNDER_RANGE), group=1)
        cause = DeviceTimeout(text("link down"))
        wiring.poller._failed(wiring.plant.groups[0], cause, wiring.clock.boot_ns())
        found = at_once(standing(wiring))
        assert dict(found.silent) == {"plc": 1}
        assert [alarm["rule"] for alarm in found.pressing] == ["both.bad"]


async def test_a_tag_is_told_with_its_value_its_quality_and_its_place(tmp_path: Path) -> None:
    async with troubled(tmp_path) as wiring:
        water, _, refused = orjson.loads(orjson.dumps(list(tags(wiring, None))))
        assert (water["tag"], water["value"], water["raw"]) == ("plc_0", 5, 5)
        assert water["place"] == "points.csv:2:1"
        assert water["quality_for_s"] == pytest.approx(1.5)
        assert refused["quality_words"]["zh"] == "无效：设备拒绝（代码 0x2）"
        assert [tag["tag"] for tag in tags(wiring, "plc_1")] == ["plc_1"]
        assert list(tags(wiring, "nobody")) == []


async def test_a_series_is_told_like_a_tag_and_a_code_by_its_meaning(tmp_path: Path) -> None:
    rules = {"series": {"sum": {"value": "ewma(plc_0 + plc_1, 2s)", "title": "总流量", "unit": "m³/h"}}}
    plant = forwarding_plant(
        rules=rules, tag={"sentinels": {7777: "通道备用"}, "safety": True, "fault_delay": 0}
    )
    async with wired(plant, tmp_path, VirtualClock()) as wiring:
        take(wiring, [2, 3])
        _, _, found = orjson.loads(orjson.dumps(list(tags(wiring, None))))
        assert (found["tag"], found["title"], found["device"], found["value"]) == ("sum", "总流量", "", 5)
        assert found["delay_ms"] == 6000
        take(wiring, [2, 7777])
        _, spare, found = orjson.loads(orjson.dumps(list(tags(wiring, None))))
        assert spare["quality_words"] == {
            "en": 'Bad: device reports "通道备用"',
            "zh": "无效：设备报告“通道备用”",
        }
        assert found["quality_words"]["en"] == "Bad: an input has no good value"
        said = [event.text.en for event in events(wiring) if event.rule == "plc_1.bad"]
        assert said[-1].endswith('plc_1 is Bad: device reports "通道备用"')


async def test_a_tag_that_was_never_read_has_no_value_and_says_so(tmp_path: Path) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        unread, _ = orjson.loads(orjson.dumps(list(tags(wiring, None))))
        assert (unread["value"], unread["quality"]) == (None, NOT_YET_READ)
        assert unread["quality_words"]["en"] == "Bad: not yet read"


async def test_the_socket_is_for_owner_and_group_and_goes_with_the_agent(place: Path) -> None:
    path = place / "fengsui.sock"
    async with serve_status(path, {"/status": lambda _: {"all": "well"}}, {}):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert await asked(path, "/status") == {"all": "well"}
        with pytest.raises(Unanswered, match="refused: 404"):
            await asked(path, "/secrets")
    assert not path.exists()
    with pytest.raises(NotRunning, match="is it running"):
        await asked(path, "/status")


async def test_the_socket_of_an_agent_that_was_killed_is_replaced(place: Path) -> None:
    path = place / "fengsui.sock"
    path.touch()
    async with serve_status(path, {"/status": lambda _: 1}, {}):
        assert await asked(path, "/status") == 1


async def test_curl_reads_the_socket(place: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("capability: curl is not installed")
    path = place / "fengsui.sock"
    async with serve_status(path, {"/status": lambda _: {"all": "well"}}, {}):
        command = ("curl", "--silent", "--unix-socket", str(path), "http://localhost/status")
        curl = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        said, _ = await curl.communicate()
    assert orjson.loads(said) == {"all": "well"}


@pytest.mark.parametrize(
    "request_", [b"\0\xff\r\n\r\n", b"GET /tags?tag=" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n"]
)
async def test_a_malformed_request_is_answered_and_is_nothing_for_the_journal(
    request_: bytes, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = place / "fengsui.sock"
    async with serve_status(path, {"/status": lambda _: 1}, {}):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(request_)
        assert b" 400 " in await reader.readline()
        writer.close()
        assert await asked(path, "/status") == 1
    assert caplog.records == []


async def test_an_action_hears_who_asks_and_may_refuse(place: Path) -> None:
    def ring(user: str, arguments: Mapping[str, object]) -> object:
        if "bell" not in arguments:
            raise Refused(text("all well"))
        return f"{user} rings {arguments['bell']}"

    path = place / "fengsui.sock"
    async with serve_status(path, {}, {"ring": ring}):
        user = pwd.getpwuid(os.geteuid()).pw_name
        assert await asyncio.to_thread(act, path, "ring", bell="east") == f"{user} rings east"
        with pytest.raises(ActionRefused, match="all well"):
            await asyncio.to_thread(act, path, "ring")
        with pytest.raises(Unanswered, match="refused: 404"):
            await asyncio.to_thread(act, path, "burn")
        with pytest.raises(Unanswered, match="refused: 405"):
            await asked(path, "/actions/ring")


async def test_an_answer_that_fails_is_a_line_for_the_journal(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = place / "fengsui.sock"
    async with serve_status(path, {"/status": lambda _: 1 / 0}, {}):
        with pytest.raises(Unanswered, match="refused: 500"):
            await asked(path, "/status")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("mode", "group", "answer"),
    [
        (0o660, NOBODY, "may not be opened; join the group that owns it"),
        (0o666, NOBODY, "refused: 403"),
        (0o666, os.getegid(), "all well"),
    ],
    ids=["the mode keeps strangers out", "so does the agent", "its group is let in"],
)
async def test_the_kernel_names_the_caller(mode: int, group: int, answer: str, place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("capability: only root can act as another user")
    path, strangers = place / "fengsui.sock", []
    async with serve_status(
        path, {"/status": lambda _: "all well"}, {}, lambda user, asked: strangers.append((user, asked))
    ):
        path.chmod(mode)
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ASK_AS_ANOTHER, path, str(NOBODY), str(group), stdout=subprocess.PIPE
        )
        said, _ = await other.communicate()
    assert answer in said.decode()
    turned_away = "403" in answer
    assert [asked for _, asked in strangers] == ["/status"] * turned_away


ASK_AS_ANOTHER = """
import os, sys
from pathlib import Path
from agent.cli.client import Unanswered, ask
path, user, group = sys.argv[1:]
os.setgroups([])
os.setgid(int(group))
os.setuid(int(user))
try:
    print(ask(Path(path), "/status"))
except Unanswered as error:
    print(error)
"""


def test_no_socket_can_have_a_path_of_more_than_107_bytes(place: Path) -> None:
    check_path(place / ("s" * (106 - len(str(place)))))
    with pytest.raises(SocketPathTooLong) as raised:
        check_path(place / ("s" * (107 - len(str(place)))))
    assert "is longer than 107 bytes; choose a shorter state directory" in raised.value.words.show("en")
    assert "超过 107 字节；请选用更短的状态目录" in raised.value.words.show("zh")


async def test_a_socket_that_cannot_be_made_is_named(place: Path) -> None:
    taken = place / "fengsui.sock"
    taken.mkdir()
    with pytest.raises(SocketUnusable) as raised:
        async with serve_status(taken, {}, {}):
            pass
    assert raised.value.words.show("en") == f"the socket {taken} cannot be made: Is a directory"
    assert raised.value.words.show("zh") == f"无法建立套接字 {taken}：Is a directory"


async def test_an_agent_that_ends_while_it_is_asked_is_no_traceback(place: Path) -> None:
    path = place / "fengsui.sock"

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_unix_server(hang_up, path):
        with pytest.raises(NotRunning, match="cannot be asked"):
            await asked(path, "/status")


def test_a_path_that_no_socket_can_have_is_no_traceback(place: Path) -> None:
    with pytest.raises(NotRunning, match="cannot be asked: AF_UNIX path too long"):
        ask(place / ("s" * 200), "/status")


async def test_prometheus_reads_the_metrics(place: Path, tmp_path: Path) -> None:
    path = place / "fengsui.sock"
    async with troubled(tmp_path) as wiring, serve_status(path, answers(wiring), {}):
        status, body = await asyncio.to_thread(_exchange, path, "GET", "/metrics")
    assert status == 200
    samples = dict(line.rsplit(" ", 1) for line in body.decode().splitlines() if not line.startswith("#"))
    told = {line.split()[2] for line in body.decode().splitlines() if line.startswith("# TYPE")}
    assert {line.partition("{")[0] for line in samples} <= told
    assert samples['fengsui_readings_total{fate="recorded"}'] == "6"
    assert samples[f'fengsui_uplink_connected{{uplink="{UPLINK}"}}'] == "0"
    assert (
        samples[f'fengsui_uplink_backlog{{uplink="{UPLINK}",stream="readings"}}'] == "3"
    )  # two scans and a window
    assert samples['fengsui_device_answers{device="plc"}'] == "1"
    assert samples["fengsui_alarms"] == "1"
    assert samples["fengsui_clock_synchronised"] == "0"


async def test_a_tag_says_what_its_code_means_and_what_its_text_is(tmp_path: Path) -> None:
    plant = forwarding_plant(tags_each=2, tag={"enum": {2.0: "故障"}})
    async with wired(plant, tmp_path, VirtualClock()) as wiring:
        scan = Scan(
            raw=np.array([2.0, checksum_of("FS-10")]),
            quality=np.zeros(2, dtype=np.uint32),
            exact={1: "FS-10"},
        )
        at_once(wiring.pipeline.take(plant.groups[0], scan, wiring.clock.boot_ns()))
        code, words = orjson.loads(orjson.dumps(list(tags(wiring, None))))
        assert (code["value"], code["says"], code["text"]) == (2.0, "故障", False)
        assert (words["says"], words["text"], words["quality"]) == ("FS-10", True, 0)
        assert (value_of(code), value_of(words)) == ("2 (故障)", "FS-10")


async def test_every_link_is_told_as_expected_and_as_measured(tmp_path: Path) -> None:
    async with wired(forwarding_plant(), tmp_path, VirtualClock()) as wiring:
        (link,) = orjson.loads(orjson.dumps(at_once(status(wiring))["links"]))  # type: ignore[index]
        assert link["link"] == "plc"
        assert link["expected"]["cycle_s"] == pytest.approx(0.002, rel=0.01)
        assert link["expected"]["load"] == pytest.approx(0.002, rel=0.01)
        assert link["measured"] == {"cycle_s": None, "load": None, "dead": [], "noticed_s": pytest.approx(2)}


def test_a_fenced_address_says_that_it_is_asked_again() -> None:
    assert "(exception 2), asked again" in describe(bad(Reason.FENCED, detail=2)).show("en")
    assert "不应答" in describe(bad(Reason.FENCED)).show("zh")


async def test_a_second_gateway_with_this_ones_name_is_a_concern_until_it_has_gone(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(forwarding_plant(), tmp_path, clock) as wiring:

        def warned() -> list[str]:
            found = at_once(status(wiring))["concerns"]
            return [said["en"] for said in found if "second gateway" in said["en"]]  # type: ignore[attr-defined]

        wiring.forwarders[UPLINK]._lost(UplinkTakenOver(text("taken over")))
        await clock.advance(60 * S)
        assert warned() == [
            f"uplink {UPLINK}: another client connects under its name, last 60 s ago; "
            "look for a second gateway with the name of this one"
        ]
        await clock.advance(600 * S)
        assert warned() == []


async def test_an_uplink_that_is_cut_off_again_and_again_is_a_concern(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with wired(forwarding_plant(), tmp_path, clock) as wiring:
        told = []
        for _ in range(5):
            wiring.forwarders[UPLINK]._cut_boot_ns.append(clock.boot_ns())
            await clock.advance(60 * S)
            found = at_once(status(wiring))["concerns"]
            told.append([said["en"] for said in found if "cut off" in said["en"]])  # type: ignore[attr-defined]
    warning = (
        f"uplink {UPLINK} was cut off 5 times within ten minutes: the line is bad, or a second gateway has "
        "the name of this one"
    )
    assert told == [[], [], [], [], [warning]]
