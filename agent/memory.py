"""Give back memory that only the start needed: code and constants of libraries, and freed heap."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_MADV_DONTNEED: Final = 4
_SMAPS: Final = Path("/proc/self/smaps")
_MAPPING: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (r-[x-]p) \S+ \S+ \S+ +/")
"""The first line of a private mapping of a file that nobody can write to (proc_pid_maps(5))."""


def give_back_start_memory() -> None:
    """Drop what the kernel can read again (madvise(2)) and free heap (malloc_trim(3)), once, before polling.

    Most of it is the compiler's: some 50 MB of code and constants. What lives now lives as long as the
    process, so the garbage collector need not look at it any more.
    """
    gc.collect()
    gc.freeze()
    libc = ctypes.CDLL(None)
    for start, end in list(unchanged(_SMAPS.read_text(encoding="utf-8"))):
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
    if hasattr(libc, "malloc_trim"):  # glibc only
        libc.malloc_trim(ctypes.c_size_t(0))


def unchanged(smaps: str) -> Iterator[tuple[int, int]]:
    """Yield the address ranges whose every page is as its file has it, and stays so; see proc_pid_smaps(5).

    Where the dynamic linker has written into a mapping before it was protected, it has anonymous pages.
    """
    found: tuple[int, int] | None = None
    for line in smaps.splitlines():
        if "-" in line.partition(" ")[0]:
            mapping = _MAPPING.match(line)
            found = (int(mapping[1], 16), int(mapping[2], 16)) if mapping else None
        elif found and line.startswith("Anonymous:") and int(line.split()[1]) == 0:
            yield found
