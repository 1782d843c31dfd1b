"""Who writes to a simulated device is found out, in whatever process, and the whole run fails."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.simulate.account import Account, note_device, note_write, read_account
from tests import conftest

pytest_plugins = ["pytester"]
CONFTEST = Path(__file__).parents[1] / "conftest.py"
A_RUN = """
import subprocess, sys

def test_devices():
    source = "from agent.simulate.account import *; note_device('modbus'); note_write('modbus', 6)"
    subprocess.run([sys.executable, "-c", source], check=True)
"""


def test_devices_and_writes_are_counted_apart(deliberate_writes: Path) -> None:
    assert read_account(deliberate_writes) == Account(devices=0, writes=())
    note_device("modbus")
    note_device("opcua")
    note_write("modbus", 6)
    assert read_account(deliberate_writes) == Account(devices=2, writes=("modbus 6",))


def test_a_write_in_another_process_fails_the_run(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(A_RUN)
    found = pytester.run(sys.executable, "-m", "pytest", "-q")
    assert found.ret == 1
    assert "1 passed" in found.stdout.str()
    assert "somebody has written to a simulated device: ('modbus 6',)" in found.stdout.str()


@pytest.mark.parametrize(
    ("file", "devices", "good"),
    [
        ("test_modbus_contract.py", 1, True),
        ("test_modbus_contract.py", 0, False),
        ("test_planner.py", 0, True),
    ],
)
def test_a_run_of_the_contract_in_which_no_device_was_counted_fails(
    deliberate_writes: Path, capsys: pytest.CaptureFixture[str], file: str, devices: int, good: bool
) -> None:
    deliberate_writes.touch()
    for _ in range(devices):
        note_device("modbus")
    session: Any = SimpleNamespace(exitstatus=0, items=[SimpleNamespace(path=Path(file))])
    conftest.pytest_sessionfinish(session)
    assert session.exitstatus == (0 if good else 1)
    assert ("no simulated device was ever counted" in capsys.readouterr().out) == (not good)
