from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import orjson
import pytest

from agent.receive.subscriber import Arrival, Source, Subscriber
from config.text import Text
from config.vocabulary import EventKind
from tests.brokers import Broker, free_port, iotcore
from tests.uplinks.station import Station, forwarding
from tests.uplinks.waiting import eventually

COMMAND = (sys.executable, "-m", "agent", "receive")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with iotcore(tmp_path) as broker:
        yield broker


@contextmanager
def receiving(tmp_path: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command while inside; its output is in tmp_path / "said"."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen([*COMMAND, *options], stdout=said, stderr=said, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def said(tmp_path: Path) -> str:
    return (tmp_path / "said").read_text(encoding="utf-8")


async def end(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return await asyncio.to_thread(process.wait, 10)


async def test_a_person_reads_what_arrives_in_their_language(tmp_path: Path, broker: Broker) -> None:
    with receiving(tmp_path, "--port", str(broker.port), "--lang", "zh") as receiver:
        await eventually(lambda: "正在监听" in said(tmp_path))
        gateway = Station(directory=tmp_path / "log", port=broker.port)
        gateway.tell(EventKind.AGENT_STARTED)
        gateway.read([1, 2, 3], [4, 5, 6])
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
            await eventually(lambda: "采集程序已启动" in said(tmp_path))
        await eventually(lambda: "离线（已停止）" in said(tmp_path))
        gateway.log.close()
        assert await end(receiver) == 0
    assert said(tmp_path).splitlines()[-1] == "3 条记录共 6 个读数；重复 0，缺失 0，其他异常 0"


async def test_a_program_reads_a_summary_and_every_arrival(tmp_path: Path, broker: Broker) -> None:
    out = tmp_path / "arrivals.jsonl"
    options = ("--port", str(broker.port), "--json", "--seconds", "3", "--out", str(out))
    with receiving(tmp_path, *options) as receiver:
        gateway = Station(directory=tmp_path / "log", port=broker.port)
        async with forwarding(gateway):
            while receiver.poll() is None:
                gateway.read([1, 2, 3])
                await asyncio.sleep(0.02)
        gateway.log.close()
        assert receiver.returncode == 0
    summary = orjson.loads(said(tmp_path))
    found = summary["gateways"]["enterprise/gateway"]
    stream = found["runs"][f"{1:016x}"]["readings"]
    assert summary["subscribed"] is True
    assert stream["received"] > 10
    assert stream["missing"] == []
    arrivals = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert arrivals[0]["listening"] is True
    new = [arrival for arrival in arrivals if arrival.get("verdict") == "new"]
    assert len(new) == stream["received"]
    assert found["readings"] == sum(len(arrival["message"]["rows"]) for arrival in new)


async def test_nobody_there_is_said_and_is_no_success(tmp_path: Path) -> None:
    options = ("--port", str(free_port()), "--seconds", "0.5")
    with receiving(tmp_path, *options) as receiver:
        assert await asyncio.to_thread(receiver.wait, 10) == 1
    assert said(tmp_path).count("not connected: no connection: nothing listens there") == 1


def test_the_receiver_listens_again_as_soon_as_the_broker_is_back(broker: Broker) -> None:
    states: list[Text | None] = []
    arrivals: list[Arrival] = []
    stop, back = Event(), Event()

    def note(why: Text | None) -> None:
        states.append(why)
        if states.count(None) == 2:
            back.set()

    source = Source(host="127.0.0.1", port=broker.port, topic="fengsui/1/#")
    thread = Thread(target=Subscriber(source, arrivals.append, note).run, args=(stop.is_set,))
    thread.start()
    try:
        wait_for(lambda: None in states)
        broker.kill()
        wait_for(lambda: states[-1] is not None)
        broker.start()
        assert back.wait(5)
    finally:
        stop.set()
        thread.join(5)


def wait_for(condition: Callable[[], bool]) -> None:
    asyncio.run(eventually(condition))
