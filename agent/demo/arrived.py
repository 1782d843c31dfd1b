"""What the receiver has written down, read while it goes on writing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from agent.demo.scenario import Expected
from config.vocabulary import EventKind

COUNTER_TAG = "plc_reads"


@dataclass(slots=True)
class Arrived:
    """Messages as they arrived. `reads`: the values of the PLC's own read counter, with their number."""

    path: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    readings: int = 0
    messages: int = 0
    backfilled: int = 0
    reads: list[int] = field(default_factory=list)
    listening: bool = False
    _offset: int = 0
    _tags: dict[str, dict[int, str]] = field(default_factory=dict)

    def look(self) -> list[dict[str, Any]]:
        """Take in what was written since the last look; return the events among it."""
        fresh: list[dict[str, Any]] = []
        if not self.path.exists():
            return fresh
        with self.path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._hear(orjson.loads(line), fresh)
        self.events += fresh
        return fresh

    def happened(self) -> list[Expected]:
        """Return the events in the order of their arrival, as the scenario names them."""
        return [Expected(EventKind(event["event"]), event["rule"]) for event in self.events]

    def _hear(self, line: dict[str, Any], fresh: list[dict[str, Any]]) -> None:
        if "listening" in line:
            self.listening = line["listening"]
        elif line["verdict"] in ("new", "not_a_record"):
            self._take(line["message"], fresh)

    def _take(self, message: dict[str, Any], fresh: list[dict[str, Any]]) -> None:
        self.messages += 1
        if message["kind"] == "event":
            fresh.append(message)
        elif message["kind"] == "meta":
            names = {tag["tag"]: tag["name"] for tag in message["tags"]}
            self._tags.setdefault(message["meta"], {}).update(names)
        elif message["kind"] == "readings":
            self.readings += len(message["rows"])
            self.backfilled += len(message["rows"]) if message["backfill"] else 0
            names = self._tags.get(message["meta"], {})
            self.reads += [
                int(row[1]) for row in message["rows"] if names.get(row[0]) == COUNTER_TAG and row[1]
            ]
