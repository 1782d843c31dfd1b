"""What the running agent counts, for Prometheus: its text format 0.0.4, made when asked."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal

from agent.balances import losses
from agent.status_server import Plain
from agent.wiring import Wiring

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPED: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, and what it is of."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with all of its samples; its name has no prefix."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: Iterable[Sample]


def metrics(wiring: Wiring) -> Generator[None, None, Plain]:
    """Return every metric of the agent, each made in a piece of its own."""
    lines: list[str] = []
    for metric in chain(_readings(wiring), _log(wiring), _uplinks(wiring), _field(wiring)):
        lines += _lines(metric)
        yield
    return Plain("".join(line + "\n" for line in lines).encode(), CONTENT_TYPE)


def _readings(wiring: Wiring) -> Iterator[Metric]:
    """Yield the intake of this run; a counter begins anew with it, as Prometheus expects."""
    intake = wiring.pipeline.ledger
    fates = {"recorded": intake.recorded, "refused": intake.refused, **intake.totals().suppressed}
    yield Metric(
        "readings_total",
        "counter",
        "Readings scanned, by what became of them",
        [Sample(count, {"fate": fate}) for fate, count in fates.items()],
    )
    yield _one("events_total", "counter", "Records of the events stream", intake.events)
    yield _one("alarms", "gauge", "Alarms that stand", wiring.engine.annunciator.standing())


def _log(wiring: Wiring) -> Iterator[Metric]:
    ledger = wiring.log.ledger()
    yield _one("log_bytes", "gauge", "Bytes of the log on disk", ledger.disk_bytes)
    yield _one("log_cap_bytes", "gauge", "Most bytes of the log on disk", ledger.cap_bytes)
    yield _one("log_pending_bytes", "gauge", "Bytes that wait to be stored", ledger.pending_bytes)
    yield _one("log_sync_seconds", "gauge", "How long the last sync took", ledger.last_sync_s)


def _uplinks(wiring: Wiring) -> Iterator[Metric]:
    balances = wiring.log.ledger().balances
    yield Metric(
        "uplink_connected",
        "gauge",
        "1 while the uplink is connected",
        [
            Sample(forwarder.state.connected, {"uplink": name})
            for name, forwarder in wiring.forwarders.items()
        ],
    )
    for name, told in (("delivered", "Records delivered"), ("backlog", "Records not delivered yet")):
        kind: Literal["counter", "gauge"] = "gauge" if name == "backlog" else "counter"
        samples = [
            Sample(getattr(balance, name).records, {"uplink": uplink, "stream": stream.name.lower()})
            for uplink, streams in balances.items()
            for stream, balance in streams.items()
        ]
        yield Metric(f"uplink_{name}{'_total' if kind == 'counter' else ''}", kind, told, samples)
    lost = losses(balances)
    yield Metric(
        "uplink_lost_total",
        "counter",
        "Records lost before delivery, by cause",
        [Sample(count, {"uplink": uplink, "cause": cause}) for (uplink, cause), count in lost.items()],
    )


def _field(wiring: Wiring) -> Iterator[Metric]:
    absent = wiring.poller.absences()
    devices = wiring.plant.description.devices
    yield Metric(
        "device_answers",
        "gauge",
        "1 while the device answers",
        [Sample(device not in absent, {"device": device}) for device in devices],
    )
    counters = {group.name: wiring.poller.counters[group.number] for group in wiring.plant.groups}
    for name, told in (
        ("scans", "Scans made"),
        ("scans_bad", "Scans that failed"),
        ("overruns", "Instants missed"),
    ):
        samples = [Sample(getattr(counter, name), {"group": group}) for group, counter in counters.items()]
        yield Metric(f"{name}_total", "counter", told, samples)
    yield Metric(
        "scan_late_p99_seconds",
        "gauge",
        "How late scans begin, 99 of 100",
        [
            Sample(counter.lateness.quantile_ns(0.99) / 1e9, {"group": group})
            for group, counter in counters.items()
        ],
    )
    yield _one(
        "clock_synchronised", "gauge", "1 while the time is vouched for", wiring.timebase.anchor.synchronised
    )


def _one(name: str, kind: Literal["counter", "gauge"], told: str, value: float) -> Metric:
    return Metric(name, kind, told, [Sample(value, {})])


def _lines(metric: Metric) -> Iterator[str]:
    yield f"# HELP fengsui_{metric.name} {metric.help}"
    yield f"# TYPE fengsui_{metric.name} {metric.kind}"
    for sample in metric.samples:
        labels = ",".join(f'{key}="{value.translate(_ESCAPED)}"' for key, value in sample.labels.items())
        yield f"fengsui_{metric.name}{'{' + labels + '}' if labels else ''} {float(sample.value):.17g}"
