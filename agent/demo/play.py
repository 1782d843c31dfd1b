"""Play the demo: everything started, the scenario carried out, everything counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Final

from agent.demo.arrived import Arrived
from agent.demo.broker import Broker
from agent.demo.processes import Agent, DemoFailed, Devices, agent, devices, receiver
from agent.demo.scenario import STEPS, Deed, Step, missing
from agent.demo.verdict import Verdict, judge
from agent.simulate.relay import Relay, relaying
from config.text import Text, text

_LOOK_S: Final = 0.1
_START_S: Final = 60.0
_WAIT_S: Final = 30.0

Say = Callable[[Text], None]
Show = Callable[[dict[str, Any], Arrived], None]


async def play(folder: Path, seconds: float, say: Say, show: Show) -> Verdict:
    """Play the whole demo in `folder` within about `seconds`; `say` gets each deed, `show` each event.

    Raises DemoFailed or BrokerFailed where a part does not even start.
    """
    say(text("starting a broker, the devices, a receiver and the agent"))
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(Broker.iotcore(folder))
        relay = await stack.enter_async_context(relaying(broker.port))
        path = folder / "simulated.yaml"
        plant = await stack.enter_async_context(devices(_write_plant(folder, relay.port), path))
        arrived = Arrived(folder / "received.jsonl")
        book = await stack.enter_async_context(receiver(broker.port, arrived.path))
        program = await stack.enter_async_context(agent(path, folder / "state", folder / "agent.log"))
        stage = _Stage(program, plant, relay, arrived, say, show)
        await stage.until(lambda: arrived.listening, _START_S)
        await program.start()
        await stage.until(lambda: bool(arrived.reads), _START_S)
        await stage.act(seconds)
        exit_code = await program.stop()
        await stage.until(lambda: not missing(arrived.happened()), _WAIT_S)
        counted = await plant.counts()
        summary = await book.summary()
        arrived.look()
        return judge(counted, summary, arrived, exit_code)


class _Stage:
    """What the scenario acts on."""

    def __init__(
        self, program: Agent, plant: Devices, relay: Relay, arrived: Arrived, say: Say, show: Show
    ) -> None:
        self._program = program
        self._plant = plant
        self._relay = relay
        self._arrived = arrived
        self._say = say
        self._show = show

    async def act(self, seconds: float) -> None:
        """Carry out all steps, each at its share of `seconds`."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for step in STEPS:
            while loop.time() < begun + step.share * seconds:
                await self._watch()
            await self.until(lambda step=step: self._ready(step), _WAIT_S)  # type: ignore[misc]
            self._say(step.words)
            await self._do(step)

    async def until(self, reached: Callable[[], bool], limit_s: float) -> None:
        """Watch until `reached`, at most for `limit_s`; what is missing then, the verdict will say."""
        due = asyncio.get_running_loop().time() + limit_s
        while not reached() and asyncio.get_running_loop().time() < due:
            await self._watch()

    def _ready(self, step: Step) -> bool:
        return step.after is None or self._arrived.happened().count(step.after) >= step.times

    async def _watch(self) -> None:
        for event in self._arrived.look():
            self._show(event, self._arrived)
        await asyncio.sleep(_LOOK_S)

    async def _do(self, step: Step) -> None:
        for trouble in step.troubles:
            await self._plant.tell(step.deed, trouble)
        if step.deed is Deed.CUT_LINE:
            self._relay.cut()
        elif step.deed is Deed.MEND_LINE:
            self._relay.mend()
        elif step.deed is Deed.KILL_AGENT:
            if not self._program.alive():
                raise DemoFailed(text("the agent has ended by itself"))
            await self._program.kill()
            await self._program.start()


def _write_plant(folder: Path, mqtt_port: int) -> Path:
    """Write the demo's plant; its devices are still where nobody is."""
    source = files("agent.demo") / "plant"
    path = folder / "plant.yaml"
    plant = Template((source / "plant.yaml").read_text(encoding="utf-8"))
    path.write_text(plant.substitute(MQTT_PORT=mqtt_port), encoding="utf-8")
    points = (source / "points.csv").read_text(encoding="utf-8")
    (folder / "points.csv").write_text(points, encoding="utf-8")
    return path
