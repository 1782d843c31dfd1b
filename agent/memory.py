"""Give back memory that only the start needed: the compiler's code (some 50 MB) and freed heap."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path
from typing import Final

_MADV_DONTNEED: Final = 4
_COMPILER: Final = "libllvmlite"


def give_back_start_memory() -> None:
    """Drop the compiler's machine code (madvise(2)) and free heap (malloc_trim(3)), once, before polling.

    Only pages that are executable, and so never changed since they were read from the file, are dropped;
    where they are needed, the kernel reads them again. What lives now lives as long as the process, so the
    garbage collector need not look at it any more.
    """
    gc.collect()
    gc.freeze()
    libc = ctypes.CDLL(None)
    for start, end in _compiler_code():
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
    if hasattr(libc, "malloc_trim"):  # glibc only
        libc.malloc_trim(ctypes.c_size_t(0))


def _compiler_code() -> list[tuple[int, int]]:
    """Return the address ranges of the compiler's executable mappings (proc(5), maps)."""
    ranges = []
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[1] == "r-xp" and _COMPILER in fields[-1]:
            start, end = (int(edge, 16) for edge in fields[0].split("-"))
            ranges.append((start, end))
    return ranges
