"""The loss ledger as JSON: one spelling, in messages and in `status`."""

from __future__ import annotations

from collections.abc import Mapping

from buffer.ledger import Balance
from buffer.settled import Count
from config.vocabulary import Stream

Json = dict[str, object]


def show_balances(balances: Mapping[Stream, Balance]) -> Json:
    """Return how an uplink stands, by stream; amounts are records and readings."""
    return {stream.name.lower(): _balance(balance) for stream, balance in balances.items()}


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
