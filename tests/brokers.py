"""Real MQTT brokers on loopback, as processes that a test may kill, freeze and start again on their port."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Final

from agent.demo import broker
from agent.demo.broker import MOSQUITTO, free_port

__all__ = ["MOSQUITTO", "MOSQUITTO_PASSWD", "Broker", "free_port", "iotcore", "mosquitto"]

MOSQUITTO_PASSWD: Final = shutil.which("mosquitto_passwd", path=broker.SEARCH_PATH)
_FROZEN_WITHIN_S: Final = 10.0


class Broker(broker.Broker):
    """A broker that can be frozen."""

    def freeze(self) -> None:
        """Stop it from running while its connections stay; every thread of it has stopped on return."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGSTOP)
        threads = Path(f"/proc/{self.pid}/task")
        deadline = time.monotonic() + _FROZEN_WITHIN_S
        while any(_state(thread) not in "tT" for thread in threads.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def thaw(self) -> None:
        """Let it run again."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGCONT)


def _state(thread: Path) -> str:
    """Return the kernel's letter for what a thread does."""
    return (thread / "stat").read_text().rpartition(")")[2].split()[0]


def iotcore(directory: Path) -> Broker:
    """Return the broker that the demo uses; needs nothing but its wheel."""
    return Broker.iotcore(directory)


def mosquitto(directory: Path, options: str = "allow_anonymous true") -> Broker:
    """Return Debian's mosquitto, without persistence. Ask `MOSQUITTO` first whether it is there."""
    return Broker.mosquitto(directory, f"log_dest stderr\n{options}")
