"""An asyncua server in a thread with a loop of its own: started once, for it takes seconds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from agent.simulate.opcua import NAMESPACE, OpcUaSimulator, Value, serve
from agent.simulate.opcua_security import ServerSecurity
from config.tags import Tag, ValueType
from drivers.opcua.keys import KeyStore
from tests.drivers.contract_suite import TIMEOUT_S, VALUES, Rig, tag_of
from tests.drivers.proxy import Proxy

START_S = 30.0


def address_of(name: str) -> str:
    """Return the NodeId of a value; every second one is spelled with the namespace's URI."""
    by_uri = sorted(VALUES).index(name) % 2
    return f"nsu={NAMESPACE};s=plc.{name}" if by_uri else f"ns=2;s=plc.{name}"


NODES: dict[str, tuple[ValueType, Value]] = {address_of(name): found for name, found in VALUES.items()}


MANY: dict[str, tuple[ValueType, Value]] = {f"ns=2;s=many.{at}": (ValueType.UINT32, at) for at in range(1200)}
EXTRA: dict[str, tuple[ValueType, Value]] = {
    "ns=2;s=text": (ValueType.UINT16, "casting"),
    "ns=2;s=array": (ValueType.FLOAT64, [1.0, 2.0]),
    "ns=2;s=doubtful": (ValueType.FLOAT64, 1.5),
    "ns=2;i=77": (ValueType.INT32, 77),
    "ns=2;s=with;semicolon=and/slash": (ValueType.INT32, 78),
}


class OpcUaRig(Rig):
    """A rig on a server in another thread."""

    absent = tag_of("absent", "ns=2;s=plc.absent")

    def __init__(
        self, server: ServerThread, proxy: Proxy, keys: KeyStore | None = None, **more: object
    ) -> None:
        self.server = server
        self.proxy = proxy
        self.keys = keys
        self._more = more

    def link(self) -> dict[str, object]:
        url = f"opc.tcp://127.0.0.1:{self.proxy.port}/"
        return {"type": "opcua", "url": url, "timeout": f"{TIMEOUT_S}s", **self._more}

    def tags(self) -> list[Tag]:
        return [tag_of(name, address_of(name), kind) for name, (kind, _) in VALUES.items()]

    async def set(self, name: str, value: float) -> None:
        await self.server.call(self.server.simulator.set(address_of(name), value))


@asynccontextmanager
async def rig_on(
    server: ServerThread, keys: KeyStore | None = None, kind: type[OpcUaRig] = OpcUaRig, **link: object
) -> AsyncIterator[OpcUaRig]:
    """Put a wire between the test and a server, whose counter is where it was at the start."""
    proxy = Proxy(server.simulator.port)
    await proxy.mend()
    rig = kind(server, proxy, keys, **link)
    await rig.set("counter", VALUES["counter"][1])
    try:
        yield rig
    finally:
        proxy.release()
        await proxy.cut()


class ServerThread:
    """A running simulator, reached from the test's own loop."""

    def __init__(self, simulator: OpcUaSimulator, loop: asyncio.AbstractEventLoop) -> None:
        self.simulator = simulator
        self.loop = loop

    async def call(self, work: Coroutine[Any, Any, None]) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))


@contextmanager
def server_thread(
    nodes: Mapping[str, tuple[ValueType, Value]], security: ServerSecurity | None = None
) -> Iterator[ServerThread]:
    """Serve `nodes` until the context is left."""
    ready: Future[ServerThread] = Future()
    stop = asyncio.Event()

    async def run() -> None:
        try:
            async with serve(nodes, security=security) as simulator:
                ready.set_result(ServerThread(simulator, asyncio.get_running_loop()))
                await stop.wait()
        except Exception as failure:
            ready.set_exception(failure)
            raise

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    server = ready.result(START_S)
    try:
        yield server
    finally:
        server.loop.call_soon_threadsafe(stop.set)
        thread.join(START_S)
