"""Whether the demo's accounts agree: the plant's, the agent's and the receiver's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from agent.demo.arrived import Arrived
from agent.demo.scenario import Expected, missing
from config.text import Text, text

READS_AT_RISK: Final = 5
"""Scans that a SIGKILL may take: a commit interval (250 ms) and a slow sync, at 200 ms a scan."""
IN_FLIGHT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison."""

    words: Text
    good: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All comparisons, and the figures behind them."""

    checks: tuple[Check, ...]
    figures: dict[str, Any]

    @property
    def good(self) -> bool:
        """Whether everything agrees."""
        return all(check.good for check in self.checks)


def judge(counted: dict[str, int], book: dict[str, Any], arrived: Arrived, exit_code: int) -> Verdict:
    """Compare what the devices `counted`, the receiver's `book` and what `arrived`."""
    absent = missing(arrived.happened())
    gateway = next(iter(book["gateways"].values()), {"runs": {}, "faults": 1})
    unread = set(range(1, counted["plc_reads"] + 1)) - set(arrived.reads)
    checks = (
        _events(absent),
        Check(
            words=text("receiver: {faults} holes, conflicts or broken messages", faults=book["faults"]),
            good=book["faults"] == 0,
        ),
        _ledger(gateway),
        _reads(counted["plc_reads"], arrived, unread),
        Check(
            words=text("write requests seen by the devices: {writes}", writes=counted["writes"]),
            good=counted["writes"] == 0,
        ),
        Check(words=text("the agent stopped in order"), good=exit_code == 0),
    )
    figures = {
        "counted_by_devices": counted,
        "reads_received": len(set(arrived.reads)),
        "reads_lost_with_the_kill": sorted(unread),
        "missing_events": [f"{event.kind} {event.rule}" for event in absent],
        "readings_received": arrived.readings,
        "readings_backfilled": arrived.backfilled,
        "book": book,
    }
    return Verdict(checks=checks, figures=figures)


def _events(absent: list[Expected]) -> Check:
    names = ", ".join(f"{event.kind} {event.rule}" for event in absent)
    if absent:
        return Check(words=text("events that did not arrive: {names}", names=names), good=False)
    return Check(words=text("every expected event arrived, in order"), good=True)


def _ledger(gateway: dict[str, Any]) -> Check:
    """Compare, for each run, the agent's own account with the readings that the receiver holds of it."""
    sums = [
        (run["claim"]["recorded"], run["readings"]["readings"], run["claim"])
        for run in gateway["runs"].values()
        if "claim" in run
    ]
    recorded, received = sum(claimed for claimed, _, _ in sums), sum(held for _, held, _ in sums)
    balanced = all(
        claim["scanned"] == claim["recorded"] + sum(claim["suppressed"].values()) for _, _, claim in sums
    )
    return Check(
        words=text(
            "ledger: {recorded} readings recorded in {runs} runs, {received} held by the receiver",
            recorded=recorded,
            runs=len(sums),
            received=received,
        ),
        good=len(sums) == 2 and balanced and recorded == received,
    )


def _reads(counted: int, arrived: Arrived, unread: set[int]) -> Check:
    """The PLC counts how often it is read, so every scan has a number that must arrive exactly once."""
    doubled = len(arrived.reads) - len(set(arrived.reads))
    return Check(
        words=text(
            "the PLC was read {counted} times; {received} readings of that counter arrived, {doubled} twice; "
            "{unread} were not stored yet when the agent was killed (at most {risk})",
            counted=counted,
            received=len(arrived.reads),
            doubled=doubled,
            unread=len(unread),
            risk=READS_AT_RISK + IN_FLIGHT,
        ),
        good=doubled == 0 and len(unread) <= READS_AT_RISK + IN_FLIGHT,
    )
