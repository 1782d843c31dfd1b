"""Who writes to a simulated device is found out, in whatever process, and the whole run fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent.simulate.account import Account, note_device, note_write, read_account

pytest_plugins = ["pytester"]
CONFTEST = Path(__file__).parents[1] / "conftest.py"
A_RUN = """
import subprocess, sys

def test_devices():
    source = "from agent.simulate import account as a; a.note_device('modbus'); {deed}"
    subprocess.run([sys.executable, "-c", source], check=True)
"""


def test_devices_and_writes_are_counted_apart(deliberate_writes: Path) -> None:
    assert read_account(deliberate_writes) == Account(devices=0, writes=())
    note_device("modbus")
    note_device("opcua")
    note_write("modbus", 6)
    assert read_account(deliberate_writes) == Account(devices=2, writes=("modbus 6",))


@pytest.mark.parametrize(
    ("deed", "code", "said"),
    [
        ("pass", 0, "1 simulated devices, 0 write requests"),
        ("a.note_write('modbus', 6)", 1, "somebody has written to a simulated device: ('modbus 6',)"),
        ("a._enter('nothing')", 0, "1 passed"),
    ],
)
def test_a_write_in_another_process_fails_the_run(
    pytester: pytest.Pytester, deed: str, code: int, said: str
) -> None:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(A_RUN.format(deed=deed))
    found = pytester.run(sys.executable, "-m", "pytest", "-q")
    assert found.ret == code
    assert said in found.stdout.str()


def test_a_run_in_which_no_device_was_counted_says_nothing(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    folder = pytester.mkdir("simulate")
    (folder / "test_it.py").write_text("def test_it(): pass\n")
    found = pytester.run(sys.executable, "-m", "pytest", "-q")
    assert found.ret == 1
    assert "the account of write requests says nothing" in found.stdout.str()
