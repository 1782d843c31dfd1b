from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from filters.cache import Cache


def cache(directory: Path, *, text: str = "def f(): ...", host: str = "cpu") -> Cache:
    source = directory / "source.py"
    source.write_text(text)
    return Cache(directory / "cache", sources=[source], host=[host])


def build(one: Cache) -> None:
    with one.building() as directory:
        (directory / "deep").mkdir()
        (directory / "deep" / "code").write_bytes(b"machine code")


def test_only_what_was_built_whole_is_trusted(tmp_path: Path) -> None:
    one = cache(tmp_path)
    assert not one.trusted()
    build(one)
    assert one.trusted()
    assert (one.place / "deep" / "code").read_bytes() == b"machine code"


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "add", "rename", "unseal"])
def test_what_changed_since_is_not_trusted(tmp_path: Path, harm: str) -> None:
    one = cache(tmp_path)
    build(one)
    code = one.place / "deep" / "code"
    if harm == "flip":
        code.write_bytes(b"machine codf")
    elif harm == "cut":
        code.write_bytes(b"machine")
    elif harm == "remove":
        code.unlink()
    elif harm == "add":
        (one.place / "more").write_bytes(b"")
    elif harm == "rename":
        code.rename(code.with_name("edoc"))
    else:
        (one.place / "seal").unlink()
    assert not one.trusted()


@pytest.mark.parametrize("change", [{"text": "def f(): return 1"}, {"host": "another cpu"}])
def test_other_code_and_another_processor_have_other_places(tmp_path: Path, change: dict[str, str]) -> None:
    build(cache(tmp_path))
    assert not cache(tmp_path, **change).trusted()


def test_a_build_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    one = cache(tmp_path)
    build(one)
    with pytest.raises(OSError, match="disk full"), one.building():
        raise OSError("disk full")
    assert one.trusted()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [one.place.name]


def test_what_older_versions_and_crashes_left_goes_when_something_is_built(tmp_path: Path) -> None:
    build(cache(tmp_path, text="older"))
    crashed, other = tmp_path / "cache" / "building-crashed", tmp_path / "cache" / "building-now"
    crashed.mkdir()
    other.mkdir()
    os.utime(crashed, (time.time() - 7200,) * 2)
    one = cache(tmp_path)
    build(one)
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {one.place.name, other.name}
