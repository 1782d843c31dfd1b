"""The MQTT broker of the bench: mosquitto where there is one, else iotcore; on loopback, on a free port.

Nothing is on disk while it runs. It is asked to write its state when it ends, so that a broker that comes
back still knows the sink's session: otherwise what the agent sends before the sink is back would be the
broker's loss. iotcore cannot do that, so the outage needs mosquitto.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from agent.demo import broker
from bench.process import cpu_s

_REMEMBERING: Final = """\
allow_anonymous true
set_tcp_nodelay true
persistence true
persistence_location {folder}/
autosave_interval 0
log_dest none
"""


class Broker(broker.Broker):
    """A broker whose costs are known. `remembers`: whether a broker that comes back knows its sessions."""

    _spent_s = 0.0
    remembers = False
    name = "iotcore"

    @classmethod
    def found(cls, folder: Path, host: str) -> Self:
        """Return the best broker of this machine; it is not started yet."""
        if broker.MOSQUITTO is None:
            return cls.iotcore(folder, host=host)
        made = cls.mosquitto(folder, _REMEMBERING.replace("{folder}", str(folder)), host=host)
        made.remembers, made.name = True, "mosquitto"
        return made

    def cpu_s(self) -> float:
        """Return the CPU time of all its processes so far."""
        return self._spent_s + (cpu_s(self.pid) if self.pid else 0.0)

    def stop(self) -> None:
        """End it in order; return when it has ended."""
        self._spent_s = self.cpu_s()
        super().stop()

    def __exit__(self, *_: object) -> None:
        self.stop()
