"""Tags of the plant description: one row of a point table."""

from __future__ import annotations

import math
import struct
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from config.fields import CODE_PATTERN, Identifier, Line, Model
from config.links import WordOrder
from config.rules import Condition
from config.units import MS, Duration, S, no_shorter_than
from config.vocabulary import Limit, Priority


class ValueType(StrEnum):
    """What a register or node holds.

    `bcd`: decimal digits, a nibble each. `tenths`, `hundredths`: the high byte is the whole number, the low
    byte the fraction. `ascii`, `gbk`: text over several registers.
    """

    BOOL = "bool"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT16 = "float16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BCD16 = "bcd16"
    BCD32 = "bcd32"
    TENTHS = "tenths"
    HUNDREDTHS = "hundredths"
    ASCII = "ascii"
    GBK = "gbk"

    @property
    def words(self) -> int:
        """Registers (16 bit) that a value occupies; a bool lies in one, a text in at least one."""
        return max(1, self.bits // 16)

    @property
    def bits(self) -> int:
        """Bits of a value; those of a text's first register."""
        digits = self.value[-2:]
        return 1 if self is ValueType.BOOL else int(digits) if digits.isdecimal() else 16

    @property
    def is_text(self) -> bool:
        """Whether it is no number."""
        return self in (ValueType.ASCII, ValueType.GBK)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest raw number; endless for floats."""
        if self.value.startswith("float"):
            return -math.inf, math.inf
        if self.value.startswith("int"):
            return float(-(2 ** (self.bits - 1))), float(2 ** (self.bits - 1) - 1)
        return 0.0, _GREATEST.get(self, float(2**self.bits - 1))

    def holds(self, number: float) -> bool:
        """Tell whether a raw value of this type can be `number`."""
        low, high = self.bounds
        step = _STEPS.get(self, 1)
        return low <= number <= high and (math.isinf(high) or number * step == round(number * step))


_GREATEST: Final = {
    ValueType.BCD16: 9999.0,
    ValueType.BCD32: 99999999.0,
    ValueType.TENTHS: 255.9,
    ValueType.HUNDREDTHS: 255.99,
}
_STEPS: Final = {ValueType.TENTHS: 10, ValueType.HUNDREDTHS: 100}


class ReportBy(StrEnum):
    """What decides which readings are recorded: the last one's deadband, or the line between two of them."""

    DEADBAND = "deadband"
    SWINGING_DOOR = "swinging_door"


class Deadband(Model):
    """Least change that is reported: absolute, or percent of the engineering range (OPC UA Part 8)."""

    absolute: float | None = Field(default=None, ge=0)
    percent: float | None = Field(default=None, ge=0, le=100)


class Tag(Model):
    """One row of a point table.

    `code`: what the platform calls the tag, where that is not `tag`. `address` is the spelling of the table;
    `config.address` gives its meaning. value = raw * scale + offset. `raw_low`/`raw_high` bound the raw
    signal (NAMUR NE 43), `range_low`/`range_high` are the engineering range that a deadband's percent means.
    `mask`: the bits of the register that are the value, moved down to bit 0. `length`: registers of a text.
    `toggle_within`: a device's sign of life, Bad where it does not change for so long.
    `sentinels`: raw values that are codes, not measurements, with their meaning. `enum`: what raw values mean
    to people.
    Outside `plausible_low` to `plausible_high` (engineering units) a reading is Bad; one that differs from
    the one before by more than `max_rate` per second is Uncertain.
    `max_delay`: of what a swinging door holds back; `min_interval`: between two readings that are recorded.
    `fault_delay`: how long a safety tag may be Bad before that is an alarm of its own.
    `sampling`, `queue`, `server_deadband` are for OPC UA subscriptions; by default twice a scan, 1, none.
    `latch`, `alarm_group`, `suppressed_when`, `response` and `basis` are for all of its limits: whether they
    stand until acknowledged, whose first-out is asked for, when they mean nothing, what to do, who asks.
    """

    tag: Identifier
    code: str = Field(default="", pattern=CODE_PATTERN)
    title: Line = ""
    device: Identifier
    scan_class: Identifier
    address: Line
    type: ValueType = ValueType.UINT16
    word_order: WordOrder | None = None
    mask: int | None = Field(default=None, ge=1, le=0xFFFFFFFF)
    length: int | None = Field(default=None, ge=1, le=125)
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
    enum: dict[float, str] = Field(default_factory=dict)
    toggle_within: Duration | None = None
    plausible_low: float | None = None
    plausible_high: float | None = None
    max_rate: float | None = Field(default=None, ge=0)
    median: Literal[0, 3, 5, 7] = 0
    report: ReportBy = ReportBy.DEADBAND
    deadband: Deadband = Deadband()
    max_delay: Duration = 5 * S
    min_interval: Duration = 0
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
    latch: bool = False
    alarm_group: Line = ""
    suppressed_when: Condition | None = None
    response: Line = ""
    basis: Line = ""

    @property
    def words(self) -> int:
        """Registers that the value occupies."""
        return self.length or self.type.words

    @property
    def raw_bounds(self) -> tuple[float, float]:
        """The least and the greatest raw number that is a measurement."""
        low, high = (
            self.type.bounds if self.mask is None else (0.0, float(self.mask >> lowest_bit(self.mask)))
        )
        return (
            low if self.raw_low is None else max(low, self.raw_low),
            high if self.raw_high is None else min(high, self.raw_high),
        )

    def as_sent(self, code: float) -> float:
        """Return what a code of `sentinels` looks like when it arrives."""
        return struct.unpack("f", struct.pack("f", code))[0] if self.type is ValueType.FLOAT32 else code

    def meaning_of(self, raw: float) -> str:
        """Return what a raw number means that is a state or a code; empty where it is a measurement."""
        codes = {self.as_sent(code): meaning for code, meaning in self.sentinels.items()}
        return self.enum.get(raw) or codes.get(raw, "")

    @property
    def tells_bad(self) -> bool:
        """Whether its being Bad is an alarm of its own: limits that people rely on must not fall silent."""
        return self.safety or self.ll is not None or self.hh is not None

    @property
    def window(self) -> int:
        """Samples under the median; 1 where there is none."""
        return max(1, self.median)

    def delay_ns(self, period_ns: int) -> int:
        """Return how much later than in the raw a step shows in the value: (n - 1) / 2 scans of a median."""
        return (self.window - 1) // 2 * period_ns

    @property
    def limits(self) -> dict[Limit, float]:
        """The alarm limits that are set."""
        found = {Limit.LL: self.ll, Limit.L: self.l, Limit.H: self.h, Limit.HH: self.hh}
        return {limit: value for limit, value in found.items() if value is not None}


def lowest_bit(mask: int) -> int:
    """Return the number of a mask's lowest bit: how far a masked value is moved down."""
    return (mask & -mask).bit_length() - 1
