"""docs/plant.md tells every column, every spelling and every key that the program knows."""

from __future__ import annotations

import re
from pathlib import Path

from config.models import Description
from config.points.columns import COLUMNS, TYPES

REFERENCE = (Path(__file__).parents[2] / "docs" / "plant.md").read_text(encoding="utf-8")


def test_every_column_stands_in_the_reference_with_all_its_headers() -> None:
    for column in COLUMNS:
        assert f"| `{column.field}` | {' · '.join(column.headers)} |" in REFERENCE


def test_every_type_stands_in_the_reference_with_all_its_spellings() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", REFERENCE, re.MULTILINE))
    for spelling, type_name in TYPES.items():
        assert spelling == type_name or spelling in rows[type_name].split()


def test_every_key_of_the_description_stands_in_the_reference() -> None:
    for definition in Description.model_json_schema()["$defs"].values():
        for key in definition.get("properties", ()):
            assert re.search(rf"\b{key}\b", REFERENCE), key
