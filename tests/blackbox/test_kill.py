"""SIGKILL half a scan after an alarm: what was before the alarm is on the disk."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from tests.agent.rig import wired
from tests.blackbox.test_defaults import by_default
from tests.blackbox.test_recorder import told, windows
from tests.buffer.test_kill import PYTHON, ROOT, child_environment
from tests.virtual import VirtualClock

TAGS = 20


def kill_an_agent_after_its_alarm(state: Path) -> None:
    child = subprocess.Popen(
        [PYTHON, "-m", "tests.blackbox.child", str(state), str(TAGS)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=child_environment(),
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "stored\n"
    child.send_signal(signal.SIGKILL)
    child.stdout.close()
    child.wait()


async def test_a_kill_after_an_alarm_leaves_the_minute_before_it(tmp_path: Path) -> None:
    kill_an_agent_after_its_alarm(tmp_path)
    async with wired(by_default(TAGS), tmp_path, VirtualClock()) as wiring:
        assert [-int(count) for count in told(windows(wiring))] == list(range(90, 151))
