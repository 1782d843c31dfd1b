"""Back-pressure on the grid: when the processor is too small for what was asked, read less often, and say so.

Polling is never slowed by the network or the disk, only by the want of processor time. Where the event loop
is busy nearly always and grid instants are already missed, every group skips some of its instants: what is
then read is still judged, stored and sent, instead of all of it coming too late.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

BUSY_SHARE: Final = 0.90
CALM_SHARE: Final = 0.70
_LARGEST_STRIDE: Final = 64


@dataclass(slots=True)
class Governor:
    """Chooses the stride of the grid from the processor time used; `update` is called once a second."""

    stride: int = 1
    busy_share: float = 0.0
    _cpu_ns: int = 0
    _wall_ns: int = 0

    def start(self) -> None:
        """Begin measuring now, in the thread of the event loop."""
        self._cpu_ns, self._wall_ns = time.thread_time_ns(), time.monotonic_ns()

    def update(self, *, overruns: int) -> None:
        """Look at the last interval, in which `overruns` grid instants were missed."""
        cpu_ns, wall_ns = time.thread_time_ns(), time.monotonic_ns()
        self.busy_share = (cpu_ns - self._cpu_ns) / max(1, wall_ns - self._wall_ns)
        self._cpu_ns, self._wall_ns = cpu_ns, wall_ns
        self.stride = next_stride(self.stride, self.busy_share, overruns=overruns)


def next_stride(stride: int, busy_share: float, *, overruns: int) -> int:
    """Return the stride for the next interval: up at once when overloaded, down by one when calm."""
    if busy_share > BUSY_SHARE and overruns:
        return min(stride * 2, _LARGEST_STRIDE)
    if busy_share * stride / max(1, stride - 1) < CALM_SHARE:
        return max(1, stride - 1)
    return stride
