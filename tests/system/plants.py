"""Plant descriptions for whole agents, written as files: what `fengsui run` reads."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

REGISTERS = 50
ENTERPRISE, GATEWAY = "91130300MA00000009", "gw-1"


@dataclass(kw_only=True)
class Description:
    """A plant in the making; every method adds to it."""

    period: str = "100ms"
    devices: dict[str, Any] = field(default_factory=dict)
    links: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    uplinks: dict[str, Any] = field(default_factory=dict)
    log: dict[str, Any] = field(default_factory=lambda: {"cap": "50MB", "segment": "1MB"})

    def modbus(self, name: str, port: int, *, unit_id: int = 1, timeout: str = "2s") -> Self:
        """Add a device of `REGISTERS` registers: its read counter, and those that follow from it."""
        link = {"type": "modbus-tcp", "host": "127.0.0.1", "port": port, "timeout": timeout}
        self.links[name] = {**link, "connect_timeout": timeout}
        self.devices[name] = {"link": name, "unit_id": unit_id}
        self.tag(name, f"{name}_reads", "hr:0", type="uint32")
        for number in range(2, REGISTERS):
            self.tag(name, f"{name}_{number}", f"hr:{number}")
        return self

    def opcua(self, name: str, url: str, nodes: dict[str, str], *, timeout: str = "2s") -> Self:
        """Add a server with nodes (tag to NodeId), each a float64."""
        self.links[name] = {"type": "opcua", "url": url, "timeout": timeout}
        self.devices[name] = {"link": name}
        for tag, address in nodes.items():
            self.tag(name, tag, address, type="float64")
        return self

    def tag(self, device: str, name: str, address: str, **cells: Any) -> Self:
        """Add a row to the point table."""
        self.rows.append(
            {"tag": name, "device": device, "scan_class": "normal", "address": address, "type": "uint16"}
            | cells
        )
        return self

    def mqtt(self, port: int, *, name: str = "province", host: str = "127.0.0.1", **settings: Any) -> Self:
        """Forward to a broker."""
        uplink = {"type": "mqtt", "host": host, "port": port, "keepalive": "5s"}
        self.uplinks[name] = uplink | settings
        return self

    def drop(self, folder: Path, name: str = "diode", **settings: Any) -> Self:
        """Forward to a folder."""
        self.uplinks[name] = {"type": "file", "directory": str(folder), "every": "50ms"} | settings
        return self

    def write(self, folder: Path) -> Path:
        """Write `plant.yaml` (JSON is YAML 1.2) and its point table; return the path."""
        columns = list(dict.fromkeys(column for row in self.rows for column in row))
        with (folder / "points.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, columns)
            table.writeheader()
            table.writerows(self.rows)
        described = {
            "fengsui": 1,
            "gateway": {"enterprise": ENTERPRISE, "name": GATEWAY},
            "scan_classes": {"normal": {"period": self.period}},
            "links": self.links,
            "devices": self.devices,
            "points": ["points.csv"],
            "uplinks": self.uplinks,
            "log": self.log,
        }
        path = folder / "plant.yaml"
        path.write_text(json.dumps(described, ensure_ascii=False, indent=1), encoding="utf-8")
        return path
