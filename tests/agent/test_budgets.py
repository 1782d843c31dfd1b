"""What an interlock's time must cover: the slow bus that its inputs are read over counts."""

from __future__ import annotations

from typing import Any

from agent.budgets import Budget, budgets
from config.units import MS, S
from drivers.registry import make_drivers, modbus_buses
from tests.agent.plants import make_plant

INTERLOCK: dict[str, Any] = {
    "name": "cut",
    "cause": {"tag": "plc_0", "above": 5},
    "effects": [{"tag": "plc_1", "equals": 1, "within": "10s"}],
}


def budget(**description: Any) -> Budget:
    plant = make_plant(tags_each=100, rules={"interlocks": [INTERLOCK]}, **description)
    (found,) = budgets(plant, modbus_buses(plant, make_drivers(plant)))
    return found


def test_the_sum_is_twice_scan_median_bus_and_skew() -> None:
    found = budget(tag={"median": 5})
    assert (found.scan_ns, found.median_ns, found.skew_ns) == (S, 2 * S, 200 * MS)
    assert found.least_ns == 2 * (S + 2 * S + found.bus_ns + 200 * MS)
    assert "2 x (scan 1s + median 2s + bus " in found.words.show("en")


def test_a_slow_serial_bus_takes_its_share() -> None:
    bus = {"type": "modbus-rtu-tcp", "host": "127.0.0.1", "port": 4001, "baud": 2400}
    slow = budget(links={"plc": bus})
    assert slow.bus_ns > 800 * MS  # 200 bytes at 11 bits each
    assert slow.least_ns > budget().least_ns + 1500 * MS
