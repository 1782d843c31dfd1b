"""Wait for a condition, not for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

_LOOK_S = 0.02


def until(
    condition: Callable[[], bool], within_s: float, what: str, found: Callable[[], object] = lambda: ""
) -> None:
    """Return as soon as `condition` holds; fail with what is `found` where it does not in a generous time."""
    due = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < due, f"within {within_s:g} s it did not come about that {what}; {found()}"
        time.sleep(_LOOK_S)
