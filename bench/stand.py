"""The test stand of one run: load devices, broker, sink and a subject, all fresh, in a temporary folder."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.broker import Broker
from bench.disk import log_bytes, written_bytes
from bench.helper import Answer, Helper
from bench.network import Network, own_loopback
from bench.plant import Load
from bench.process import busy_s, cpu_s, pss_bytes
from bench.subject import Name, Subject

_SAMPLE_EVERY_S: Final = 1.0
_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """All counters at one instant; CPU times in seconds by process, and of the whole machine as `busy`.

    `log_bytes`: what the subject keeps; `written_bytes`: what it made the storage write.
    """

    mono_s: float
    cpu_s: dict[str, float]
    log_bytes: int
    written_bytes: int
    sink: Answer
    devices: Answer


@dataclass(kw_only=True)
class Stand:
    """The processes of one run; `pss_peak` is the highest that `watch` has seen."""

    load: Load
    devices: Helper
    broker: Broker
    sink: Helper
    subject: Subject
    pss_peak: int = field(default=0, init=False)

    def mark(self) -> Moment:
        """Return the counters and let the sink begin a new window."""
        return Moment(
            mono_s=time.monotonic(),
            cpu_s={
                "subject": cpu_s(self.subject.pid),
                "devices": cpu_s(self.devices.pid),
                "broker": self.broker.cpu_s(),
                "sink": cpu_s(self.sink.pid),
                "harness": cpu_s(os.getpid()),
                "busy": busy_s(),
            },
            log_bytes=log_bytes(self.subject.state),
            written_bytes=written_bytes(self.subject.pid),
            sink=self.sink.ask("mark"),
            devices=self.devices.ask(),
        )

    def watch(self, duration_s: float) -> None:
        """Let time pass, looking at the subject's memory once a second."""
        end_s = time.monotonic() + duration_s
        while (left_s := end_s - time.monotonic()) > 0:
            time.sleep(min(left_s, _SAMPLE_EVERY_S))
            self.pss_peak = max(self.pss_peak, pss_bytes(self.subject.pid))

    def await_first_message(self, within_s: float) -> None:
        """Return when readings arrive, or after the given time."""
        self._await(lambda sink: sink["readings"] > 0, within_s)

    def settle(self, within_s: float) -> Answer:
        """Put the devices on hold, wait until every answer has arrived; return the sink's counters then."""
        self.sink.ask("hold")
        served = self.devices.ask("hold")["answers"]
        return self._await(lambda sink: sink["last_answers"] == served and _is_whole(sink), within_s)

    def drain(self, within_s: float) -> Answer:
        """Wait until nothing is missing and the newest answers are at most two scans behind the devices."""
        return self._await(lambda sink: self._is_current(sink) and _is_whole(sink), within_s)

    def await_current(self, within_s: float) -> Answer:
        """Wait until the newest answers are at most two scans behind the devices, whatever is missing."""
        return self._await(self._is_current, within_s)

    def _is_current(self, sink: Answer) -> bool:
        behind = 2 * self.load.devices
        return sum(self.devices.ask()["answers"]) - sum(sink["last_answers"]) <= behind

    def _await(self, done: Callable[[Answer], bool], within_s: float) -> Answer:
        deadline = time.monotonic() + within_s
        while True:
            counters = self.sink.ask()
            if done(counters) or time.monotonic() > deadline:
                return counters
            time.sleep(_POLL_S)


Medium = Callable[[Path], AbstractContextManager[object]]
"""What to mount at a state folder, while inside."""


@contextmanager
def set_up(name: Name, load: Load, wrap: Sequence[str] = (), medium: Medium = nullcontext) -> Iterator[Stand]:
    """Start everything, the subject last (under `wrap`) and until it is ready; end everything."""
    host = own_loopback()
    with (
        tempfile.TemporaryDirectory(prefix="fengsui-bench-") as temporary,
        Helper("bench.load_devices", "--host", host, "--devices", str(load.devices)) as devices,
        Broker.found(Path(temporary), host) as broker,
    ):
        network = Network(host=host, devices=devices.ready["ports"], broker=broker.port)
        with (
            Helper("bench.sink", *_sink_arguments(load, network)) as sink,
            medium(Path(temporary) / "state"),
            Subject(name, Path(temporary), load, network, wrap) as subject,
        ):
            yield Stand(load=load, devices=devices, broker=broker, sink=sink, subject=subject)


def _sink_arguments(load: Load, network: Network) -> list[str]:
    return [
        *("--host", network.host),
        *("--broker", str(network.broker)),
        *("--devices", str(load.devices)),
        *("--registers", str(load.registers)),
        *("--period-ms", f"{load.period_ms:g}"),
    ]


def _is_whole(sink: Answer) -> bool:
    return not sink["missing_answers"] and not sink["holes"]
