"""A plant without a plant: two commands to a first good reading at the platform."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.load import load
from tests.system.program import Agent, clean_environment, command
from tests.system.station import Station
from tests.system.waiting import until

EXAMPLE = Path(__file__).parents[2] / "examples" / "deepwell"
START_S = 60.0


@contextmanager
def simulating(*arguments: str, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `fengsui simulate` while inside; it is stopped in order."""
    with said.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "agent", "--lang", "en", "simulate", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=clean_environment(),
        )
    try:
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0, said.read_text()
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def example(station: Station, tmp_path: Path) -> Path:
    """The example, forwarding to the test's broker, and to a platform far away."""
    folder = tmp_path / "deepwell"
    shutil.copytree(EXAMPLE, folder)
    plant = folder / "plant.yaml"
    here = plant.read_text().replace("port: 1883", f"port: {station.broker.port}")
    far = "uplinks:\n  province:\n    type: mqtt\n    host: platform.example\n    port: 1883\n"
    plant.write_text(here.replace("uplinks:\n", far))
    return folder


def test_the_example_is_simulated_run_and_received(station: Station, example: Path, tmp_path: Path) -> None:
    copy, said = tmp_path / "simulated.yaml", tmp_path / "simulate.log"
    with simulating(str(example), "--write", str(copy), said=said):
        until(copy.exists, START_S, "the copy is written", said.read_text)
        agent = Agent(plant=copy, state=tmp_path / "s", cache=station.cache)
        station.agents.append(agent)
        agent.start().ready()
        names = {tag.tag for tag in load(copy).tags}
        until(
            lambda: good_names(station) == names,
            START_S,
            "all tags arrive and are good",
            lambda: names - good_names(station),
        )
        assert agent.ask()["alarms"] == []
        station.end(agent)
    assert "province is left out" in said.read_text()
    total = re.search(r"asked (\d+) times, 0 times to write", said.read_text())
    assert total is not None
    assert int(total[1]) > 0


def good_names(station: Station) -> set[str]:
    """Return the tags of which a good reading has arrived."""
    return {name for scan in list(station.receiver.scans) for name, word in scan.quality.items() if word == 0}


def test_what_is_wrong_with_the_options_is_said_at_once_and_nothing_starts() -> None:
    done = command("simulate", str(EXAMPLE), "--fault", "lat:device=caster", "--value", "mould_p=3")
    assert done.returncode == 64
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        '--value mould_p=3: tag "mould_p" is unknown; did you mean "mould_p_in"?',
        '--fault lat:device=caster: fault "lat" is unknown; did you mean "late"?',
    ]


def test_a_copy_that_cannot_be_written_ends_the_simulation_in_words(tmp_path: Path) -> None:
    done = command("simulate", str(EXAMPLE), "--write", str(tmp_path / "nowhere" / "copy.yaml"))
    assert done.returncode == 69
    assert "the simulation cannot go on: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("named", [EXAMPLE, EXAMPLE / "plant.yaml"])
def test_the_copy_never_replaces_the_plant(named: Path) -> None:
    before = (EXAMPLE / "plant.yaml").read_bytes()
    done = command("simulate", str(named), "--write", str(EXAMPLE / "plant.yaml"))
    assert done.returncode == 64
    assert "is the plant itself; write the copy elsewhere" in done.stderr
    assert (EXAMPLE / "plant.yaml").read_bytes() == before


def test_a_port_that_is_taken_ends_the_simulation_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1] - 1)  # of the first link; the second is refused
        done = command("simulate", str(EXAMPLE), "--port-base", port)
    assert done.returncode == 69
    assert "the simulation cannot go on" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_person_reads_the_faults_in_their_language() -> None:
    done = command("simulate", "--help", language="zh")
    assert done.returncode == 0
    assert "浮点值为 NaN" in done.stdout.replace("\n", "")
