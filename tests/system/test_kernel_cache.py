"""A cache of compiled code that rots: never trusted, told, rebuilt."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

from tests.system.station import Station

REBUILT = {
    "en": "the cache of compiled code was damaged; it has been rebuilt",
    "zh": "编译缓存已损坏，现已重建",
}


def test_a_rotten_cache_is_told_and_rebuilt_and_the_plant_is_judged_meanwhile(
    station: Station, tmp_path: Path
) -> None:
    agent = station.agent(station.describe("plc").tag("plc", "water", "hr:60", h=100), language="zh")
    agent.cache = tmp_path / "cache"
    shutil.copytree(station.cache, agent.cache)
    rot(agent.cache)
    agent.start().ready()
    assert REBUILT["en"] in agent.concerns("en")
    assert REBUILT["zh"] in agent.concerns("zh")
    assert f"WARN  {REBUILT['zh']}" in agent.said()
    station.units["plc"].holding[60] = 500
    station.arrived("alarm_raised", "water.H")
    assert agent.stop() == 0

    agent.start().ready()
    assert REBUILT["en"] not in agent.concerns("en")


def rot(cache: Path) -> None:
    """Change one bit of every file of compiled code."""
    random = Random(11)
    for path in cache.rglob("*.nb?"):
        content = bytearray(path.read_bytes())
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        path.write_bytes(content)
