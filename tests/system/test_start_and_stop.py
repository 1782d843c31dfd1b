"""How an agent starts and ends: in order, in time, and with words where it cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.simulate.rudeness import Manner
from tests.brokers import free_port
from tests.system.plants import Description
from tests.system.program import clean_environment, command
from tests.system.station import ARRIVE_S, Station
from tests.system.waiting import until

EXIT_CONFIG = 78
BROKEN = Path(__file__).parents[1] / "golden" / "broken"
STOP_S = 10.0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_broken_plant_is_refused_with_all_its_faults_and_nothing_is_started(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {"en": "expected.txt", "zh": "expected.zh.txt"}[language]
    monkeypatch.chdir(BROKEN / "unknown-names")
    state = tmp_path / "state"
    ended = command("run", "--state", str(state), "plant.yaml", language=language)
    assert ended.returncode == EXIT_CONFIG
    assert ended.stderr == Path(expected).read_text(encoding="utf-8")
    assert ended.stdout == ""
    assert not state.exists()


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "is longer than 107 bytes; choose a shorter state directory"), ("zh", "超过 107 字节")],
)
def test_a_state_directory_too_deep_for_a_socket_is_refused(
    language: str, words: str, tmp_path: Path
) -> None:
    plant = Description().modbus("plc", free_port()).write(tmp_path)
    state = tmp_path / ("s" * 100)
    ended = command("run", "--state", str(state), str(plant), language=language)
    assert ended.returncode == EXIT_CONFIG
    assert words in ended.stderr
    assert str(state) in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not state.exists()


def test_a_plant_that_is_not_there_is_named_in_both_languages(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    said = {language: command("run", str(missing), language=language) for language in ("en", "zh")}
    assert {ended.returncode for ended in said.values()} == {EXIT_CONFIG}
    assert 'there is no file "' in said["en"].stderr
    assert "nothing was started" in said["en"].stderr
    assert "未启动任何任务" in said["zh"].stderr


def test_a_stop_delivers_the_last_event_says_goodbye_and_leaves_no_socket(station: Station) -> None:
    agent = station.agent(station.describe("plc")).start().ready()
    station.delivering("plc")
    station.end(agent)
    assert agent.said()[-1].startswith("INFO  stopping by=SIGTERM from python")
    last = station.receiver.statuses[-1]
    assert (last["state"], last["reason"]) == ("offline", "stopped")
    assert [event["event"] for event in station.receiver.contents("event")][-1] == "agent_stopped"
    assert not (agent.state / "fengsui.sock").exists()
    counters = station.receiver.counters("plc")
    assert sorted(counters) == list(range(1, len(counters) + 1))


def test_a_second_signal_disturbs_no_stop(station: Station) -> None:
    agent = station.agent(station.describe("plc")).start().ready()
    station.delivering("plc")
    run = agent.ask()["run"]
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        agent.signal(number)
    assert agent.wait() == 0
    until(
        lambda: station.receiver.outstanding(run) == {"events": 0, "readings": 0},
        ARRIVE_S,
        "everything arrives",
    )


def test_a_stop_while_it_starts_ends_it_in_order(station: Station) -> None:
    agent = station.agent(station.describe("plc")).start()
    until(lambda: (agent.state / "log" / "lock").exists(), ARRIVE_S, "the agent takes its log")
    begun = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - begun < STOP_S
    assert not (agent.state / "fengsui.sock").exists()
    agent.start().ready()
    station.delivering("plc")
    station.end(agent)
    assert {gap["cause"] for gap in station.receiver.gaps()} == {"clean_stop"}


def test_a_stop_before_anything_has_begun_leaves_nothing_behind(tmp_path: Path, kernel_cache: Path) -> None:
    plant = Description().modbus("plc", free_port()).write(tmp_path)
    agent = subprocess.Popen(
        [sys.executable, "-m", "agent", "run", "--state", str(tmp_path / "s"), str(plant)],
        stderr=subprocess.PIPE,
        env=clean_environment() | {"CACHE_DIRECTORY": str(kernel_cache)},
    )
    agent.send_signal(signal.SIGTERM)
    _, said = agent.communicate(timeout=30)
    assert agent.returncode in (0, -signal.SIGTERM)
    assert b"Traceback" not in said


def test_an_agent_without_standard_streams_keeps_its_log_whole(station: Station) -> None:
    agent = station.agent(station.describe("plc"))
    agent.wrap = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")
    agent.start().ready()
    station.delivering("plc")
    for descriptor in range(3):
        assert Path(f"/proc/{agent.pid}/fd/{descriptor}").readlink() == Path(os.devnull)
    station.end(agent)
    agent.wrap = ()
    agent.start().ready()
    station.delivering("plc")
    station.end(agent)
    assert [line for line in agent.said() if not line.startswith("INFO")] == []


def test_an_agent_whose_reader_has_gone_goes_on(station: Station) -> None:
    agent = station.agent(station.describe("plc"))
    agent.wrap = ("bash", "-c", 'exec "$@" > >(head -c 1) 2>&1', "bash")
    agent.start()
    until(agent.answers, ARRIVE_S, "the agent answers")
    (simulator,) = station.field.simulators.values()
    simulator.choose = lambda: Manner.CLOSE
    station.arrived("device_lost", "plc")  # which is a line in the journal, for nobody
    simulator.choose = None
    station.arrived("device_restored", "plc")
