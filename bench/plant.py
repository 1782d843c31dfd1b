"""Writes the plant that the agent is measured with: all registers of all load devices, all rules on."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.message import SCALE, tag_name
from bench.network import Network

LOW_UNTIL: Final = 3
HIGH_FROM: Final = 6
MOST_WORDS: Final = 125
ANSWERS_PER_ALARM: Final = 16
"""Alarm `i` of a device changes with bit 4 of register `i`, which is that of the answer's number plus `i`."""


def alarm_changes(number: int, answers: int) -> int:
    """Return how often alarm `number` of a device was raised or cleared by its first so many answers."""
    if not answers:
        return 0
    first, last = ((answer + number) // ANSWERS_PER_ALARM for answer in (1, answers))
    return last - first + first % 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked for: `registers` of each of `devices` every `period_ms`.

    `alarms`: how many devices also carry `alarms_each` alarms, each raised or cleared every ANSWERS_PER_ALARM
    answers. `at_once`: how many registers of each device are below a limit from the start, within limits from
    scan LOW_UNTIL on, and above one from scan HIGH_FROM on, all in one scan. `log`: the log's settings, as a
    plant says them.
    """

    devices: int = 50
    registers: int = 100
    period_ms: float = 1000.0
    alarms: int = 0
    alarms_each: int = 1
    at_once: int = 0
    log: str = "{}"

    @property
    def readings_per_s(self) -> float:
        """Readings a second when every grid instant is kept."""
        alarms = self.alarms * self.alarms_each
        return (self.devices * self.registers + alarms) * 1000 / self.period_ms


def write_plant(folder: Path, load: Load, network: Network) -> Path:
    """Write `plant.yaml` and its point table into `folder`; return the former's path."""
    _write_points(folder / "points.csv", load)
    links = "".join(
        f"  l{device:02d}: {{type: modbus-tcp, host: {network.host}, port: {port}}}\n"
        for device, port in enumerate(network.devices)
    )
    devices = "".join(f"  d{device:02d}: {{link: l{device:02d}}}\n" for device in range(load.devices))
    plant = folder / "plant.yaml"
    plant.write_text(
        "fengsui: 1\n"
        "gateway: {enterprise: bench, name: bench}\n"
        f"scan_classes:\n  grid: {{period: {load.period_ms:g}ms}}\n"
        f"links:\n{links}devices:\n{devices}"
        "points: [points.csv]\n"
        f"log: {load.log}\n"
        f"uplinks:\n  north: {{type: mqtt, host: {network.host}, port: {network.broker}}}\n",
        encoding="utf-8",
    )
    return plant


def _write_points(path: Path, load: Load) -> None:
    rows = [
        _register(device, number) | (_at_once(number, load.registers) if number < load.at_once else {})
        for device in range(load.devices)
        for number in range(load.registers)
    ]
    rows += [_alarm(device, number) for device in range(load.alarms) for number in range(load.alarms_each)]
    with path.open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, fieldnames=list(_register(0, 0)), restval="")
        writer.writeheader()
        writer.writerows(rows)


def _register(device: int, number: int) -> dict[str, object]:
    """Return a row whose rules are all judged and never met for long; its value leaves its deadband always.

    Limits lie at the two ends of the raw range, which a counting register passes in a few answers.
    """
    return {
        "tag": tag_name(device, number),
        "device": f"d{device:02d}",
        "scan_class": "grid",
        "address": f"hr:{number}",
        "type": "uint16",
        "scale": SCALE,
        "unit": "m3/h",
        "priority": "",
        "raw_low": 0,
        "raw_high": 65000,
        "sentinels": "65535=fault",
        "deadband": SCALE / 2,
        "ll": 0,
        "l": SCALE,
        "h": SCALE * 64999,
        "hh": SCALE * 65000,
        "alarm_deadband": 1,
        "on_delay": "10min",
    }


def _at_once(number: int, registers: int) -> dict[str, object]:
    """Return what makes a register alarm with all others: its value counts up with every answer."""
    answers_per_scan = -(-registers // MOST_WORDS)
    return {
        "ll": "",
        "l": SCALE * (number + answers_per_scan * LOW_UNTIL),
        "h": SCALE * (number + answers_per_scan * HIGH_FROM),
        "hh": "",
        "on_delay": "",
        "priority": "high",
    }


def _alarm(device: int, number: int) -> dict[str, object]:
    """Return a row whose alarm is raised for ANSWERS_PER_ALARM answers and cleared for as many."""
    return {
        "tag": f"d{device:02d}_alarm{number:03d}",
        "device": f"d{device:02d}",
        "scan_class": "grid",
        "address": f"hr:{number}.4",
        "type": "bool",
        "h": 0.5,
    }
