"""What a scan group wants of its server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from config.address import NodeAddress
from config.tags import Deadband


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """How one node is to be read or watched. `queue`: values that the server keeps between two messages."""

    address: NodeAddress
    is_text: bool
    sampling_ns: int
    queue: int
    deadband: Deadband


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a scan group is to be had; `stale_ns`: the longest silence in which its values are current."""

    items: Sequence[Item]
    publishing_ns: int
    stale_ns: int
    timeout_ns: int

    @property
    def texts(self) -> frozenset[int]:
        """Which of the items are to be texts, by index."""
        return frozenset(index for index, item in enumerate(self.items) if item.is_text)
