"""Small things that many faults rest on: quantities, codes, suggestions, languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.faults import ConfigError, Fault, Place, WrongValue
from config.text import Text, language_of, text
from config.units import parse_duration_ns, parse_size_bytes, show_duration, show_size
from config.uscc import check_character, looks_like_uscc
from config.wording import closest, unknown


@pytest.mark.parametrize(
    ("spelling", "duration_ns"),
    [
        ("500ms", 500 * 10**6),
        ("1.5s", 1_500 * 10**6),
        ("10 min", 600 * 10**9),
        ("2h", 7200 * 10**9),
        ("30d", 2592 * 10**12),
        ("0", 0),
        (0, 0),
    ],
)
def test_a_duration_is_a_number_with_a_unit(spelling: object, duration_ns: int) -> None:
    assert parse_duration_ns(spelling) == duration_ns


@pytest.mark.parametrize(
    "spelling", ["5", 5, "5 sec", "s", "", "-5s", "1e3s", True, "٣s", "9" * 400 + "s", [], None]
)
def test_what_is_no_duration_is_refused(spelling: object) -> None:
    with pytest.raises(WrongValue):
        parse_duration_ns(spelling)


@given(st.integers(0, 10**9))
def test_a_duration_reads_as_it_is_shown(duration_ms: int) -> None:
    assert parse_duration_ns(show_duration(duration_ms * 10**6)) == duration_ms * 10**6


@given(st.integers(0, 10**12))
def test_a_size_reads_as_it_is_shown(size_bytes: int) -> None:
    assert parse_size_bytes(show_size(size_bytes)) == size_bytes


def test_the_check_character_is_that_of_the_standard() -> None:
    assert check_character("91130300MA00000009") == "9"
    assert check_character("9113O300MA00000009") is None
    assert looks_like_uscc("91130300MA00000009")
    assert not looks_like_uscc("hebei-aluminium-01")


def test_a_suggestion_is_made_only_where_one_is_close() -> None:
    known = ["caster", "furnace"]
    assert closest("Castr", known) == "caster"
    assert closest("boiler", known) is None
    assert "known are caster, furnace" in str(unknown(text("device"), "boiler", known))


def test_faults_stand_in_order_once_each_with_nothing_invisible() -> None:
    late = Fault(Place(Path("b.yaml"), 2, 1), Text("late"))
    early = Fault(Place(Path("a.yaml"), 10, 1), Text("early \x1b\u00a0"))
    assert ConfigError([late, early, late]).show().splitlines() == [
        "a.yaml:10:1: early <U+001B><U+00A0>",
        "b.yaml:2:1: late",
        "2 faults; nothing was started",
    ]


def test_the_language_is_the_requested_one_then_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert language_of() == "en"
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert language_of() == "zh"
    assert language_of("en") == "en"
