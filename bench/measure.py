"""One measured run on a stand: a warm-up, a window, a settled end; and what it amounted to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.helper import Answer
from bench.plant import Load, alarm_changes
from bench.process import pss_bytes
from bench.stand import Moment, Stand, set_up
from bench.subject import Name

MB: Final = 1e6

_FIRST_MESSAGE_WITHIN_S: Final = 30.0
_SETTLES_WITHIN_S: Final = 30.0
_RUN: Final = frozenset({"subject", "devices", "broker", "sink", "harness"})

Script = Callable[[Stand], None]
"""What happens within the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run amounted to; `ready_after_s`: from the start of the process to READY=1.

    Rates, CPU, memory, times and bytes are those of the window. What became of every answer is that of the
    whole run, asked after the devices were put on hold and everything had arrived or could not be waited for
    any longer: `missing_answers` were passed over by later ones, `late_answers` are the tail. What the
    subject still keeps of them (`status`, backlog) may yet come; the rest is lost.

    `wrong`: scans with a value that was not served, or none at all; `doubtful`: all of them right, not all
    Good; both to the end of the window. `twice`: answers that came under two keys.
    `alarm_events` of `alarm_events_due` arrived: what the answers that arrived must have raised and cleared.
    `others_cores`: what else kept cores busy, the noise; sampled by tick, so it may be just below 0.
    `status`: the agent's own, at the end of the window.
    """

    subject: Name
    ready_after_s: float
    period_ms: float
    window_s: float
    asked_per_s: float
    served_per_s: float
    delivered_per_s: float
    cpu_us_per_reading: float
    cores: dict[str, float]
    others_cores: float
    pss_end_mb: float
    pss_peak_mb: float
    latency_ms: dict[str, float]
    event_latency_ms: dict[str, float]
    grid_late_ms: dict[str, float]
    served_answers: int
    missing_answers: int
    late_answers: int
    holes: int
    duplicates: int
    twice: int
    wrong: int
    doubtful: int
    writes: int
    alarm_events: int
    alarm_events_due: int
    messages: dict[str, int]
    events: dict[str, int]
    sent_bytes_per_reading: float
    log_bytes_per_reading: float
    written_bytes_per_reading: float
    status: dict[str, Any]

    @property
    def served_share(self) -> float:
        """How much of the grid was kept: readings that the devices served of those asked for."""
        return self.served_per_s / self.asked_per_s

    @property
    def delivered_share(self) -> float:
        """What arrived of what was asked for, in the window; off by what one commit sends at once."""
        return self.delivered_per_s / self.asked_per_s


def measure(name: Name, load: Load, *, warm_up_s: float, script: Script, wrap: Sequence[str] = ()) -> Run:
    """Run a subject, under the command `wrap`, under a load and return what it amounted to."""
    with set_up(name, load, wrap) as stand:
        stand.await_first_message(_FIRST_MESSAGE_WITHIN_S)
        stand.watch(warm_up_s)
        before = stand.mark()
        script(stand)
        after = stand.mark()
        pss_end = pss_bytes(stand.subject.pid)
        status = stand.subject.status()
        settled = stand.settle(_SETTLES_WITHIN_S)
        stand.subject.stop()
        served = stand.devices.close()
    return Run(
        subject=name,
        ready_after_s=stand.subject.ready_after_s,
        period_ms=load.period_ms,
        asked_per_s=load.readings_per_s,
        **_window(load, before, after),
        **_account(load, served, settled),
        pss_end_mb=pss_end / MB,
        pss_peak_mb=max(stand.pss_peak, pss_end) / MB,
        status=status,
    )


def quiet(window_s: float) -> Script:
    """Return a window in which nothing happens."""
    return lambda stand: stand.watch(window_s)


def _window(load: Load, before: Moment, after: Moment) -> dict[str, Any]:
    window_s = after.mono_s - before.mono_s
    spent_s = {name: after.cpu_s[name] - before.cpu_s[name] for name in after.cpu_s}
    readings = max(1, after.sink["readings"] - before.sink["readings"])
    return {
        "window_s": window_s,
        "served_per_s": (_served(load, after) - _served(load, before)) / window_s,
        "delivered_per_s": readings / window_s,
        "cpu_us_per_reading": 1e6 * spent_s["subject"] / readings,
        "cores": {name: spent_s[name] / window_s for name in _RUN},
        "others_cores": (spent_s["busy"] - sum(spent_s[name] for name in _RUN)) / window_s,
        "latency_ms": after.sink["latency_ms"],
        "event_latency_ms": after.sink["event_latency_ms"],
        "grid_late_ms": after.sink["grid_late_ms"],
        "wrong": after.sink["wrong"],
        "doubtful": after.sink["doubtful"],
        "sent_bytes_per_reading": (after.sink["bytes"] - before.sink["bytes"]) / readings,
        "log_bytes_per_reading": (after.log_bytes - before.log_bytes) / readings,
        "written_bytes_per_reading": (after.written_bytes - before.written_bytes) / readings,
    }


def _served(load: Load, moment: Moment) -> int:
    answers: list[int] = moment.devices["answers"]
    return sum(answers) * load.registers + sum(answers[: load.alarms]) * load.alarms_each


def _account(load: Load, served: Answer, settled: Answer) -> dict[str, Any]:
    served_answers = sum(served["answers"])
    events = settled["events"]
    return {
        "served_answers": served_answers,
        "missing_answers": settled["missing_answers"],
        "late_answers": served_answers - sum(settled["last_answers"]),
        "holes": settled["holes"],
        "duplicates": settled["duplicates"],
        "twice": settled["twice"],
        "writes": served["writes"],
        "alarm_events": events.get("alarm_raised", 0) + events.get("alarm_cleared", 0),
        "alarm_events_due": sum(
            alarm_changes(number, last)
            for last in settled["last_answers"][: load.alarms]
            for number in range(load.alarms_each)
        ),
        "messages": settled["messages"],
        "events": events,
    }
