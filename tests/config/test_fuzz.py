"""Whatever is done to a good plant, it loads, or every fault names its file, line and column."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.faults import ConfigError
from config.load import load

EXAMPLE = Path(__file__).parents[2] / "examples" / "deepwell"
FILES = {name: (EXAMPLE / name).read_bytes() for name in ("plant.yaml", "points.csv")}
TORTURE_N = int(os.environ.get("TORTURE_N", "20"))

WORDS = (
    "： ， \" ' { } [ ] # | > % &a *a !!int --- <<: ~ null yes -1 1e999 .nan 99999999999999999999 0x ../ / ; "
    '"\\ud800" "\\U00110000" "\\0" 铸造 #REF! 1-Mar 1.2E+10 ５ equals:{} type:opcua ns=2;s=x hr:65535'
)
SPACES = ["\t", " ", "\n", "\r", ": ", "- ", "\u00a0", "\u3000", "\ufeff"]
BYTES = [b"\xff", b"\xc1", b"\x00", b"\x1b", b"\x80"]
SCRAPS = [scrap.encode() for scrap in (*WORDS.split(), *SPACES)] + BYTES

mutations = st.lists(
    st.tuples(
        st.sampled_from(sorted(FILES)),
        st.sampled_from(("insert", "replace", "cut", "drop_line", "repeat_line", "swap_lines")),
        st.floats(0, 1),
        st.floats(0, 1),
        st.sampled_from(SCRAPS),
    ),
    min_size=1,
    max_size=4,
)


def mutate(content: bytes, how: str, at: float, other: float, scrap: bytes) -> bytes:
    start = int(at * len(content))
    if how in ("insert", "replace", "cut"):
        end = start if how == "insert" else start + int(other * 12)
        return content[:start] + (b"" if how == "cut" else scrap) + content[end:]
    lines = content.splitlines(keepends=True) or [b""]
    first, second = int(at * (len(lines) - 1)), int(other * (len(lines) - 1))
    if how == "drop_line":
        del lines[first]
    elif how == "repeat_line":
        lines.insert(second, lines[first])
    else:
        lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


def load_or_explain(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    try:
        load(folder)
    except ConfigError as error:
        told = error
    else:
        return
    assert told.faults
    for fault in told.faults:
        assert fault.place.file.parent == folder
        assert fault.place.line >= 1
        assert fault.place.column >= 1
    for shown in (told.show("en"), told.show("zh")):
        assert shown.replace("\n", "").isprintable()
        assert "Input should" not in shown


def check(folder: Path, changes: list[tuple[str, str, float, float, bytes]]) -> None:
    files = dict(FILES)
    for name, how, at, other, scrap in changes:
        files[name] = mutate(files[name], how, at, other, scrap)
    load_or_explain(folder, files)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzzed")


@settings(max_examples=200, deadline=None)
@given(mutations)
def test_a_mutated_plant_loads_or_names_file_and_line(folder: Path, changes) -> None:
    check(folder, changes)


@pytest.mark.torture
@settings(max_examples=500 * TORTURE_N, deadline=None)
@given(mutations)
def test_many_mutated_plants_load_or_name_file_and_line(folder: Path, changes) -> None:
    check(folder, changes)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_load_or_name_file_and_line(folder: Path, description: bytes, points: bytes) -> None:
    load_or_explain(folder, {"plant.yaml": description, "points.csv": points})
