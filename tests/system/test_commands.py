"""The commands as people call them, beside an agent that runs."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.brokers import free_port
from tests.system.field import registers_at
from tests.system.plants import Description
from tests.system.program import Agent, command
from tests.system.station import Station, standing

TITLE = "进水[/压力] :fire:"
UNAVAILABLE, USAGE = 69, 64


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, kernel_cache: Path) -> Iterator[Station]:
    with standing(tmp_path_factory.mktemp("shop"), kernel_cache) as station:
        described = station.describe("plc").modbus("absent", free_port())
        described.tag("plc", "water", "hr:60", title=TITLE, unit="MPa", h=100)
        station.units["plc"].holding[60] = 500
        station.agent(described).start().ready()
        station.arrived("alarm_raised", "water.H")
        station.arrived("device_lost", "absent")
        yield station


@pytest.fixture
def agent(shop: Station) -> Agent:
    return shop.agents[0]


def test_status_shows_what_is_wrong_first_in_both_languages(agent: Agent) -> None:
    en = command("status", "--state", str(agent.state))
    zh = command("status", "--state", str(agent.state), language="zh")
    assert (en.returncode, en.stderr, zh.returncode, zh.stderr) == (0, "", 0, "")
    assert en.stdout.startswith("gateway gw-1 of 91130300MA00000009, run ")
    assert "attention: device absent does not answer: no connection to 127.0.0.1:" in en.stdout
    assert f"ALARM water ({TITLE}): high, 500 MPa" in en.stdout
    assert "注意：设备 absent 没有应答：无法连接 127.0.0.1:" in zh.stdout
    assert f"报警 water（{TITLE}）：高，500 MPa" in zh.stdout
    assert "all well" not in en.stdout
    assert "a power cut now would take at most" in en.stdout


def test_status_gives_json(agent: Agent) -> None:
    told = command("status", "--state", str(agent.state), "--json")
    found = orjson.loads(told.stdout)
    assert [alarm["rule"] for alarm in found["alarms"]] == ["water.H"]
    assert {device["device"]: device["answers"] for device in found["devices"]} == {
        "plc": True,
        "absent": False,
    }


def test_tags_shows_titles_as_they_are_values_and_why_one_is_bad(agent: Agent) -> None:
    en = command("tags", "water", "absent_2", "--state", str(agent.state), COLUMNS="200")
    zh = command("tags", "absent_2", "--state", str(agent.state), language="zh", COLUMNS="200")
    assert (en.returncode, en.stderr) == (0, "")
    assert f"water     {TITLE}" in en.stdout
    assert "500 MPa" in en.stdout
    assert "Bad: link down" in en.stdout
    assert "points.csv:" in en.stdout
    assert "无效：链路中断" in zh.stdout


def test_tags_gives_json(agent: Agent) -> None:
    (told,) = orjson.loads(command("tags", "plc_2", "--state", str(agent.state), "--json").stdout)
    assert told["tag"] == "plc_2"
    assert told["value"] in {float(registers_at(reads)[0]) for reads in range(100_000)}


def test_a_tag_that_does_not_exist_is_named(agent: Agent) -> None:
    for language, words in (
        ("en", 'tag "ghost" is unknown; known are '),
        ("zh", "没有点位“ghost”；已有的是 "),
    ):
        told = command("tags", "ghost", "--state", str(agent.state), language=language)
        assert told.returncode == USAGE
        assert told.stderr.startswith(words)
        assert len(told.stderr.splitlines()) == 1


def test_maintenance_is_begun_shown_and_ended_by_name(agent: Agent) -> None:
    state = ("--state", str(agent.state))
    assert command("maintenance", *state).stdout == "nothing is out of service\n"
    begun = command("maintenance", "plc_2", "--for", "2h", "--why", "换[滤]袋", *state)
    assert (begun.returncode, begun.stdout) == (0, "plc_2 is out of service for 2 h\n")
    shown = command("maintenance", *state, language="zh", COLUMNS="200").stdout
    assert "换[滤]袋" in shown
    (held,) = orjson.loads(command("maintenance", *state, "--json").stdout)
    assert (held["name"], held["why"]) == ("plc_2", "换[滤]袋")
    assert 7000 < held["left_s"] <= 7200
    ended = command("maintenance", "plc_2", "--end", *state, language="zh")
    assert (ended.returncode, ended.stdout) == (0, "plc_2 已恢复使用\n")


def test_alarms_are_shown_shelved_and_acknowledged_by_name(agent: Agent) -> None:
    state = ("--state", str(agent.state))
    assert "water.H" in command("alarms", *state, COLUMNS="200").stdout
    assert "未确认" in command("alarms", *state, language="zh", COLUMNS="200").stdout
    shelved = command("alarms", "shelve", "water.H", "--for", "1h", "--why", "标定", *state)
    assert (shelved.returncode, shelved.stdout) == (0, "water.H is shelved for 1 h\n")
    found = orjson.loads(command("alarms", *state, "--json").stdout)
    (water,) = [alarm for alarm in found["alarms"] if alarm["rule"] == "water.H"]
    assert (water["withheld"], [shelf["why"] for shelf in found["shelves"]]) == ("shelved", ["标定"])
    unshelved = command("alarms", "unshelve", "water.H", *state, language="zh")
    assert unshelved.stdout == "water.H 已取消搁置\n"
    assert command("alarms", "ack", "water.H", *state).stdout == "1 alarms acknowledged\n"
    assert "acknowledged" in command("alarms", *state, COLUMNS="200").stdout
    wrong = command("alarms", "ack", "water.HH", *state)
    assert wrong.returncode == USAGE
    assert wrong.stderr == 'alarm now "water.HH" is unknown; did you mean "water.H"?\n'


def test_maintenance_of_what_does_not_exist_or_without_a_reason_is_refused(agent: Agent) -> None:
    state = ("--state", str(agent.state))
    unknown = command("maintenance", "plc_3x", "--for", "2h", "--why", "w", *state)
    assert (unknown.returncode, unknown.stdout) == (USAGE, "")
    assert unknown.stderr.startswith('device or tag "plc_3x" is unknown; did you mean "plc_3')
    bare = command("maintenance", "plc", *state, language="zh")
    assert (bare.returncode, bare.stderr) == (USAGE, "请写明时长和原因：--for 2h --why ...\n")


def test_asking_where_nobody_runs_says_what_to_do(tmp_path: Path) -> None:
    for language, words in (
        ("en", "is it running? (--state names its state directory)"),
        ("zh", "它在运行吗"),
    ):
        for asking in ("status", "tags", "maintenance", "alarms"):
            told = command(asking, "--state", str(tmp_path), language=language)
            assert told.returncode == UNAVAILABLE
            assert words in told.stderr
            assert len(told.stderr.splitlines()) == 1


def test_check_shows_the_requests_of_every_link_without_starting_anything(tmp_path: Path) -> None:
    plant = Description().modbus("plc", free_port()).write(tmp_path)
    en, zh = (command("check", str(plant), language=language) for language in ("en", "zh"))
    assert (en.returncode, en.stderr, zh.returncode) == (0, "", 0)
    assert "  plc/normal: 49 tags every 100ms, 1 requests a scan" in en.stdout
    assert "    function code 3, 0..49: 50 words for 49 values" in en.stdout
    assert en.stdout.endswith("49 tags, 1 devices, 0 interlocks, 0 uplinks; no faults\n")
    assert "    功能码 3，0..49：读 50 字，含 49 个值" in zh.stdout
    found = orjson.loads(command("check", str(plant), "--json").stdout)
    assert found["links"]["plc"][0]["period_ms"] == 100
    assert list(tmp_path.iterdir()) == [plant, plant.parent / "points.csv"]


def test_warm_fills_the_cache_that_run_then_uses(tmp_path: Path, kernel_cache: Path) -> None:
    told = command("warm", "--state", str(tmp_path), CACHE_DIRECTORY=str(kernel_cache))
    assert told.returncode == 0
    assert told.stdout.startswith("kernels ready after ")
    assert "计算核就绪" in command("warm", language="zh", CACHE_DIRECTORY=str(kernel_cache)).stdout


def test_buffer_shows_what_waits_for_whom(agent: Agent) -> None:
    told = command("buffer", "--state", str(agent.state), "--json")
    found = orjson.loads(told.stdout)
    (uplink,) = found["uplinks"]
    assert (found["running"], uplink["uplink"], uplink["connected"]) == (True, "province", True)
    assert found["cap_bytes"] == 50_000_000
    assert found["disk_bytes"] > 0
    zh = command("buffer", "--state", str(agent.state), language="zh").stdout
    assert "（上限 50 MB），共 2 个分段，最早一段始于 " in zh
    assert "预计排空" in zh


def test_the_log_is_exported_beside_a_running_agent_and_from_a_copy(agent: Agent, tmp_path: Path) -> None:
    shutil.copytree(agent.state / "log", tmp_path / "copy")
    words = ("buffer", "export", "--tags", "water,plc_r*", "--since", "1h", "--state")
    beside = command(*words, str(agent.state))
    copied = command(*words, str(tmp_path / "copy"), "-o", str(tmp_path / "out.csv"), language="zh")
    assert (beside.returncode, copied.returncode, copied.stdout) == (0, 0, "")
    rows = list(csv.DictReader(io.StringIO(beside.stdout)))
    assert {row["tag"] for row in rows} == {"water", "plc_reads"}
    water = next(row for row in rows if row["tag"] == "water")
    assert (water["title"], water["value"], water["unit"], water["quality"]) == (TITLE, "500", "MPa", "Good")
    reads = [int(row["value"]) for row in rows if row["tag"] == "plc_reads" and row["value"]]
    assert reads == list(range(1, len(reads) + 1))
    times = [row["time"] for row in rows if row["tag"] == "plc_reads"]
    assert times == sorted(times)
    assert beside.stderr == f"{len(rows)} readings\n"
    chinese = (tmp_path / "out.csv").read_bytes().decode("utf-8-sig").splitlines()
    assert chinese[0] == "时间,时钟,点位,名称,数值,单位,原始值,质量,质量码"
    assert ",良好," in chinese[1]


def test_what_cannot_be_exported_is_named(agent: Agent, tmp_path: Path) -> None:
    unknown = command("buffer", "export", "--tags", "wasser", "--state", str(agent.state))
    assert (unknown.returncode, unknown.stderr) == (USAGE, "no such tag: wasser\n")
    nowhere = command("buffer", "export", "--state", str(tmp_path / "nowhere"))
    assert nowhere.stderr == f"{tmp_path}/nowhere: No such file or directory\n"
    when = command("buffer", "export", "--since", "yesterday", "--state", str(agent.state), language="zh")
    assert "“yesterday”不是时间" in when.stderr


def test_the_quarantine_is_empty_and_what_is_not_in_it_is_refused(agent: Agent) -> None:
    listed = command("buffer", "quarantine", "list", "--state", str(agent.state))
    assert listed.stdout == "nothing is in quarantine\n"
    words = ("buffer", "quarantine", "resend", "province", "1-readings-1", "--state", str(agent.state))
    refused = command(*words, language="zh")
    assert (refused.returncode, refused.stderr) == (USAGE, "不在隔离区：1-readings-1\n")
