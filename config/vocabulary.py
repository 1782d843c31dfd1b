"""The words that every part of the program shares: quality, streams, states and kinds.

Quality is one uint32 per reading; 0 is Good without remark:

    bit 31..30  class        OPC UA severity: 0 Good, 1 Uncertain, 2 Bad
    bit 27..16  detail       Modbus exception code, `Misconduct`, or OPC UA sub-code of the server's status
    bit 15..8   reason       `Reason`
    bit  7..0   flags        `Flag`
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum
from typing import Final, Literal

from config.text import Text, text

CLASS_SHIFT: Final = 30
DETAIL_SHIFT: Final = 16
DETAIL_MASK: Final = 0xFFF
REASON_SHIFT: Final = 8
REASON_MASK: Final = 0xFF
FLAGS_MASK: Final = 0xFF


class QualityClass(IntEnum):
    """How far a value may be trusted (OPC UA Part 8, severity)."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


class Reason(IntEnum):
    """Why a reading is not simply Good; the numbers are stored on disk and sent, so they never change."""

    NONE = 0
    NOT_YET_READ = 1
    TIMEOUT = 2
    LINK_DOWN = 3
    REFUSED = 4
    DESYNC = 5
    UNDER_RANGE = 6
    OVER_RANGE = 7
    IMPLAUSIBLE = 8
    SENTINEL = 9
    NOT_A_NUMBER = 10
    STUCK = 11
    RATE = 12
    SKEW = 13
    FENCED = 14
    STALE = 15
    SERVER = 16
    UNDECODABLE = 17
    RESYNC = 18
    DEMOTED = 19
    NO_HEARTBEAT = 20
    INPUT = 26
    FILLING = 27


class Misconduct(IntEnum):
    """What a device does where it should refuse an address: the detail of FENCED, beyond all exceptions."""

    SILENT = 0
    GARBLED = 256
    HUNG_UP = 257


class Flag(IntFlag):
    """What else is true of a reading, whatever its class."""

    NONE = 0
    MAINTENANCE = 1
    CALIBRATION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonFacts:
    """One row of the quality table: what other systems and people call a reason.

    `status_code`: OPC UA StatusCode (Part 6, annex A.2) for a Bad or Uncertain reading with this reason.
    `hj212`: data flag of HJ 212 (B comms, T range, D fault, N good).
    """

    status_code: int
    hj212: Literal["N", "B", "T", "D"]
    words: Text


REASONS: Final[dict[Reason, ReasonFacts]] = {
    Reason.NONE: ReasonFacts(status_code=0x00000000, hj212="N", words=text("good")),
    Reason.NOT_YET_READ: ReasonFacts(status_code=0x80320000, hj212="B", words=text("not yet read")),
    Reason.TIMEOUT: ReasonFacts(status_code=0x800A0000, hj212="B", words=text("no answer in time")),
    Reason.LINK_DOWN: ReasonFacts(status_code=0x80310000, hj212="B", words=text("link down")),
    Reason.REFUSED: ReasonFacts(status_code=0x80040000, hj212="B", words=text("refused by the device")),
    Reason.DESYNC: ReasonFacts(status_code=0x80050000, hj212="B", words=text("answer out of step")),
    Reason.UNDER_RANGE: ReasonFacts(status_code=0x803C0000, hj212="T", words=text("below the signal range")),
    Reason.OVER_RANGE: ReasonFacts(status_code=0x803C0000, hj212="T", words=text("above the signal range")),
    Reason.IMPLAUSIBLE: ReasonFacts(status_code=0x803C0000, hj212="T", words=text("implausible value")),
    Reason.SENTINEL: ReasonFacts(status_code=0x808B0000, hj212="D", words=text("device reports a code")),
    Reason.NOT_A_NUMBER: ReasonFacts(status_code=0x808C0000, hj212="D", words=text("not a number")),
    Reason.STUCK: ReasonFacts(status_code=0x408F0000, hj212="D", words=text("stuck")),
    Reason.RATE: ReasonFacts(status_code=0x40940000, hj212="T", words=text("changes too fast")),
    Reason.SKEW: ReasonFacts(status_code=0x40940000, hj212="D", words=text("inputs too far apart in time")),
    Reason.FENCED: ReasonFacts(
        status_code=0x80040000, hj212="B", words=text("address not served by the device")
    ),
    Reason.STALE: ReasonFacts(status_code=0x80310000, hj212="B", words=text("not renewed in time")),
    Reason.SERVER: ReasonFacts(status_code=0x80000000, hj212="D", words=text("server reports bad status")),
    Reason.UNDECODABLE: ReasonFacts(status_code=0x80070000, hj212="D", words=text("cannot be decoded")),
    Reason.RESYNC: ReasonFacts(status_code=0x40900000, hj212="N", words=text("first reading after a resync")),
    Reason.DEMOTED: ReasonFacts(status_code=0x80310000, hj212="B", words=text("not asked, silent of late")),
    Reason.NO_HEARTBEAT: ReasonFacts(status_code=0x808B0000, hj212="D", words=text("heartbeat stands still")),
    Reason.INPUT: ReasonFacts(status_code=0x80000000, hj212="D", words=text("an input has no good value")),
    Reason.FILLING: ReasonFacts(status_code=0x80320000, hj212="B", words=text("its window is not yet full")),
}

_MISCONDUCT: Final[dict[int, Text]] = {
    Misconduct.SILENT: text("Bad: the device falls silent at this address, asked again every 1 to 60 min"),
    Misconduct.GARBLED: text("Bad: the device answers wrongly at this address, asked again at least hourly"),
    Misconduct.HUNG_UP: text("Bad: the device hangs up at this address, asked again at least hourly"),
}


def quality(
    severity: QualityClass, reason: Reason = Reason.NONE, *, detail: int = 0, flags: int = Flag.NONE
) -> int:
    """Pack one quality word; `detail` is 0..4095."""
    return (
        severity << CLASS_SHIFT
        | (detail & DETAIL_MASK) << DETAIL_SHIFT
        | reason << REASON_SHIFT
        | (flags & FLAGS_MASK)
    )


def bad(reason: Reason, *, detail: int = 0) -> int:
    """Pack a Bad quality."""
    return quality(QualityClass.BAD, reason, detail=detail)


def uncertain(reason: Reason, *, detail: int = 0) -> int:
    """Pack an Uncertain quality."""
    return quality(QualityClass.UNCERTAIN, reason, detail=detail)


def class_of(word: int) -> QualityClass:
    """Return the class of a quality word; the reserved severity 3 counts as Bad."""
    return QualityClass(min(word >> CLASS_SHIFT, QualityClass.BAD))


def reason_of(word: int) -> Reason:
    """Return the reason of a quality word."""
    return Reason((word >> REASON_SHIFT) & REASON_MASK)


def detail_of(word: int) -> int:
    """Return the detail of a quality word."""
    return (word >> DETAIL_SHIFT) & DETAIL_MASK


GOOD: Final = 0
NOT_YET_READ: Final = bad(Reason.NOT_YET_READ)


def opcua_status(word: int) -> int:
    """Return the OPC UA StatusCode that says what a quality word says."""
    reason = reason_of(word)
    if reason is Reason.SERVER:
        return (word & 0xC0000000) | detail_of(word) << 16
    if class_of(word) is QualityClass.GOOD:
        return 0
    return REASONS[reason].status_code


def describe(word: int, meaning: str = "") -> Text:
    """Return a quality word for people: class, reason and, where there is one, the code.

    `meaning`: what the plant says of the raw number, where that is a code.
    """
    names = {
        QualityClass.GOOD: text("Good"),
        QualityClass.UNCERTAIN: text("Uncertain"),
        QualityClass.BAD: text("Bad"),
    }
    severity, reason, detail = class_of(word), reason_of(word), detail_of(word)
    if reason is Reason.NONE:
        return names[severity]
    if reason is Reason.FENCED:
        return _MISCONDUCT.get(detail) or text(
            "Bad: address refused by the device (exception {code}), asked again at least hourly",
            code=detail,
        )
    if reason is Reason.SENTINEL and meaning:
        return text('{severity}: device reports "{meaning}"', severity=names[severity], meaning=meaning)
    if detail:
        return text(
            "{severity}: {reason} (code {code})",
            severity=names[severity],
            reason=REASONS[reason].words,
            code=f"0x{detail:X}",
        )
    return text("{severity}: {reason}", severity=names[severity], reason=REASONS[reason].words)


class Stream(IntEnum):
    """The two streams of the log, each with limits and a sequence of its own."""

    EVENTS = 1
    READINGS = 2


class RecordKind(IntEnum):
    """What a record of the log is; the numbers are on disk and never change."""

    TAGS = 1
    ANCHOR = 2
    STATE = 3
    LOSS = 4
    DATA = 16
    EVENT = 17
    GAP = 18
    WINDOW = 19


class Priority(StrEnum):
    """Alarm priorities (ISA-18.2), most urgent first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Limit(StrEnum):
    """Alarm limits of a tag."""

    LL = "LL"
    L = "L"
    H = "H"
    HH = "HH"


class Withheld(StrEnum):
    """Why an event is kept but is not to be told as an alarm; the names are sent and never change.

    ISA-18.2: out of service, shelved, suppressed by design; muted: our own notification of an interlock.
    """

    MAINTENANCE = "maintenance"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    MUTED = "muted"


class Voting(StrEnum):
    """MooN voting (IEC 61511): so many of how many inputs must say so."""

    ONE_OF_ONE = "1oo1"
    ONE_OF_TWO = "1oo2"
    TWO_OF_TWO = "2oo2"
    TWO_OF_THREE = "2oo3"

    @property
    def needed(self) -> int:
        """M."""
        return int(self.value[0])

    @property
    def inputs(self) -> int:
        """N."""
        return int(self.value[-1])


class WitnessState(StrEnum):
    """What the interlock witness can say of one interlock."""

    DISARMED = "disarmed"
    ARMED = "armed"
    DEMAND = "demand"
    PROVEN = "proven"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"
    UNKNOWN = "unknown"
    BYPASSED = "bypassed"


class EventKind(StrEnum):
    """Every kind of event that the agent records; the names are sent and never change."""

    ALARM_RAISED = "alarm_raised"
    ALARM_CLEARED = "alarm_cleared"
    ALARM_REPEATED = "alarm_repeated"
    ALARM_LATCHED = "alarm_latched"
    ALARM_CHATTER = "alarm_chatter"
    ALARM_CHATTER_ENDED = "alarm_chatter_ended"
    ALARM_FLOOD = "alarm_flood"
    ALARM_FLOOD_ENDED = "alarm_flood_ended"
    ALARM_SHELF_ENDED = "alarm_shelf_ended"
    MAINTENANCE_ENDED = "maintenance_ended"
    OPERATOR_ACTION = "operator_action"
    OPERATOR_REFUSED = "operator_refused"
    INTERLOCK_ARMED = "interlock_armed"
    INTERLOCK_DISARMED = "interlock_disarmed"
    INTERLOCK_DEMAND = "interlock_demand"
    INTERLOCK_PROVEN = "interlock_proven"
    INTERLOCK_FAILED = "interlock_failed"
    INTERLOCK_INDETERMINATE = "interlock_indeterminate"
    INTERLOCK_SPURIOUS = "interlock_spurious"
    INTERLOCK_UNKNOWN = "interlock_unknown"
    INTERLOCK_BYPASSED = "interlock_bypassed"
    INTERLOCK_BYPASS_ENDED = "interlock_bypass_ended"
    INTERLOCK_CLEARED = "interlock_cleared"
    INTERLOCK_NOT_READY = "interlock_not_ready"
    INTERLOCK_READY = "interlock_ready"
    INTERLOCK_PROOF_DUE = "interlock_proof_due"
    INTERLOCK_MUTE_ENDED = "interlock_mute_ended"
    DEMAND_INTERRUPTED = "demand_interrupted"
    AGENT_STARTED = "agent_started"
    AGENT_STOPPED = "agent_stopped"
    DEVICE_LOST = "device_lost"
    DEVICE_RESTORED = "device_restored"
    UPLINK_LOST = "uplink_lost"
    UPLINK_RESTORED = "uplink_restored"
    UPLINK_ADDED = "uplink_added"
    UPLINK_REMOVED = "uplink_removed"
    QUARANTINED = "quarantined"
    DEGRADED = "degraded"
    DEGRADED_ENDED = "degraded_ended"
    CLOCK_STEP = "clock_step"
    MAINS_LOST = "mains_lost"
    MAINS_RESTORED = "mains_restored"
    DAILY_SUMMARY = "daily_summary"
    OVERLOAD = "overload"
    OVERLOAD_ENDED = "overload_ended"
    RUNNING_OUT = "running_out"
    STATE_LOST = "state_lost"


class LossCause(StrEnum):
    """Why records or readings were destroyed."""

    CAP = "cap"
    DISK_FULL = "disk_full"
    DAMAGED = "damaged"
    TORN_TAIL = "torn_tail"
    PRESSURE = "pressure"
    DISCARDED = "discarded"
