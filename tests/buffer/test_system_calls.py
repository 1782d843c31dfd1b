"""The log as the kernel sees it, and with the kernel failing it, by strace."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.buffer.child import body_of, promised
from tests.buffer.rig import assert_adds_up, balance, lost, open_log, unsettled
from tests.buffer.test_kill import PYTHON, ROOT, child_environment

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="capability: strace is not installed")


def traced(directory: Path, *options: str, records: int = 300, output: Path = Path("/dev/null")) -> list[str]:
    """Run the writing child under strace and return the lines it printed."""
    child = subprocess.run(
        [
            *("strace", "-f", "--seccomp-bpf", "-o", str(output), *options),
            *(PYTHON, "-m", "tests.buffer.child", str(directory), "1", str(records), "0.0002"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=child_environment(),
        timeout=60,
    )
    assert "Traceback" not in child.stderr, child.stderr
    return child.stdout.splitlines()


def assert_kept(directory: Path, said: list[str]) -> None:
    """Everything that the child called stored is there or acknowledged, and the ledger is exact."""
    stored = promised(said)
    log = open_log(directory, run=2, cap="50MB")
    left = {record.seq: record.body for record in unsettled(log) if record.run == 1}
    assert all(body == body_of(1, seq) for seq, body in left.items())
    missing = set(range(1, stored + 1)) - set(left)
    assert all(seq % 3 == 0 for seq in missing), sorted(missing)
    assert lost(balance(log)).records == 0
    assert_adds_up(log)
    log.close()


def test_an_io_error_on_sync_ends_the_agent_and_costs_nothing_stored(tmp_path: Path) -> None:
    said = traced(tmp_path, "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=5")
    assert said[-1] == "failure"
    assert_kept(tmp_path, said)


@pytest.mark.parametrize(("call", "when"), [("pwrite64", 9), ("fdatasync", 12), ("fsync", 3)])
def test_a_kill_at_the_nth_call_costs_nothing_stored(tmp_path: Path, call: str, when: int) -> None:
    said = traced(tmp_path, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}")
    assert_kept(tmp_path, said)


@pytest.mark.torture
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "fsync", "openat"])
def test_a_kill_at_any_call_costs_nothing_stored(tmp_path: Path, call: str) -> None:
    rng = random.Random(call)
    for at in range(int(os.environ.get("TORTURE_N", "20"))):
        directory = tmp_path / str(at)
        when = rng.randrange(1, 60) + (1500 if call == "openat" else 0)
        said = traced(directory, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}")
        assert_kept(directory, said)


@pytest.mark.parametrize("error", ["ENOSPC", "EDQUOT"])
def test_a_disk_that_is_full_for_a_while_costs_nothing_stored(tmp_path: Path, error: str) -> None:
    said = traced(
        tmp_path, "-e", "trace=pwrite64", "-e", f"inject=pwrite64:error={error}:when=8..12", records=600
    )
    assert promised(said) > 300
    assert_kept(tmp_path, said)
    log = open_log(tmp_path, run=3, cap="50MB")
    assert balance(log).recorded.records == 600
    log.close()


CALL = re.compile(r"\d+ +(\w+)\((.*)\) += \d+")


def test_every_write_is_synced_and_every_new_segment_listed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    traced(tmp_path / "log", "-y", "-e", "trace=pwrite64,fdatasync,fsync", records=400, output=trace)
    unsynced: set[str] = set()
    written: set[str] = set()
    listed = 0
    for match in CALL.finditer(trace.read_text(encoding="utf-8")):
        target = re.search(r"\d+<([^>]*)>", match[2])
        path = target[1] if target else ""
        if match[1] == "pwrite64" and path.endswith(".seg"):
            unsynced.add(path)
            written.add(path)
        elif match[1] == "fdatasync":
            unsynced.discard(path)
        elif path == str(tmp_path / "log"):
            listed += 1
    assert len(written) >= 3
    assert not unsynced
    assert listed >= len(written)
