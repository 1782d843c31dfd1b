"""What a running agent does not hold: what its plant does not need, and what only its start needed."""

from __future__ import annotations

import re
from pathlib import Path

from agent.memory import unchanged
from tests.system.station import Station

NEEDED = {"pymodbus", "paho", "numba"}
FOR_OTHERS = {"asyncua", "cryptography", "iotcore", "jsonschema", "rich"}
"""For OPC UA, and for commands that somebody calls now and then."""

_IMPORTED = re.compile(r"^import time: +\d+ \| +\d+ \| +(\w+)", re.MULTILINE)
_SMAPS = """\
7f10a0000000-7f10a0200000 r--p 00000000 08:01 11 /lib/libllvm.so
Rss:                2048 kB
Anonymous:             0 kB
7f10a0200000-7f10a0300000 r-xp 00200000 08:01 11 /lib/libllvm.so
Anonymous:             0 kB
7f10a0300000-7f10a0310000 r--p 00300000 08:01 11 /lib/libllvm.so
Anonymous:            12 kB
7f10a0310000-7f10a0320000 rw-p 00310000 08:01 11 /lib/libllvm.so
Anonymous:             0 kB
7f10a0320000-7f10a0330000 r--s 00000000 08:01 12 /var/cache/shared
Anonymous:             0 kB
7f10a0330000-7f10a0340000 r-xp 00000000 00:00 0
Anonymous:             0 kB
7f10a0340000-7f10a0350000 r-xp 00000000 00:00 0                  [vdso]
Anonymous:             0 kB
"""


def test_an_agent_imports_what_its_plant_needs_and_gives_back_what_its_start_needed(station: Station) -> None:
    agent = station.agent(station.describe("plc"))
    agent.environment = {"PYTHONPROFILEIMPORTTIME": "1"}
    agent.start().ready()
    station.delivering("plc")
    compiler = clean_bytes(agent.pid, "libllvmlite")
    station.end(agent)
    imported = set(_IMPORTED.findall(agent.journal))
    assert imported >= NEEDED
    assert imported.isdisjoint(FOR_OTHERS)
    assert compiler == 0


def test_only_pages_that_their_file_can_give_again_are_dropped() -> None:
    assert list(unchanged(_SMAPS)) == [
        (0x7F10A0000000, 0x7F10A0200000),
        (0x7F10A0200000, 0x7F10A0300000),
    ]


def clean_bytes(pid: int, library: str) -> int:
    """Return how much of a library is in memory as its file has it."""
    found, inside = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines():
        if "-" in line.partition(" ")[0]:
            inside = library in line
        elif inside and line.startswith(("Rss:", "Anonymous:")):
            found += 1024 * int(line.split()[1]) * (1 if line.startswith("Rss:") else -1)
    return found
