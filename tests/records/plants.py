"""A plant in memory, for tests that need a dictionary and not a configuration file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.dictionary import Dictionary, pack_tags, unpack_tags
from config.faults import Place
from config.models import Description
from config.plant import Plant, number_tags
from config.tags import Tag

SUPPRESSION = ("deadband",)


def tag(name: str, **more: object) -> Tag:
    row = {"tag": name, "device": "plc", "scan_class": "fast", "address": "0", **more}
    return Tag.model_validate(row)


def plant(tags: Sequence[Tag], interlocks: Sequence[Mapping[str, object]] = ()) -> Plant:
    description = Description.model_validate(
        {
            "fengsui": 1,
            "gateway": {"enterprise": "91130300MA00000009", "name": "casting-1"},
            "scan_classes": {"fast": {"period": "500ms"}},
            "links": {"link": {"type": "modbus-tcp", "host": "127.0.0.1"}},
            "devices": {"plc": {"link": "link"}},
            "points": ["points.csv"],
            "rules": {"interlocks": interlocks},
        }
    )
    return number_tags(description, [(row, Place(Path("points.csv"))) for row in tags], "0" * 64)


def dictionary_of(*tags: Tag, interlocks: Sequence[Mapping[str, object]] = ()) -> Dictionary:
    return unpack_tags(pack_tags(plant(tags, interlocks), SUPPRESSION))


def tenths(count: int) -> Dictionary:
    """`count` tags of int16 x 0.1."""
    return dictionary_of(*(tag(f"t{number}", type="int16", scale=0.1) for number in range(count)))
