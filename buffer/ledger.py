"""The loss ledger: for every uplink and stream, what became of every record. It always adds up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from buffer.settled import Count
from config.vocabulary import LossCause, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One uplink and stream: recorded = delivered + backlog + quarantined + all that is lost.

    The period is from the uplink's first start (or its cursor's loss) until now; see `FORMAT.md`.
    """

    recorded: Count
    delivered: Count
    backlog: Count
    quarantined: Count
    lost: Mapping[LossCause, Count]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The log as it stands.

    `recorded`: per stream, what this run has recorded. `oldest_age_s`: age of the oldest segment, by the wall
    clock, None while there is none. `full`: the disk has no room. `at_least_missed`: the cap has taken
    segments younger than `at_least`.
    """

    balances: Mapping[str, Mapping[Stream, Balance]]
    recorded: Mapping[Stream, Count]
    disk_bytes: int
    cap_bytes: int
    segments: int
    oldest_age_s: float | None
    at_least_missed: bool
    pending_bytes: int
    last_sync_s: float
    full: bool
