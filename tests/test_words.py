"""Every sentence that a person may see exists in both languages, with the same arguments."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("agent", "buffer", "config", "drivers", "filters")
CATALOGUES = sorted((ROOT / "config" / "words" / "zh").glob("*.toml"))


def calls_of_text() -> Iterator[tuple[str, ast.expr]]:
    """Yield the place and the first argument of every `text(...)`."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "text":
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.args[0]


def templates() -> dict[str, str]:
    """Return every template with a place where it stands."""
    literals = ((place, node.value) for place, node in calls_of_text() if isinstance(node, ast.Constant))
    return {str(template): place for place, template in literals}


def chinese() -> dict[str, str]:
    return {
        english: words
        for path in CATALOGUES
        for english, words in tomllib.loads(path.read_text(encoding="utf-8")).items()
    }


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_every_template_is_a_literal() -> None:
    computed = [place for place, node in calls_of_text() if not isinstance(node, ast.Constant)]
    assert computed == []


def test_every_template_has_its_chinese() -> None:
    known = chinese()
    assert [f"{place}: {template}" for template, place in templates().items() if template not in known] == []


def test_the_chinese_has_the_same_arguments() -> None:
    different = [
        english for english, words in chinese().items() if placeholders(english) != placeholders(words)
    ]
    assert different == []


def test_no_chinese_is_left_over() -> None:
    used = templates()
    assert [english for english in chinese() if english not in used] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_is_chinese_and_agrees_with_the_others(path: Path) -> None:
    known = chinese()
    for english, words in tomllib.loads(path.read_text(encoding="utf-8")).items():
        assert words != english or not re.search(r"[A-Za-z]{2}", re.sub(r"\{\w+\}", "", english)), english
        assert known[english] == words, f"two catalogues differ on: {english}"
