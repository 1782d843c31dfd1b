"""YAML means what YAML 1.2 says, and every value knows its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.yaml_source import read_yaml

FILE = Path("plant.yaml")


def value_of(spelling: str) -> object:
    document, faults = read_yaml(FILE, f"key: {spelling}\n".encode())
    assert not faults
    return document.data["key"]


@pytest.mark.parametrize(
    ("spelling", "meaning"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("True", True),
        ("FALSE", False),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-7", -7),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e", "1e"),
        ("2026-03-01", "2026-03-01"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("5s", "5s"),
        ("铸造", "铸造"),
    ],
)
def test_a_scalar_means_what_the_core_schema_says(spelling: str, meaning: object) -> None:
    found = value_of(spelling)
    assert found == meaning
    assert type(found) is type(meaning)


def test_every_value_knows_where_it_and_its_key_stand() -> None:
    document, _ = read_yaml(FILE, b"a:\n  b: {c: 1}\n  d:\n    - x\n    - {e: 0012}\n")
    assert str(document.place("a", "b", "c")) == "plant.yaml:2:10"
    assert str(document.key_place("a", "b", "c")) == "plant.yaml:2:7"
    assert str(document.place("a", "d", 1, "e")) == "plant.yaml:5:11"
    assert document.spelling("a", "d", 1, "e") == "0012"
    assert str(document.place("a", "b", "union-tag", "c")) == "plant.yaml:2:10"


def test_columns_count_characters_behind_a_byte_order_mark_and_chinese() -> None:
    document, faults = read_yaml(FILE, "\ufeff铸造: {温度: 5}\n".encode())
    assert not faults
    assert str(document.place("铸造", "温度")) == "plant.yaml:1:10"


def test_an_alias_bomb_is_refused_at_once() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    _, faults = read_yaml(FILE, bomb.encode())
    assert len(faults) == 40 + 2 * 39


def test_nesting_without_end_is_refused() -> None:
    _, faults = read_yaml(FILE, b"a: " + b"[" * 5000)
    assert [str(fault.place) for fault in faults] == ["plant.yaml:1:33"]
