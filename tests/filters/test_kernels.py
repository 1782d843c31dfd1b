from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from filters.kernels import Kernels, load_kernels
from tests.filters.rig import Rig, plant, tag


def works(kernels: Kernels) -> bool:
    line = Rig(plant(tag("t", hh=5)), kernels)
    line.scan(1, t=6)
    return [alarm.rule for alarm in line.engine.alarms()] == ["t.HH"]


@pytest.fixture
def cache(compiled: Kernels, kernel_cache: Path, tmp_path: Path) -> Path:
    """A copy of a good cache."""
    return Path(shutil.copytree(kernel_cache, tmp_path / "cache"))


def test_what_was_compiled_once_is_loaded_without_a_word(cache: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    kernels = load_kernels(cache)
    assert (kernels.twins, kernels.words, works(kernels)) == (False, None, True)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before


def test_a_cache_with_one_flipped_bit_is_rebuilt_and_that_is_said(cache: Path) -> None:
    victim = next(cache.rglob("*.nbc"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    healed = load_kernels(cache)
    assert (healed.twins, works(healed)) == (False, True)
    assert str(healed.words) == "the cache of compiled code was damaged; it has been rebuilt"
    again = load_kernels(cache)
    assert (again.twins, again.words) == (False, None)


def test_a_directory_that_cannot_be_written_costs_only_time_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    kernels = load_kernels(tmp_path / "file" / "cache")
    assert (kernels.twins, works(kernels)) == (False, True)
    assert str(kernels.words).startswith("compiled code cannot be kept (NotADirectoryError")
    assert kernels.words is not None
    assert "编译结果无法保存" in kernels.words.show("zh")


def test_a_full_disk_costs_only_time_leaves_nothing_behind_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._save_data", full)
    kernels = load_kernels(tmp_path)
    assert (kernels.twins, works(kernels)) == (False, True)
    assert "No space left on device" in str(kernels.words)
    assert list(tmp_path.iterdir()) == []


def test_without_numba_the_twins_judge_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    kernels = load_kernels(tmp_path)
    assert (kernels.twins, works(kernels)) == (True, True)
    assert str(kernels.words).startswith("the compiler cannot be used (ModuleNotFoundError")


def test_a_compiler_that_breaks_leaves_the_twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise AssertionError("LLVM does not know this processor")

    monkeypatch.setattr("numba.njit", broken)
    kernels = load_kernels(tmp_path)
    assert (kernels.twins, works(kernels)) == (True, True)
    assert "LLVM does not know this processor" in str(kernels.words)


def test_no_plant_compiles_anything(compiled: Kernels) -> None:
    from numba.core import event

    with event.install_recorder("numba:compile") as recorder:
        for rows in ([tag("a", hh=1)], [tag(f"b{n}", median=5, l=0, sentinels={7: "x"}) for n in range(40)]):
            first = rows[0].tag
            series = {"mean": f"avg({first}, 5s)", "votes": f"votes(1, mean > 1, stuck({first}, 1, 3s))"}
            rule = {"rule": {"when": f"ewma({first}, 1s) > 0 and not votes"}}
            line = Rig(plant(*rows, series=series, alarms=rule), compiled)
            line.scan(1, **{row.tag: 2 for row in rows})
            line.engine.report(line.plant.groups[0], 1)
    assert recorder.buffer == []
    assert [len(kernel.signatures) for kernel in dispatchers(compiled)] == [1, 1, 1]


def test_nothing_imports_numba_before_kernels_are_loaded() -> None:
    program = "import sys, filters.engine, filters.kernels; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_kernels_release_the_lock_of_the_interpreter_and_never_reorder_arithmetic(compiled: Kernels) -> None:
    for kernel in dispatchers(compiled):
        assert kernel.targetoptions["nogil"]
        assert not kernel.targetoptions.get("fastmath")


def dispatchers(kernels: Kernels) -> list[Any]:
    return [kernels.condition, kernels.judge, kernels.report]
