"""The systemd unit, as far as systemd can judge it without running."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "systemd" / "fengsui.service"
MOST_EXPOSURE = "21"
"""Tenths: `systemd-analyze security` gives an unhardened service 9.6."""

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="capability: systemd-analyze is not installed"
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A copy whose program exists, as it would on the machine that it is installed on."""
    program = tmp_path / "fengsui"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    described = UNIT.read_text(encoding="utf-8").replace("/opt/fengsui/bin/fengsui", str(program))
    copy = tmp_path / "fengsui.service"
    copy.write_text(described, encoding="utf-8")
    return copy


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, encoding="utf-8", check=False)


def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    verdict = analyze("verify", "--man=no", str(unit))
    assert (verdict.returncode, verdict.stderr) == (0, "")


def test_the_unit_is_hardened(unit: Path) -> None:
    verdict = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", str(unit))
    assert verdict.returncode == 0, verdict.stdout


def test_the_unit_lets_in_the_serial_ports_that_its_page_names() -> None:
    page = (ROOT / "docs" / "modbus.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tty[A-Z]+)`", page.split("The service may open", 1)[1].split(";", 1)[0])
    allowed = re.findall(r"^DeviceAllow=char-(\w+) rw$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert named == allowed == ["ttyS", "ttyUSB", "ttyACM", "ttyAMA"]
