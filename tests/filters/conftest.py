"""Both sorts of kernels, compiled once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from filters.kernels import Kernels, load_kernels, twins


@pytest.fixture(scope="session")
def kernel_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="session")
def compiled(kernel_cache: Path) -> Kernels:
    kernels = load_kernels(kernel_cache)
    assert not kernels.twins, kernels.words
    return kernels


@pytest.fixture(params=["compiled", "twins"])
def kernels(request: pytest.FixtureRequest) -> Kernels:
    if request.param == "twins":
        return twins()
    kernels: Kernels = request.getfixturevalue("compiled")
    return kernels
