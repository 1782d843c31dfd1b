"""SIGKILL at random moments: nothing that the log reported as stored is missing or altered afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.buffer.child import body_of, promised
from tests.buffer.rig import READINGS, SYNC_S, assert_adds_up, balance, lost, open_log, put, unsettled

ROOT = Path(__file__).parents[2]
PYTHON = os.path.realpath(sys.executable)
"""Not a shim that would start another process, which a signal then misses."""


def child_environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}


def write_until_killed(directory: Path, run: int, lines: int) -> int:
    """Start a writer, kill it after `lines` reports, return the last number it called stored."""
    child = subprocess.Popen(
        [PYTHON, "-m", "tests.buffer.child", str(directory), str(run), "1000000", "0.0002"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=child_environment(),
    )
    assert child.stdout is not None
    said = [line for _, line in zip(range(lines), child.stdout, strict=False)]
    child.send_signal(signal.SIGKILL)
    said += child.stdout.read().splitlines()
    child.stdout.close()
    child.wait()
    return promised(said)


def kill_again_and_again(directory: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    stored: dict[int, int] = {}
    for run in range(1, kills + 1):
        stored[run] = write_until_killed(directory, run, rng.randrange(1, 60))
        log = open_log(directory, run=10_000 + run, cap="50MB")
        previous = log.recovery.previous
        assert previous is not None
        assert (previous.run, previous.clean) == (run, False)
        assert previous.last_seq[READINGS] >= stored[run]
        put(log, b"seen")
        log.sync(SYNC_S)
        log.close()
    log = open_log(directory, run=20_000, cap="50MB")
    left = {(record.run, record.seq): record.body for record in unsettled(log) if record.run < 10_000}
    assert all(body == body_of(*key) for key, body in left.items())
    for run, last in stored.items():
        missing = {seq for seq in range(1, last + 1) if (run, seq) not in left}
        assert all(seq % 3 == 0 for seq in missing), "only what was acknowledged may be gone"
    assert lost(balance(log)).records == 0
    assert_adds_up(log)
    log.close()


def test_twenty_kills_lose_nothing_that_was_stored(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, 20, seed=1)


@pytest.mark.torture
def test_many_kills_lose_nothing_that_was_stored(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, 5 * int(os.environ.get("TORTURE_N", "20")), seed=2)
