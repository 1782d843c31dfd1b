"""What the tests of whole agents share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.station import Station, standing


@pytest.fixture
def station(tmp_path: Path, kernel_cache: Path) -> Iterator[Station]:
    """A field, a broker and a receiver."""
    with standing(tmp_path, kernel_cache) as found:
        yield found
