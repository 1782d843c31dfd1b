"""A whole plant is served, the real drivers read it, and whatever goes wrong makes no wrong value."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.simulate.fault import Kind
from agent.simulate.place import Endpoint, Place, serving
from agent.simulate.scenario import Written
from agent.simulate.written import write_copy
from config.load import load
from config.opcua import OpcUaLink, Reading
from config.plant import Plant
from config.vocabulary import QualityClass, Reason, reason_of
from drivers.contract import DeviceError, Driver
from drivers.registry import make_drivers
from tests.drivers.virtual_loop import run_virtually

PLANT = """\
fengsui: 1
gateway: {{enterprise: e, name: g}}
scan_classes: {{fast: {{period: 1s}}}}
links:
  wire: {link}
devices:
  one: {{link: wire{units[0]}}}
  two: {{link: wire{units[1]}}}
points: [points.csv]
uplinks:
  here: {{type: mqtt, host: 127.0.0.1, port: 1883}}
  there: {{type: mqtt, host: platform.example, port: 1883}}
"""
MODBUS_POINTS = """\
tag,device,scan_class,address,type
p,one,fast,hr:0,float32
n,one,fast,ir:7,uint16
on,one,fast,di:3,bool
q,two,fast,hr:0,float32
"""
OPCUA_POINTS = """\
tag,device,scan_class,address,type
p,one,fast,ns=3;s=one.p,float32
n,one,fast,nsu=urn:plant:other;i=7,uint16
on,one,fast,ns=2;g=09087e75-8e5e-499b-954f-f2a9603db28a,bool
q,two,fast,ns=2;b=M/RbKBsRVkePCePcx24oRA==,float32
"""
UNITS = (", unit_id: 1", ", unit_id: 2")
BUS = "baud: 115200, timeout: 150ms, settle: 60ms"
LINKS = {
    "modbus-tcp": "{type: modbus-tcp, host: 192.0.2.1, timeout: 150ms, connect_timeout: 1s}",
    "modbus-rtu-tcp": f"{{type: modbus-rtu-tcp, host: 192.0.2.1, port: 502, {BUS}}}",
    "modbus-rtu": f"{{type: modbus-rtu, port: /dev/ttyS9, {BUS}}}",
    "opcua": "{type: opcua, url: 'opc.tcp://192.0.2.1:4840', timeout: 400ms}",
}
VALUES = ["p=1.5", "n=777", "on=true", "q=-2.5"]
RIGHT = {"p": 1.5, "n": 777, "on": 1, "q": -2.5}
AN_HOUR_S = 3600
"""Addresses that were silent among answers are fenced off, and asked again every 1 to 60 minutes."""

ON_MODBUS = list(Kind)
ON_OPCUA = [kind for kind in Kind if kind not in (Kind.LATE, Kind.DOUBLED, Kind.CRC, Kind.WRONG_UNIT)]
UNNOTICED = {"modbus-tcp": (Kind.STUCK, Kind.DOUBLED, Kind.FLOOD), "modbus-rtu-tcp": (Kind.STUCK,)}
"""Faults that cost nothing: values do not move anyway, and TCP tells what was answered before."""


def plant_file(folder: Path, link: str) -> Path:
    opcua = link == "opcua"
    (folder / "points.csv").write_text(OPCUA_POINTS if opcua else MODBUS_POINTS)
    path = folder / "plant.yaml"
    path.write_text(PLANT.format(link=LINKS[link], units=("", "") if opcua else UNITS))
    return path


@asynccontextmanager
async def simulated(
    folder: Path, link: str, faults: Sequence[str] = (), values: Sequence[str] = VALUES, baud: int = 115200
) -> AsyncIterator[Plant]:
    """Serve a plant; yield its written copy, loaded."""
    source = plant_file(folder, link)
    source.write_text(source.read_text().replace("115200", str(baud)))
    plant = load(source)
    written = Written()
    written.add_options(values, faults)
    async with serving(plant, written.bound_to(plant), Place(ports=folder)) as served:
        write_copy(source, folder / "copy.yaml", served)
        yield load(folder / "copy.yaml")
        assert served["wire"].writes == 0
        assert served["wire"].requests > 0


class Watch:
    """The drivers of a plant, and what they read."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.drivers: dict[str, Driver] = make_drivers(plant)
        self.reasons: set[Reason] = set()
        self.good = 0

    async def scan(self) -> dict[str, float]:
        """Scan all devices once; return what is not Bad."""
        found: dict[str, float] = {}
        self.good = 0
        for group in self.plant.groups:
            try:
                scan = await self.drivers[group.device].scan(group)
            except DeviceError as error:
                self.reasons.add(error.reason)
                continue
            for at, tag in enumerate(self.plant.tags_of(group)):
                word = int(scan.quality[at])
                self.reasons.add(reason_of(word))
                if word >> 30 != QualityClass.BAD:
                    found[tag.tag] = float(scan.raw[at])
                self.good += word == 0
        return found

    async def close(self) -> None:
        for driver in self.drivers.values():
            await driver.close()


@asynccontextmanager
async def watching(plant: Plant) -> AsyncIterator[Watch]:
    watch = Watch(plant)
    try:
        yield watch
    finally:
        await watch.close()


@pytest.mark.parametrize("link", ["modbus-tcp", "modbus-rtu-tcp", "modbus-rtu"])
async def test_a_plant_is_served_as_it_is_described(link: str, tmp_path: Path) -> None:
    async with simulated(tmp_path, link) as plant, watching(plant) as watch:
        assert await watch.scan() == RIGHT
        assert watch.good == len(RIGHT)


async def test_the_written_copy_leads_here_and_nowhere_else(tmp_path: Path) -> None:
    source = plant_file(tmp_path, "modbus-tcp")
    more = ", tls: {ca: ca.pem}, username: u, password: 'file:secret'"
    source.write_text(source.read_text().replace("127.0.0.1, port: 1883", f"localhost, port: 1883{more}"))
    plant = load(source)
    async with serving(plant, Written().bound_to(plant), Place(ports=tmp_path)) as served:
        copy = tmp_path / "elsewhere" / "copy.yaml"
        copy.parent.mkdir()
        assert write_copy(source, copy, served) == ("there",)
    found = load(copy).description
    assert found.gateway.state == copy.with_suffix(".state")
    assert found.links["wire"].model_dump() == plant.description.links["wire"].model_dump() | {
        "host": "127.0.0.1",
        "port": served["wire"].port,
    }
    assert found.uplinks == {"here": plant.description.uplinks["here"]}


def test_the_written_copy_keeps_what_leads_to_this_machine_and_no_folder_that_others_may_fetch_from(
    tmp_path: Path,
) -> None:
    source = plant_file(tmp_path, "modbus-tcp")
    uplinks = (
        "  api: {type: http, url: 'http://127.0.0.1:8080/in', token: 'file:token'}\n"
        "  cloud: {type: http, url: 'https://example.com/in'}\n"
        "  folder: {type: file, directory: out}\n"
    )
    source.write_text(source.read_text().replace("uplinks:\n", f"uplinks:\n{uplinks}"))
    copy = tmp_path / "copy.yaml"
    assert set(write_copy(source, copy, {})) == {"cloud", "folder", "there"}
    assert load(copy).description.uplinks["api"] == load(source).description.uplinks["api"]


def test_the_written_copy_asks_for_no_security_that_a_simulator_cannot_give(tmp_path: Path) -> None:
    source = plant_file(tmp_path, "opcua")
    more = (
        "security: {policy: Basic256Sha256}, user: {name: gw, password: 'env:SECRET'}, reading: subscription"
    )
    source.write_text(source.read_text().replace("timeout: 400ms", f"timeout: 400ms, {more}"))
    served: Any = object()
    endpoint = Endpoint(
        link=load(source).description.links["wire"], devices=("one",), port=4841, served=served
    )
    write_copy(source, tmp_path / "copy.yaml", {"wire": replace(endpoint, host="0.0.0.0")})
    link = load(tmp_path / "copy.yaml").description.links["wire"]
    assert isinstance(link, OpcUaLink)
    assert (link.url, link.reading) == ("opc.tcp://127.0.0.1:4841", Reading.SUBSCRIPTION)
    assert link.security is link.user is None


def test_a_bus_keeps_its_own_pace(tmp_path: Path) -> None:
    """At 1200 baud, 8 and 7 to 9 characters of 11 bits, and 20 ms to think, for each of four blocks."""

    async def run() -> None:
        async with simulated(tmp_path, "modbus-rtu-tcp", baud=1200) as plant, watching(plant) as watch:
            loop = asyncio.get_running_loop()
            await watch.scan()
            begun_s = loop.time()
            assert await watch.scan() == RIGHT
            characters = 4 * 8 + 9 + 7 + 6 + 9
            assert 0 < loop.time() - begun_s - (characters * 11 / 1200 + 4 * 0.02) < 0.3

    run_virtually(run())


def test_links_are_at_the_ports_that_were_asked_for(tmp_path: Path) -> None:
    place = Place(ports=tmp_path, port_base=15020)
    assert [place.port_of(number) for number in range(3)] == [15020, 15021, 15022]
    assert Place(ports=tmp_path).port_of(2) == 0


async def goes_wrong_and_heals(
    folder: Path, link: str, faults: Sequence[str], lasting_s: float, heals_s: float = 10
) -> set[Reason]:
    """Scan through faults: no value is wrong, and all are good again soon; return why some were not."""
    async with simulated(folder, link, faults) as plant, watching(plant) as watch:
        loop = asyncio.get_running_loop()
        due_s = loop.time() + lasting_s
        while loop.time() < due_s:
            found = await watch.scan()
            assert found.items() <= RIGHT.items()
            await asyncio.sleep(0.05)
        due_s += heals_s
        while not (await watch.scan() == RIGHT and watch.good == len(RIGHT)):
            assert loop.time() < due_s, watch.reasons
            await asyncio.sleep(heals_s / 1000)
        return watch.reasons


def spelled(kind: Kind, duration: str, start: str = "0s") -> str:
    code = 6  # busy: after exception 2 the driver does not ask again for a minute
    return f"{kind}:rate=0.5,start={start},duration={duration}" + f",code={code}" * (kind is Kind.EXCEPTION)


@pytest.mark.parametrize("kind", ON_MODBUS)
@pytest.mark.parametrize("link", ["modbus-tcp", "modbus-rtu-tcp"])
def test_no_fault_makes_a_wrong_value_and_all_heal(link: str, kind: Kind, tmp_path: Path) -> None:
    """For five seconds of virtual time."""
    if (link, kind) == ("modbus-tcp", Kind.CRC):
        return

    async def run() -> None:
        reasons = await goes_wrong_and_heals(tmp_path, link, [spelled(kind, "5s")], 5)
        assert (reasons > {Reason.NONE}) == (kind not in UNNOTICED[link])

    run_virtually(run())


@pytest.mark.torture
@pytest.mark.parametrize("link", ["modbus-tcp", "modbus-rtu-tcp"])
@pytest.mark.parametrize("seed", range(int(os.environ.get("TORTURE_N", "20"))))
def test_whatever_goes_wrong_together_makes_no_wrong_value(seed: int, link: str, tmp_path: Path) -> None:
    """A minute of virtual time in which six faults come and go."""
    random = Random(seed)
    kinds = [kind for kind in ON_MODBUS if (link, kind) != ("modbus-tcp", Kind.CRC)]
    faults = [
        f"{kind}:rate={random.random():.2f},start={random.randrange(40)}s,duration={random.randrange(1, 20)}s"
        + ",code=6" * (kind is Kind.EXCEPTION)
        + random.choice(["", ",device=one", ",device=two"])
        for kind in random.sample([kind for kind in kinds if kind is not Kind.NAN], 6)
    ]
    run_virtually(goes_wrong_and_heals(tmp_path, link, faults, 60, AN_HOUR_S))


@pytest.mark.parametrize("kind", [Kind.DELAY, Kind.LATE, Kind.CRC, Kind.GARBLED, Kind.DROPOUTS, Kind.FLOOD])
async def test_a_serial_port_may_suffer_the_same(kind: Kind, tmp_path: Path) -> None:
    assert await goes_wrong_and_heals(tmp_path, "modbus-rtu", [spelled(kind, "300ms")], 0.3)


async def test_an_opcua_line_may_suffer_the_same(tmp_path: Path) -> None:
    """One after another, because a server takes its time to start."""
    faults = [spelled(kind, "300ms", f"{0.4 * number:.1f}s") for number, kind in enumerate(ON_OPCUA)]
    reasons = await goes_wrong_and_heals(tmp_path, "opcua", faults, 0.4 * len(faults))
    assert reasons >= {Reason.LINK_DOWN, Reason.TIMEOUT, Reason.SERVER, Reason.NOT_A_NUMBER}
