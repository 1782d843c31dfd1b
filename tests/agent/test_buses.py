"""What a link is expected to cost is told before anything starts, and what it cannot carry is refused."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from agent.cli.check import check

PLANT = """
fengsui: 1
gateway: {{enterprise: E1, name: gw}}
scan_classes: {{normal: {{period: {period}}}}}
links:
  bus: {{type: modbus-rtu, port: /dev/ttyS9}}
devices: {{{devices}}}
points: [points.csv]
"""


def checked(folder: Path, period: str, units: int = 10, *options: str) -> Result:
    """Check a bus at 9600 baud whose units have 10 registers each: 62 ms a unit."""
    names = [f"u{unit}" for unit in range(1, units + 1)]
    devices = ", ".join(f"{name}: {{link: bus, unit_id: {name[1:]}}}" for name in names)
    rows = [f"{name}r{at},{name},normal,hr:{at}" for name in names for at in range(10)]
    (folder / "plant.yaml").write_text(PLANT.format(period=period, devices=devices))
    (folder / "points.csv").write_text("\n".join(["tag,device,scan_class,address", *rows]))
    return CliRunner().invoke(check, [str(folder), *options], env={"LC_ALL": "C"})


def test_cycle_load_and_the_time_to_notice_life_are_told(tmp_path: Path) -> None:
    found = checked(tmp_path, "2s")
    assert found.exit_code == 0
    assert found.stderr == ""
    assert (
        "link bus\n  a cycle takes 618 ms, load 31 %; a dead unit that comes back is noticed within "
        "73.5 s (635 s where only one is alive)\n" in found.stdout
    )


def test_the_same_is_told_to_programs(tmp_path: Path) -> None:
    expected = orjson.loads(checked(tmp_path, "2s", 10, "--json").stdout)["expected"]["bus"]
    assert expected["cycle_s"] == pytest.approx(0.618, rel=0.01)
    assert expected["load"] == pytest.approx(0.309, rel=0.01)


def test_a_link_that_is_nearly_full_is_warned_of(tmp_path: Path) -> None:
    found = checked(tmp_path, "800ms")
    assert found.exit_code == 0
    assert 'plant.yaml:6:8: link "bus" will be busy 77 % of the time' in found.stderr


def test_a_link_that_cannot_carry_it_is_refused_with_its_place(tmp_path: Path) -> None:
    found = checked(tmp_path, "500ms")
    assert found.exit_code == 78
    assert 'plant.yaml:6:8: link "bus" would need 124 % of its time' in found.stderr
    assert "1 fault; nothing was started" in found.stderr
    assert found.stdout == ""
