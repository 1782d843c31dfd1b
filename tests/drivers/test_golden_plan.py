"""A table of 500 points, with holes and two function codes, in as few requests as its device allows."""

from __future__ import annotations

from pathlib import Path

from config.load import load
from drivers.modbus.driver import ModbusDriver
from drivers.registry import make_drivers

FOLDER = Path(__file__).parents[1] / "golden" / "plan"
FORBIDDEN = {465, 466}


def test_five_hundred_points_need_a_twentieth_of_the_requests_and_exactly_these() -> None:
    plant = load(FOLDER)
    assert len(plant.tags) == 500
    driver = make_drivers(plant)["plc"]
    requests = driver.plan(plant.groups[0])
    assert len(requests) <= 500 / 20
    assert "\n".join(str(request) for request in requests) + "\n" == (FOLDER / "expected.txt").read_text()


def test_what_is_forbidden_is_not_read_along() -> None:
    driver = make_drivers(load(FOLDER))["plc"]
    assert isinstance(driver, ModbusDriver)
    asked = [
        range(block.start, block.start + block.count)
        for work in driver.work()
        for block in work.blocks
        if block.function_code == 4
    ]
    assert not any(FORBIDDEN & set(addresses) for addresses in asked)
    assert any(460 in addresses for addresses in asked)
    assert any(473 in addresses for addresses in asked)
