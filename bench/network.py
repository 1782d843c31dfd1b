"""Where the parts of a run listen: on a loopback address of their own."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One address for all, the port of each device, the port of the broker."""

    host: str
    devices: list[int]
    broker: int


def own_loopback() -> str:
    """Return an address of 127.0.0.0/8 that belongs to this process.

    Another program's client that looks for a server which is gone may find its port taken by one of ours, and
    then asks our devices or fills our broker (seen: 283 requests of a stranger in one run).
    """
    pid = os.getpid()
    return f"127.{1 + pid // 2**16 % 254}.{pid // 2**8 % 2**8}.{pid % 2**8}"
