"""`fengsui watch`: what the running agent reads, as it reads it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.sparkline import BARS, NO_VALUE, Sparkline
from tests.system.program import Agent, clean_environment, command
from tests.system.station import standing


def test_a_sparkline_shows_the_last_values_between_their_bounds() -> None:
    line = Sparkline(8)
    for value in (99.0, *map(float, range(8))):
        line.add(value)
    assert str(line) == BARS
    line.add(None)
    assert str(line)[-1] == NO_VALUE


def test_values_that_stand_still_are_drawn_in_the_middle() -> None:
    line = Sparkline(3)
    assert str(line) == ""
    for _ in range(3):
        line.add(5.0)
    assert str(line) == BARS[4] * 3


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory, kernel_cache: Path) -> Iterator[Agent]:
    with standing(tmp_path_factory.mktemp("watched"), kernel_cache) as station:
        described = station.describe("plc")
        described.tag("plc", "level", "hr:60", l=5, h=100, title="料位")
        yield station.agent(described).start().ready()


def test_a_tag_is_shown_once(agent: Agent) -> None:
    done = command("watch", "level", "plc_reads", "--once", "--state", str(agent.state))
    assert done.returncode == 0, done.stderr
    assert re.search(r"level +料位 +0 +Good +L 5! H 100", done.stdout)
    assert re.search(r"plc_reads +\d+ +Good", done.stdout)


def test_without_a_terminal_there_is_a_line_for_every_look(agent: Agent) -> None:
    done = command("watch", "plc_reads", "level", "--for", "1s", "--state", str(agent.state), language="zh")
    lines = done.stdout.splitlines()
    assert len(lines) >= 6
    reads = [int(line.split()[2]) for line in lines if "plc_reads" in line]
    assert reads == sorted(reads)
    assert reads[-1] > reads[0]
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d  level  0  良好  L", line) for line in lines if "level" in line)


def test_on_a_terminal_the_table_renews_itself(agent: Agent) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "agent", "watch", "plc_reads", "--for", "500ms", "--state", str(agent.state)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=clean_environment() | {"TERM": "xterm", "COLUMNS": "120"},
    ) as process:
        os.close(slave)
        said = b""
        try:
            while part := os.read(master, 4096):
                said += part
        except OSError:  # the terminal has gone with the process
            pass
        assert process.wait() == 0
    os.close(master)
    assert said.decode().count("plc_reads") >= 3
    assert any(bar in said.decode() for bar in BARS)


def test_a_tag_that_is_not_there_and_an_agent_that_is_not_there_are_named(agent: Agent) -> None:
    assert 'tag "levle" is unknown' in command("watch", "levle", "--state", str(agent.state)).stderr
    done = command("watch", "level", "--state", str(agent.state.parent))
    assert done.returncode == 69
    assert "no agent answers" in done.stderr
