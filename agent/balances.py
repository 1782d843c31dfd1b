"""The loss ledger as JSON: one spelling, in messages and in `status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from buffer.ledger import Balance
from buffer.log import Log
from buffer.settled import Count
from config.vocabulary import LossCause, Stream

Json = dict[str, object]
Lost = tuple[str, LossCause]
"""An uplink, and why records were lost to it."""


def show_balances(balances: Mapping[Stream, Balance]) -> Json:
    """Return how an uplink stands, by stream; amounts are records and readings."""
    return {stream.name.lower(): _balance(balance) for stream, balance in balances.items()}


def losses(balances: Mapping[str, Mapping[Stream, Balance]]) -> Counter[Lost]:
    """Return how many records were lost, by uplink and cause."""
    found: Counter[Lost] = Counter()
    for uplink, streams in balances.items():
        for balance in streams.values():
            for cause, count in balance.lost.items():
                found[uplink, cause] += count.records
    return found


def losses_before(log: Log) -> Counter[Lost]:
    """Return what was lost and told by earlier runs; called before this run loses anything."""
    found = losses(log.ledger().balances)
    for loss in log.recovery.losses:
        found[loss.uplink, loss.cause] -= loss.count
    return found


def _balance(balance: Balance) -> Json:
    return {
        "recorded": _amount(balance.recorded),
        "delivered": _amount(balance.delivered),
        "backlog": _amount(balance.backlog),
        "quarantined": _amount(balance.quarantined),
        "lost": {cause.value: _amount(count) for cause, count in balance.lost.items()},
    }


def _amount(count: Count) -> Json:
    return {"records": count.records, "readings": count.readings}
