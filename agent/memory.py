"""Give memory back that is only needed at the start: the compiler's code, some 50 MB."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Final

_MADV_DONTNEED: Final = 4
_COMPILER: Final = "libllvmlite"


def give_back_compiler() -> None:
    """Drop the compiler's machine code from memory (madvise(2)); where it is needed, it is read again.

    Only pages that are executable, and so never changed since they were read from the file, are dropped.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[1] == "r-xp" and _COMPILER in fields[-1]:
            start, end = (int(edge, 16) for edge in fields[0].split("-"))
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
