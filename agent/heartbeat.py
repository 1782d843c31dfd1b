"""Once a second: the watchdog, the clock, the governor, and what they have to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from agent import journal
from agent.anchor import pack_anchor
from agent.events import own_event
from agent.expiry import ExpiryNews, running_out
from agent.notify import notify, watchdog_period_ns
from agent.wiring import Wiring
from config.text import text
from config.vocabulary import EventKind, RecordKind, Stream

PERIOD_NS: Final = 10**9


@dataclass(slots=True)
class Heartbeat:
    """Looks after what needs a look every second."""

    wiring: Wiring
    _progress: int = -1
    _progress_ns: int = 0
    _fed_ns: int = 0
    _scans: int = 0
    _overruns: int = 0
    _overloaded: bool = False
    _expiry_news: ExpiryNews = field(default_factory=ExpiryNews)

    async def run(self) -> None:
        """Beat until cancelled."""
        clock = self.wiring.clock
        self.wiring.governor.start()
        due = clock.boot_ns()
        while True:
            due += PERIOD_NS
            await clock.sleep_until(due)
            self._feed_watchdog(clock.boot_ns())
            self._watch_clock()
            self.wiring.pipeline.keep_state_if_owed()
            self._watch_load()
            self._watch_expiries(clock.boot_ns())

    def _feed_watchdog(self, now_ns: int) -> None:
        """Tell the service manager of progress: scans that went all the way, not the passing of time.

        Between two scans there is none to be had: two periods of the fastest scan group may pass without.
        """
        period_ns = watchdog_period_ns()
        if period_ns is None:
            return
        if self.wiring.pipeline.progress != self._progress:
            self._progress, self._progress_ns = self.wiring.pipeline.progress, now_ns
        stuck = now_ns - self._progress_ns > 2 * self._scan_period_ns()
        if not stuck and now_ns - self._fed_ns >= period_ns // 2:
            self._fed_ns = now_ns
            notify("WATCHDOG=1")

    def _scan_period_ns(self) -> int:
        """Return how often at least one group is read now."""
        plant = self.wiring.plant
        fastest_ns = min((plant.scan_class_of(group).period for group in plant.groups), default=0)
        return round(fastest_ns * (1 + self.wiring.governor.level))

    def _watch_clock(self) -> None:
        before = self.wiring.timebase.anchor
        step_ns = self.wiring.timebase.update()
        anchor = self.wiring.timebase.anchor
        if step_ns is None and before.synchronised == anchor.synchronised:
            return
        self.wiring.log.append(
            Stream.EVENTS,
            RecordKind.ANCHOR,
            pack_anchor(anchor),
            first_boot_ns=anchor.boot_ns,
            last_boot_ns=anchor.boot_ns,
        )
        if step_ns is not None:
            journal.warn(text("the clock stepped"), seconds=f"{step_ns / 1e9:+.1f}")
            self.wiring.pipeline.tell(
                own_event(EventKind.CLOCK_STEP, "clock", anchor.boot_ns, step_s=step_ns / 1e9)
            )

    def _watch_load(self) -> None:
        counters = self.wiring.poller.counters.values()
        scans, overruns = sum(count.scans for count in counters), sum(count.overruns for count in counters)
        governor = self.wiring.governor
        governor.update(scans=scans - self._scans, overruns=overruns - self._overruns)
        self._scans, self._overruns = scans, overruns
        overloaded = governor.level > 1
        if overloaded == self._overloaded:
            return
        self._overloaded = overloaded
        now = self.wiring.clock.boot_ns()
        if overloaded:
            journal.warn(text("too much is asked of this machine; every device is read less often"))
            event = own_event(EventKind.OVERLOAD, "agent", now, busy_share=governor.busy_share)
        else:
            journal.info(text("this machine keeps up again"))
            event = own_event(EventKind.OVERLOAD_ENDED, "agent", now)
        self.wiring.pipeline.tell(event)

    def _watch_expiries(self, boot_ns: int) -> None:
        utc_ns = self.wiring.timebase.anchor.utc_ns_of(boot_ns)
        for remaining in self._expiry_news.of(running_out(self.wiring.poller.drivers.values(), utc_ns)):
            journal.warn(remaining.words)
            event = own_event(EventKind.RUNNING_OUT, "certificate", boot_ns, days=remaining.days)
            self.wiring.pipeline.tell(event, remaining.words)
