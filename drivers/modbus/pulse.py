"""Signs of life: values that a device changes only to show that it is at work. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from config.tags import Tag
from config.vocabulary import Reason, bad
from drivers.contract import Scan

_SECOND_NS: Final = 10**9
_STANDS_STILL: Final = bad(Reason.NO_HEARTBEAT)


class Pulses:
    """The tags of one scan group whose value must change within their `toggle_within`.

    Times are seconds of one steady clock. A value that was not readable meanwhile has its whole time again.
    """

    def __init__(self, tags: Sequence[Tag]) -> None:
        within_s = {at: tag.toggle_within / _SECOND_NS for at, tag in enumerate(tags) if tag.toggle_within}
        self._places = np.array(list(within_s), dtype=np.intp)
        self._within_s = np.array(list(within_s.values()))
        self._last = np.full(len(within_s), np.nan)
        self._since_s = np.zeros(len(within_s))

    def judge(self, scan: Scan, now_s: float) -> None:
        """Make those Bad that have stood still for too long; what is Bad already stays what it is."""
        if not self._places.size:
            return
        found = scan.raw[self._places]
        changed = ~(found == self._last)  # a NaN never equals
        self._since_s[changed] = now_s
        self._last = found
        still = self._places[now_s - self._since_s >= self._within_s]
        scan.raw[still] = np.nan
        scan.quality[still] = _STANDS_STILL

    def forget(self) -> None:
        """Begin anew: the device could not be read."""
        self._last[:] = np.nan
