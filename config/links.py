"""Links and devices of the plant description: how a device is reached."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from config.fields import Host, Identifier, Line, Model, NumberNotTruth, SerialPort
from config.opcua import OpcUaLink, Reading
from config.units import MS, Duration, S, no_shorter_than

UNITS_OF_A_BUS: Final = range(1, 248)


class _ModbusWire(Model):
    """What all Modbus links have. `probe_percent`: of its time, what dead units may cost the living ones."""

    probe_percent: float = Field(default=2.0, ge=0.1, le=50)


class ModbusTcpLink(_ModbusWire):
    """A Modbus TCP endpoint; one connection, requests one after another.

    `answer_time`: how long an answer usually takes; what a request costs is computed from it.
    """

    type: Literal["modbus-tcp"]
    host: Host
    port: int = Field(default=502, ge=1, le=65535)
    timeout: Annotated[Duration, no_shorter_than(10 * MS)] = 1 * S
    connect_timeout: Annotated[Duration, no_shorter_than(10 * MS)] = 3 * S
    answer_time: Duration = 2 * MS

    @property
    def endpoint(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


class ModbusBus(_ModbusWire):
    """A serial bus with its devices; one question at a time.

    `timeout`: how long a device may think; the time that the frames take at `baud` comes on top.
    `answer_time`: how long it usually thinks; what a request costs is computed from it. `settle`: how long
    the bus must be silent after a missed answer before it is believed again.
    """

    baud: int = Field(default=9600, ge=300, le=4_000_000)
    timeout: Annotated[Duration, no_shorter_than(10 * MS)] = 1 * S
    settle: Annotated[Duration, no_shorter_than(1 * MS)] = 100 * MS
    answer_time: Duration = 20 * MS


class ModbusRtuLink(ModbusBus):
    """A serial port with 8 data bits.

    `echo`: the port hears what it sends. `turnaround`: a pause before each question, beyond the usual gap.
    """

    type: Literal["modbus-rtu"]
    port: SerialPort
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Annotated[Literal[1, 2], NumberNotTruth] = 1
    echo: bool = False
    turnaround: Duration = 0

    @property
    def endpoint(self) -> str:
        """The port's path."""
        return self.port


class ModbusRtuTcpLink(ModbusBus):
    """A serial bus behind a converter that passes RTU frames over TCP; `baud` is that of the bus."""

    type: Literal["modbus-rtu-tcp"]
    host: Host
    port: int = Field(ge=1, le=65535)
    connect_timeout: Annotated[Duration, no_shorter_than(10 * MS)] = 3 * S

    @property
    def endpoint(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


ModbusLink = ModbusTcpLink | ModbusRtuLink | ModbusRtuTcpLink


Link = Annotated[ModbusLink | OpcUaLink, Field(discriminator="type")]


class WordOrder(StrEnum):
    """How a value's bytes lie in its registers; A is the most significant byte."""

    ABCD = "ABCD"
    CDAB = "CDAB"
    BADC = "BADC"
    DCBA = "DCBA"


class Device(Model):
    """A PLC or instrument.

    `reading` is for OPC UA, by default as the link says; all else but `link` and `title` is for Modbus.

    `unit_id`: on a bus 1..247; a TCP device that has no bus behind it may want 255 or 0.
    `forbidden`: addresses that must never be asked for, not even between wanted ones: `hr:100..199`, `co:7`.
    """

    link: Identifier
    title: Line = ""
    reading: Reading | None = None
    unit_id: int = Field(default=1, ge=0, le=255)
    word_order: WordOrder = WordOrder.ABCD
    address_base: Annotated[Literal[0, 1], NumberNotTruth] = 0
    max_words: int = Field(default=125, ge=1, le=125)
    max_bits: int = Field(default=2000, ge=1, le=2000)
    max_gap_words: int = Field(default=16, ge=0, le=124)
    forbidden: tuple[Line, ...] = ()
