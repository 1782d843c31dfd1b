"""The plant description as typed models: what `plant.yaml` and the point tables may say.

Durations are nanoseconds and sizes bytes once loaded. The JSON Schema is generated from these models.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from config.fields import (
    CODE_PATTERN,
    OPCUA_URL_PATTERN,
    Host,
    Identifier,
    Level,
    Line,
    NumberNotTruth,
    SecretReference,
    SerialPort,
)
from config.units import DAY, Duration, Size, no_shorter_than
from config.units import MS as MS
from config.units import S as S
from config.vocabulary import Limit, Priority


class Model(BaseModel):
    """What every model shares: nothing unknown is accepted, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)


class Gateway(Model):
    """Who this gateway is.

    `enterprise`: its id at the platforms, usually the 统一社会信用代码; `state`: the folder of the log.
    """

    enterprise: Identifier
    name: Identifier
    title: Line = ""
    state: Path = Path("/var/lib/fengsui")


class ScanClass(Model):
    """A named period. `stale_after`: age after which a value is not current; default 3 periods."""

    period: Annotated[Duration, no_shorter_than(10 * MS)]
    stale_after: Duration | None = None

    @property
    def stale_ns(self) -> int:
        """Age in nanoseconds after which a value of this class is not current."""
        return self.stale_after if self.stale_after is not None else 3 * self.period


class ModbusTcpLink(Model):
    """A Modbus TCP endpoint; one connection, requests one after another."""

    type: Literal["modbus-tcp"]
    host: Host
    port: int = Field(default=502, ge=1, le=65535)
    timeout: Annotated[Duration, no_shorter_than(10 * MS)] = 1 * S
    connect_timeout: Annotated[Duration, no_shorter_than(10 * MS)] = 3 * S

    @property
    def endpoint(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


class ModbusBus(Model):
    """A serial bus with its devices; one question at a time.

    `timeout`: how long a device may think; the time that the frames take at `baud` comes on top. `settle`:
    how long the bus must be silent after a missed answer before it is believed again.
    """

    baud: int = Field(default=9600, ge=300, le=4_000_000)
    timeout: Annotated[Duration, no_shorter_than(10 * MS)] = 1 * S
    settle: Annotated[Duration, no_shorter_than(1 * MS)] = 100 * MS


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


class OpcUaLink(Model):
    """An OPC UA server; one session."""

    type: Literal["opcua"]
    url: str = Field(pattern=OPCUA_URL_PATTERN)
    timeout: Annotated[Duration, no_shorter_than(10 * MS)] = 4 * S


ModbusLink = ModbusTcpLink | ModbusRtuLink | ModbusRtuTcpLink
Link = Annotated[ModbusLink | OpcUaLink, Field(discriminator="type")]


class WordOrder(StrEnum):
    """How a value's bytes lie in its registers; A is the most significant byte."""

    ABCD = "ABCD"
    CDAB = "CDAB"
    BADC = "BADC"
    DCBA = "DCBA"


class Device(Model):
    """A PLC or instrument. All but `link` and `title` is for Modbus and refused on other links."""

    link: Identifier
    title: Line = ""
    unit_id: int = Field(default=1, ge=1, le=247)
    word_order: WordOrder = WordOrder.ABCD
    address_base: Annotated[Literal[0, 1], NumberNotTruth] = 0
    max_words: int = Field(default=125, ge=1, le=125)
    max_bits: int = Field(default=2000, ge=1, le=2000)
    max_gap_words: int = Field(default=16, ge=0, le=124)


class ValueType(StrEnum):
    """What a register or node holds."""

    BOOL = "bool"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"

    @property
    def words(self) -> int:
        """Registers (16 bit) that a value occupies; a bool lies in one."""
        return max(1, self.bits // 16)

    @property
    def bits(self) -> int:
        """Bits of a value."""
        return 1 if self is ValueType.BOOL else int(self.value[-2:])

    def holds(self, number: float) -> bool:
        """Tell whether a raw value of this type can be `number`."""
        if self.value.startswith("float"):
            return True
        low = -(2 ** (self.bits - 1)) if self.value.startswith("int") else 0
        return number == int(number) and low <= number < low + 2**self.bits


class Deadband(Model):
    """Least change that is reported: absolute, or percent of the engineering range (OPC UA Part 8)."""

    absolute: float | None = Field(default=None, ge=0)
    percent: float | None = Field(default=None, ge=0, le=100)


class Tag(Model):
    """One row of a point table.

    `code`: what the platform calls the tag, where that is not `tag`. `address` is the spelling of the table;
    `config.address` gives its meaning. value = raw * scale + offset. `raw_low`/`raw_high` bound the raw
    signal (NAMUR NE 43), `range_low`/`range_high` are the engineering range that a deadband's percent means.
    `sentinels`: raw values that are codes, not measurements, with their meaning.
    `fault_delay`: how long a safety tag may be Bad before that is an alarm of its own.
    """

    tag: Identifier
    code: str = Field(default="", pattern=CODE_PATTERN)
    title: Line = ""
    device: Identifier
    scan_class: Identifier
    address: Line
    type: ValueType = ValueType.UINT16
    word_order: WordOrder | None = None
    scale: float = 1.0
    offset: float = 0.0
    unit: Line = ""
    raw_low: float | None = None
    raw_high: float | None = None
    range_low: float | None = None
    range_high: float | None = None
    sentinels: dict[float, str] = Field(default_factory=dict)
    median: Literal[0, 3, 5] = 0
    deadband: Deadband = Deadband()
    heartbeat: Annotated[Duration, no_shorter_than(100 * MS)] = 60 * S
    safety: bool = False
    fault_delay: Duration = 10 * S
    ll: float | None = None
    l: float | None = None  # noqa: E741 - the field's own word
    h: float | None = None
    hh: float | None = None
    alarm_deadband: float = Field(default=0.0, ge=0)
    on_delay: Duration = 0
    off_delay: Duration = 0
    priority: Priority = Priority.HIGH

    @property
    def limits(self) -> dict[Limit, float]:
        """The alarm limits that are set."""
        found = {Limit.LL: self.ll, Limit.L: self.l, Limit.H: self.h, Limit.HH: self.hh}
        return {limit: value for limit, value in found.items() if value is not None}


class Condition(Model):
    """A tag compared with one number; exactly one comparison is given."""

    tag: Identifier
    equals: Level | None = None
    above: float | None = None
    below: float | None = None


class Cause(Condition):
    """What demands the interlock: a comparison of its own (or the PLC's trip bit), or a limit of the tag.

    With `limit`, the comparison and the delay are those of the tag's alarm.
    """

    limit: Limit | None = None
    on_delay: Duration = 0


class Effect(Condition):
    """What must be seen within a time after the onset of the cause."""

    within: Duration


class Interlock(Model):
    """An interlock of the plant that the agent witnesses; the agent never acts."""

    name: Identifier
    title: Line = ""
    armed_when: Condition | None = None
    cause: Cause
    effects: tuple[Effect, ...] = Field(min_length=1)
    bypassed_when: Condition | None = None
    skew: Duration = 200 * MS


class Rules(Model):
    """What the plant declares beyond its tags' own limits."""

    interlocks: tuple[Interlock, ...] = ()


class Tls(Model):
    """TLS towards a platform; never falls back to plain."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class MqttUplink(Model):
    """An MQTT 5 broker. `required`: its backlog pins the log until the cap."""

    type: Literal["mqtt"]
    host: Host
    port: int = Field(default=1883, ge=1, le=65535)
    tls: Tls | None = None
    client_id: Line = ""
    username: Line | None = None
    password: SecretReference | None = None
    keepalive: Annotated[Duration, no_shorter_than(1 * S)] = 10 * S
    window: int = Field(default=20, ge=1, le=20)
    required: bool = True


class LogSettings(Model):
    """The store-and-forward log: most bytes on disk, bytes of a segment, group commit, retention aimed at."""

    cap: Size = 1_000_000_000
    segment: Size = 16_000_000
    commit_interval: Annotated[Duration, no_shorter_than(1 * MS)] = 250 * MS
    at_least: Duration = 30 * DAY


class Description(Model):
    """The whole of `plant.yaml`; `points` names the point tables beside it."""

    fengsui: Annotated[Literal[1], NumberNotTruth]
    gateway: Gateway
    scan_classes: dict[Identifier, ScanClass] = Field(min_length=1)
    links: dict[Identifier, Link] = Field(min_length=1)
    devices: dict[Identifier, Device] = Field(min_length=1)
    points: tuple[Path, ...] = Field(min_length=1)
    rules: Rules = Rules()
    uplinks: dict[Identifier, MqttUplink] = Field(default_factory=dict)
    log: LogSettings = LogSettings()
