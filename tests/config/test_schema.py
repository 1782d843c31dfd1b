"""The JSON Schema is the models', and every finding of pydantic has words of ours."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest

from config.consistency import inconsistencies
from config.draft import describe, draft_of
from config.explain import _PATTERNS
from config.fields import SECRET_PATTERN
from config.models import Description
from config.points.read import read_table
from config.schema.generate import PATH, schema
from config.tags import Tag
from config.units import DURATION_PATTERN, SIZE_PATTERN
from config.yaml_source import Document, read_yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "deepwell" / "plant.yaml"
TABLE = EXAMPLE.with_name("points.csv")
WRONG_VALUES = (5, -5, 1.5, True, "x", "yes", "", "5", [], ["x"], {}, {"x": 1}, 10**12, "#" * 300)


@pytest.fixture(scope="module")
def document() -> Document:
    return read_yaml(EXAMPLE, EXAMPLE.read_bytes())[0]


def test_the_committed_schema_is_the_models_schema() -> None:
    assert PATH.read_text(encoding="utf-8") == schema(), "run: python -m config.schema.generate"


def test_the_example_satisfies_the_schema(document: Document) -> None:
    jsonschema.Draft202012Validator(json.loads(schema())).validate(document.data)


def test_every_pattern_of_the_models_has_words() -> None:
    told = {*_PATTERNS, SECRET_PATTERN, DURATION_PATTERN, SIZE_PATTERN}
    assert set(_patterns(Description.model_json_schema())) | set(_patterns(Tag.model_json_schema())) <= told


def test_every_wrong_value_is_told_in_our_words_at_its_place(document: Document) -> None:
    rows, _ = read_table(TABLE, TABLE.read_bytes())
    for loc in document.marks:
        for wrong in WRONG_VALUES if loc else ():
            changed = _with(document, loc, wrong)
            between = inconsistencies(draft_of(changed), rows, all_read=True)
            for fault in [*describe(changed)[1], *between]:
                assert "does not fit" not in fault.show()
                assert fault.show("zh") != fault.show("en")
                assert fault.place.line > 1


def _patterns(node: object) -> list[str]:
    if isinstance(node, list):
        return [pattern for item in node for pattern in _patterns(item)]
    if not isinstance(node, dict):
        return []
    own = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    return own + [pattern for item in node.values() for pattern in _patterns(item)]


def _with(document: Document, loc: tuple[str | int, ...], value: object) -> Document:
    data: dict = copy.deepcopy(document.data)
    inner: dict = data
    for part in loc[:-1]:
        inner = inner[part]
    inner[loc[-1]] = value
    return Document(document.path, data, document.marks)
