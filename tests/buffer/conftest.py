from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

RAM = Path("/dev/shm")


@pytest.fixture(scope="module")
def ram() -> Iterator[Path]:
    """A directory in RAM where there is one: for tests of what is stored, not of how a disk stores it."""
    directory = Path(tempfile.mkdtemp(prefix="log-", dir=RAM if os.access(RAM, os.W_OK) else None))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def tmp_path(ram: Path) -> Path:
    """Every test of the log has a fresh directory in RAM; what must be on a disk says so."""
    return Path(tempfile.mkdtemp(dir=ram))
