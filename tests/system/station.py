"""The rig: a field of devices, a broker, the agent as a process, a receiver that keeps the book."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.brokers import Broker, iotcore
from tests.system.field import CountingUnit, Field
from tests.system.plants import Description
from tests.system.program import Agent
from tests.system.receiver import Receiver
from tests.system.waiting import until

ARRIVE_S = 30.0


@dataclass(kw_only=True)
class Station:
    """Everything but the agent runs; `agent` makes one. `units`: the counting devices by name."""

    folder: Path
    cache: Path
    field: Field
    broker: Broker
    receiver: Receiver
    units: dict[str, CountingUnit] = field(default_factory=dict)
    agents: list[Agent] = field(default_factory=list)

    def describe(self, *devices: str, period: str = "100ms") -> Description:
        """Describe a plant of counting devices, which are served from now on, that forwards to the broker."""
        described = Description(period=period).mqtt(self.broker.port)
        for device in devices:
            self.units[device], port = self.field.counting()
            described.modbus(device, port)
        return described

    def agent(self, described: Description, *, language: str = "en", name: str = "s") -> Agent:
        """Make an agent for a plant on the state directory `name`; it is not started yet."""
        folder = self.folder / f"plant-{len(self.agents)}"
        folder.mkdir()
        plant = described.write(folder)
        agent = Agent(plant=plant, state=self.folder / name, cache=self.cache, language=language)
        self.agents.append(agent)
        return agent

    def delivering(self, *devices: str, more: int = 3, within_s: float = ARRIVE_S) -> None:
        """Wait until `more` new scans of each device have arrived."""
        before = {device: len(self.receiver.counters(device)) for device in devices}
        for device, had in before.items():
            until(
                lambda device=device, had=had: len(self.receiver.counters(device)) >= had + more,  # type: ignore[misc]
                within_s,
                f"{device} delivers",
            )

    def arrived(self, event: str, rule: str | None = None, *, count: int = 1) -> dict[str, object]:
        """Wait for the `count`-th event of a name and return it."""
        until(
            lambda: len(self.receiver.events(event, rule)) >= count,
            ARRIVE_S,
            f"{event} of {rule} arrives ({count})",
        )
        return self.receiver.events(event, rule)[count - 1]

    def end(self, agent: Agent) -> None:
        """Stop an agent in order, and wait until everything that it recorded has arrived."""
        run = agent.ask()["run"]
        assert agent.stop() == 0
        until(
            lambda: self.receiver.outstanding(run) == {"events": 0, "readings": 0},
            ARRIVE_S,
            "everything that was recorded arrives",
            lambda: self.receiver.outstanding(run),
        )
        assert self.receiver.events("agent_stopped")
        assert self.receiver.faults == 0, self.receiver.book.summary()


@contextmanager
def standing(
    folder: Path, cache: Path, broker: Broker | None = None, password: str | None = None
) -> Iterator[Station]:
    """Run a station; whatever it started has ended afterwards, and what agents said is printed.

    `password`: what the broker wants of the user `receiver`.
    """
    with ExitStack() as stack:
        place = stack.enter_context(Field())
        running = stack.enter_context(broker or iotcore(folder))
        receiver = stack.enter_context(Receiver(running.port, password))
        station = Station(folder=folder, cache=cache, field=place, broker=running, receiver=receiver)
        try:
            yield station
        finally:
            for agent in station.agents:
                agent.kill()
                print(agent.journal)  # pytest shows it where a test failed
    for agent in station.agents:
        assert "Traceback" not in agent.journal
