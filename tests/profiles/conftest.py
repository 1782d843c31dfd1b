"""The compiled kernels, from the cache that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from filters.kernels import Kernels, load_kernels


@pytest.fixture(scope="session")
def compiled(kernel_cache: Path) -> Kernels:
    return load_kernels(kernel_cache / "kernels")
