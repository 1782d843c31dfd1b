"""A driver for a device that answers each line `READ` with a line of numbers, separated by commas."""

from __future__ import annotations

import asyncio
import math
from typing import Final

import numpy as np

from config.links import ModbusTcpLink
from config.plant import Plant, ScanGroup
from config.text import Text, text
from config.vocabulary import GOOD, Reason, bad
from drivers.contract import DeviceError, DeviceTimeout, DriverCounters, LinkDown, Scan
from drivers.shared import Shared

_LARGEST_EXACT: Final = 2**53  # float64 holds every whole number up to here


class LineLink(Shared):
    """One connection, one question at a time; all devices at its far end share it."""

    def __init__(self, link: ModbusTcpLink) -> None:  # it borrows host, port and timeout of a known link
        super().__init__()
        self._link = link
        self._asking = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._answered = True

    async def ask(self, question: str, counters: DriverCounters) -> str:
        """Return the answer. Raises LinkDown, DeviceTimeout; whatever happens, no answer stays behind."""
        async with self._asking:
            try:
                async with asyncio.timeout(self._link.timeout / 1e9):
                    return await self._exchange(question, counters)
            except TimeoutError as error:
                raise DeviceTimeout(text("{url} did not answer in time", url=self._link.endpoint)) from error
            except OSError as error:
                raise LinkDown(
                    text("no connection to {url}: {cause}", url=self._link.endpoint, cause=error.strerror)
                ) from error
            finally:
                if not self._answered:
                    self._drop()

    async def close(self) -> None:
        """See `Shared`."""
        self._drop()
        await asyncio.sleep(0)  # the loop closes an aborted socket in its next turn

    async def _exchange(self, question: str, counters: DriverCounters) -> str:
        self._answered = False
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._link.host, self._link.port)
            counters.connects += 1
        reader, writer = self._streams
        counters.requests += 1
        writer.writelines([f"{question}\n".encode()])
        answer = await reader.readline()
        if not answer.endswith(b"\n"):
            raise ConnectionResetError(0, "hung up")
        self._answered = True
        return answer.decode("ascii", "replace").strip()

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


class LineDriver:
    """See `drivers.contract.Driver`. A tag's address is the place of its number in the line, from 0."""

    def __init__(self, plant: Plant, name: str, link: LineLink) -> None:
        self.counters = DriverCounters()
        self._places = {
            group.number: [int(tag.address) for tag in plant.tags_of(group)]
            for group in plant.groups
            if group.device == name
        }
        self._link = link
        link.join(self)

    async def scan(self, group: ScanGroup) -> Scan:
        """See `drivers.contract.Driver`."""
        try:
            answer = await self._link.ask("READ", self.counters)
        except DeviceError as error:
            self.counters.count(error)
            raise
        return _read(answer.split(","), self._places[group.number])

    async def close(self) -> None:
        """See `drivers.contract.Driver`."""
        await self._link.leave(self)

    def plan(self, group: ScanGroup) -> list[Text]:
        """See `drivers.contract.Driver`."""
        return [text("Read of {nodes} nodes", nodes=group.count)]


def _read(fields: list[str], places: list[int]) -> Scan:
    """Return what a line says; a place that it does not have is refused, and no other suffers."""
    raw = np.full(len(places), np.nan)
    quality = np.full(len(places), GOOD, dtype=np.uint32)
    exact: dict[int, int | str] = {}
    for at, place in enumerate(places):
        if place >= len(fields):
            quality[at] = bad(Reason.REFUSED)
            continue
        number = _number(fields[place])
        raw[at] = math.nan if number is None else number
        if number is None:
            quality[at] = bad(Reason.UNDECODABLE)
        elif not math.isfinite(number):
            quality[at] = bad(Reason.NOT_A_NUMBER)
        elif isinstance(number, int) and abs(number) > _LARGEST_EXACT:
            exact[at] = number
    return Scan(raw=raw, quality=quality, exact=exact)


def _number(field: str) -> int | float | None:
    try:
        return int(field) if field.lstrip("-").isdigit() else float(field)
    except ValueError:
        return None
