"""Once a day: what became of every reading, how every uplink stands, which device answered for how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from agent.events import own_event
from agent.ledger import Totals
from agent.wiring import Wiring
from config.units import DAY, S
from config.vocabulary import EventKind

_SHORTEST_NS: Final = 60 * S


@dataclass(slots=True)
class DailySummary:
    """Tells at local midnight by what is believed of UTC; where a clock is never set, after 24 hours at most.

    Every figure is cumulative where its name says `ever`, else of the time since the summary before, or since
    the start; what an interlock has shown counts since it is watched.
    """

    wiring: Wiring
    _day: date | None = None
    _since_ns: int = 0
    _told: Totals = field(default_factory=Totals)
    _bad: dict[str, tuple[int, int]] = field(default_factory=dict)
    _bypassed: dict[str, int] = field(default_factory=dict)

    def look(self, now_ns: int) -> None:
        """Look once."""
        today = datetime.fromtimestamp(self.wiring.timebase.anchor.utc_ns_of(now_ns) / S).astimezone().date()
        if self._day is None:
            self._day, self._since_ns, self._bypassed = today, now_ns, self._bypassed_ns(now_ns)
        passed_ns = now_ns - self._since_ns
        if (today != self._day and passed_ns >= _SHORTEST_NS) or passed_ns >= DAY:
            self._tell(now_ns)
            self._day, self._since_ns = today, now_ns

    def _tell(self, now_ns: int) -> None:
        event = own_event(EventKind.DAILY_SUMMARY, "agent", now_ns, **self._figures(now_ns))
        self.wiring.pipeline.tell(event)

    def _figures(self, now_ns: int) -> dict[str, float | str]:
        figures: dict[str, float | str] = {"hours": round((now_ns - self._since_ns) / (3600 * S), 3)}
        figures |= self._intake() | self._uplinks() | self._devices() | self._interlocks(now_ns)
        return figures

    def _intake(self) -> dict[str, float | str]:
        now, told = self.wiring.pipeline.ledger.totals(), self._told
        self._told = now
        ever = self.wiring.pipeline.ledger.ever()
        return {
            "scanned": now.scanned - told.scanned,
            "recorded": now.recorded - told.recorded,
            "refused": now.refused - told.refused,
            "scanned_ever": ever.scanned,
            "recorded_ever": ever.recorded,
            "refused_ever": ever.refused,
            **{f"suppressed_{rule}_ever": count for rule, count in ever.suppressed.items()},
        }

    def _uplinks(self) -> dict[str, float | str]:
        figures: dict[str, float | str] = {}
        for uplink, streams in self.wiring.log.ledger().balances.items():
            for stream, balance in streams.items():
                name = f"{uplink}_{stream.name.lower()}"
                figures |= {
                    f"{name}_recorded_ever": balance.recorded.records,
                    f"{name}_delivered_ever": balance.delivered.records,
                    f"{name}_backlog": balance.backlog.records,
                    f"{name}_quarantined_ever": balance.quarantined.records,
                    f"{name}_lost_ever": sum(lost.records for lost in balance.lost.values()),
                }
        return figures

    def _devices(self) -> dict[str, float | str]:
        """Return which share of each device's scans was answered."""
        figures: dict[str, float | str] = {}
        for device in self.wiring.plant.description.devices:
            groups = [group for group in self.wiring.plant.groups if group.device == device]
            counters = [self.wiring.poller.counters[group.number] for group in groups]
            scans, bad = sum(count.scans for count in counters), sum(count.scans_bad for count in counters)
            scans_before, bad_before = self._bad.get(device, (0, 0))
            self._bad[device] = scans, bad
            if scans > scans_before:
                figures[f"{device}_answered"] = round(1 - (bad - bad_before) / (scans - scans_before), 6)
        return figures

    def _interlocks(self, now_ns: int) -> dict[str, float | str]:
        figures: dict[str, float | str] = {}
        before, self._bypassed = self._bypassed, self._bypassed_ns(now_ns)
        for found in self.wiring.engine.interlocks():
            bypassed_ns = self._bypassed[found.name] - before.get(found.name, 0)
            figures |= {
                f"{found.name}_demands": found.demands,
                f"{found.name}_proven": found.proven,
                f"{found.name}_failed": found.failed,
                f"{found.name}_bypassed_s": round(bypassed_ns / S, 1),
            }
            if found.last_proven_boot_ns is not None:
                figures[f"{found.name}_last_proven_s_ago"] = round((now_ns - found.last_proven_boot_ns) / S)
        return figures

    def _bypassed_ns(self, now_ns: int) -> dict[str, int]:
        """Return for how long each interlock was ever bypassed."""
        return {
            found.name: found.bypassed_before_ns
            + (0 if found.bypassed_since_boot_ns is None else now_ns - found.bypassed_since_boot_ns)
            for found in self.wiring.engine.interlocks()
        }
