"""Tags of the plant description: one row of a point table."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from config.fields import CODE_PATTERN, Identifier, Line, Model
from config.links import WordOrder
from config.units import MS, Duration, S, no_shorter_than
from config.vocabulary import Limit, Priority


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
    `sampling`, `queue`, `server_deadband` are for OPC UA subscriptions; by default twice a scan, 1, none.
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
    sampling: Annotated[Duration, no_shorter_than(10 * MS)] | None = None
    queue: int = Field(default=1, ge=1, le=1000)
    server_deadband: Deadband = Deadband()
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
