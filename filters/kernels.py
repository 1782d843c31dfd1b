"""The kernels, compiled: the only file that knows numba, and only while `load_kernels` runs.

Every function of `filters.arithmetic` and `filters.machine` is compiled as it stands, for fixed types, so
that no plant compiles anything. Whatever goes wrong, the plain functions (the *twins*) do the same work.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from config import vocabulary
from config.expression import operations as expressions
from config.text import Text, text
from filters import arithmetic, exception, layout, machine
from filters.cache import Cache
from filters.series import logic, memory, operations, registers

_MODULES: Final = (arithmetic, exception, registers, logic, memory, operations, machine)
_SOURCES: Final = (*_MODULES, expressions, layout, vocabulary)  # all that compiled code has in it

Kernel = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernels:
    """What does the arithmetic: `condition_group`, `judge_groups` and `report_group`.

    `lay` puts a table or a two-dimensional state into the form in which they work fastest; only that is
    passed to them. `twins`: they run as plain Python. `words`: what is not as it should be, for people.
    """

    condition: Kernel
    judge: Kernel
    report: Kernel
    lay: Callable[[NDArray[Any]], Any]
    twins: bool
    words: Text | None = None


def twins(words: Text | None = None) -> Kernels:
    """Return the kernels as plain Python; what overflows there is silent, as in compiled code."""
    quiet = np.errstate(all="ignore")
    return Kernels(
        condition=quiet(arithmetic.condition_group),
        judge=quiet(machine.judge_groups),
        report=quiet(exception.report_group),
        lay=_as_python,
        twins=True,
        words=words,
    )


def _as_it_is(table: NDArray[Any]) -> NDArray[Any]:
    return table


def _as_python(table: NDArray[Any]) -> list[Any]:
    """Return records as dicts and rows as lists, of Python's own numbers: much faster than numpy's."""
    if table.dtype.names is None:
        return list(table.tolist())
    return [dict(zip(table.dtype.names, record, strict=True)) for record in table.tolist()]


def load_kernels(cache_dir: Path) -> Kernels:
    """Return compiled kernels, from the cache if it can be trusted; twins where nothing can be compiled.

    The one place where a failure of compiler or cache turns into something else: the damaged cache is wiped,
    compiling is tried once more without a cache, and at last the twins judge the plant. Raises nothing.
    """
    why = ""
    for attempt in (partial(_cached, cache_dir), partial(_uncached, cache_dir)):
        try:
            kernels = attempt()
        except Exception as error:  # noqa: BLE001 - a compiler or a pickle may raise anything; the plant is judged
            why = f"{type(error).__name__}: {error}".splitlines()[0]
        else:
            return _not_kept(kernels, why) if why else kernels
    return twins(text("the compiler cannot be used ({why}); judging runs on slower code", why=why))


def _not_kept(kernels: Kernels, why: str) -> Kernels:
    words = text("compiled code cannot be kept ({why}); every start takes longer", why=why)
    return replace(kernels, words=words)


def _cached(cache_dir: Path) -> Kernels:
    cache = _cache(cache_dir)
    if cache.trusted():
        return _compile(cache.place)
    damaged = cache.place.exists()
    with cache.building() as directory:
        kernels = _compile(directory)
    rebuilt = text("the cache of compiled code was damaged; it has been rebuilt")
    return replace(kernels, words=rebuilt if damaged else None)


def _uncached(cache_dir: Path) -> Kernels:
    _cache(cache_dir).wipe()
    return _compile(None)


def _cache(cache_dir: Path) -> Cache:
    """Return the cache of this very code under this compiler, this numpy and this processor."""
    import numba
    from llvmlite import binding as llvm  # type: ignore[import-untyped]

    sources = [Path(str(module.__file__)) for module in _SOURCES]
    host = (numba.__version__, np.__version__, llvm.get_host_cpu_name(), str(llvm.get_host_cpu_features()))
    return Cache(cache_dir, sources=sources, host=host)


def _compile(cache_dir: Path | None) -> Kernels:
    """Compile every function for the types of an example, and run the three kernels on it once."""
    import numba

    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        raise RuntimeError("NUMBA_DISABLE_JIT is set")
    numba.config.CACHE_DIR = str(cache_dir or "")  # type: ignore[attr-defined]
    jit = partial(numba.njit, nogil=True, error_model="numpy")
    compiled: dict[str, Kernel] = {}
    inner: dict[str, Kernel] = {}
    for module in _MODULES:
        names = vars(module) | inner
        for name, function in _functions(module):
            bound = types.FunctionType(function.__code__, names, name)
            if name not in _EXAMPLES:
                names[name] = inner[name] = jit(bound)
                continue
            example = _EXAMPLES[name]()
            signature = tuple(map(numba.typeof, example))
            compiled[name] = jit(signature, cache=cache_dir is not None)(bound)
            compiled[name](*example)
    return Kernels(
        condition=compiled["condition_group"],
        judge=compiled["judge_groups"],
        report=compiled["report_group"],
        lay=_as_it_is,
        twins=False,
    )


def _functions(module: types.ModuleType) -> list[tuple[str, Kernel]]:
    """Return the functions written in a module, each after those that it calls."""
    own = [(name, found) for name, found in vars(module).items() if isinstance(found, types.FunctionType)]
    return [(name, function) for name, function in own if function.__module__ == module.__name__]


def _condition_example() -> tuple[Any, ...]:
    whole, exact = partial(np.zeros, 1, np.int64), partial(np.zeros, 1, np.float64)
    words = partial(np.zeros, 1, np.uint32)
    tags = np.ones(1, layout.CONDITIONING)
    sentinels = np.ones(2, layout.SENTINEL)
    windows = np.zeros((1, layout.LONGEST_WINDOW))
    image = (exact(), exact(), exact(), words(), whole(), whole())
    return (_one_group(), tags, sentinels, windows, words(), *image, 0, 0)


def _judge_example() -> tuple[Any, ...]:
    whole, exact = partial(np.zeros, 1, np.int64), partial(np.zeros, 1, np.float64)
    rules = np.ones(1, layout.COMPARISON)
    rules["tag"] = 0
    states = np.zeros(1, layout.COMPARISON_STATE)
    series = (whole(), np.zeros(1, layout.STEP), exact(), whole())
    image = (exact(), exact(), exact(), np.zeros(1, np.uint32), whole(), whole())
    return (_one_group(), rules, states, *series, *image, np.zeros((9, 5), np.int64), 1)


def _report_example() -> tuple[Any, ...]:
    tags = np.ones(1, layout.REPORTING)
    marks = (np.zeros(1, np.bool_), np.zeros(1, np.bool_), np.zeros(3, np.int64))
    return (_one_group(), tags, np.zeros(1), np.zeros(1, np.uint32), *marks, 0, 0)


def _one_group() -> layout.Records:
    group = np.zeros(1, layout.GROUP)
    group["end_tag"] = group["end_comparison"] = group["touched"] = 1
    return group


_EXAMPLES: Final[dict[str, Callable[[], tuple[Any, ...]]]] = {
    "condition_group": _condition_example,
    "judge_groups": _judge_example,
    "report_group": _report_example,
}
