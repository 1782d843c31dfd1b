from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from agent.bodies import RecordError
from agent.findings import pack_event
from agent.gap import CAUSES, GapBody, GapCause, Moment, pack_gap
from agent.platforms.contract import Presence
from agent.platforms.fengsui1 import TAGS_PER_META
from agent.receive.schema import fault_of
from agent.uplinks.contract import Message
from buffer.record import Record
from config.text import text
from config.vocabulary import EventKind, Priority, Reason, RecordKind, bad
from drivers.contract import Stamps
from filters.event import Event, Evidence
from tests.records.messages import ANCHOR, BOOT, CODEC, RUN, on_events, readings
from tests.records.plants import dictionary_of, tag, tenths

WATER = dictionary_of(
    tag("mould_q_in", title="结晶器进水流量", scale=0.01, unit="m3/h", ll=20.0),
    tag("mould_p_in", unit="MPa"),
    interlocks=[
        {
            "name": "cut",
            "title": "冷却水联锁",
            "cause": {"tag": "mould_q_in", "below": 20},
            "effects": [{"tag": "mould_p_in", "equals": 1, "within": "3s"}],
        }
    ],
)


def opened(message: Message) -> dict[str, Any]:
    """The message's content, which must obey the schema of its kind."""
    content: dict[str, Any] = orjson.loads(message.payload)
    assert fault_of(content["kind"], content) is None
    return content


def event(kind: EventKind, rule: str, *evidence: Evidence, **figures: float | str) -> Event:
    return Event(
        kind=kind,
        rule=rule,
        priority=Priority.CRITICAL,
        boot_ns=4_000_000_000,
        scan_boot_ns=4_100_000_000,
        evidence=evidence,
        figures=dict(figures),
    )


def seen(raw: float, value: float, quality: int = 0) -> Evidence:
    return Evidence(tag=0, raw=raw, value=value, quality=quality, boot_ns=3_900_000_000)


def test_the_examples_of_the_specification_obey_it() -> None:
    page = (Path(__file__).parents[2] / "docs" / "messages.md").read_text(encoding="utf-8")
    examples = re.findall(r"```json\n(.+?)```", page, flags=re.DOTALL)
    assert examples
    for example in examples:
        content = orjson.loads(example)
        assert fault_of(content["kind"], content) is None


def test_readings_carry_their_key_their_scan_and_every_number() -> None:
    content = opened(CODEC.encode(readings(WATER, [1234.0, -0.0], seq=7), WATER, ANCHOR, backfill=True))
    assert [content[key] for key in ("enterprise", "gateway", "run", "stream", "seq")] == [
        "91130300MA00000009",
        "casting-1",
        f"{RUN:016x}",
        "readings",
        7,
    ]
    assert content["backfill"] is True
    clock = {"state": "synchronised", "source": "kernel", "boot_id": BOOT, "uncertainty_ms": None}
    assert content["clock"] == clock
    assert content["meta"] == WATER.meta
    assert content["scan"] == {"utc_ms": 1_795_334_399_000.0, "boot_ms": 4000.0}
    assert content["columns"] == ["tag", "raw", "value", "quality"]
    assert content["rows"] == [[0, 1234.0, 12.34, 0], [1, 0.0, 0.0, 0]]
    assert math.copysign(1, content["rows"][1][1]) == -1
    assert content["ledger"] == {"scanned": 19, "recorded": 14, "suppressed": {"deadband": 5}}
    assert "exact" not in content


def test_what_json_has_no_number_for_is_null_and_stands_beside_in_words() -> None:
    dictionary = tenths(5)
    raw = [math.nan, math.inf, -math.inf, float(2**64), 1.0]
    record = readings(dictionary, raw, exact={3: 2**64 - 1, 4: "炉 1"}, quality=bad(Reason.NOT_A_NUMBER))
    content = opened(CODEC.encode(record, dictionary, ANCHOR, backfill=False))
    assert [row[1] for row in content["rows"][:3]] == [None, None, None]
    assert content["exact"] == {"1": "Infinity", "2": "-Infinity", "3": str(2**64 - 1), "4": "炉 1"}


def test_the_device_s_times_are_columns_of_their_own_and_null_where_it_gave_none() -> None:
    dictionary = tenths(2)
    at_ns = 1_795_334_400_123_456_789
    stamps = Stamps(source_utc_ns=np.array([at_ns, 0]), server_utc_ns=np.array([0, at_ns + 10**6]))
    record = readings(dictionary, [1.0, 2.0], stamps=stamps)
    content = opened(CODEC.encode(record, dictionary, ANCHOR, backfill=False))
    assert content["columns"][4:] == ["source_utc_ms", "server_utc_ms"]
    assert [row[4] for row in content["rows"]] == [1_795_334_400_123.457, None]
    assert [row[5] for row in content["rows"]] == [None, 1_795_334_400_124.457]


def test_a_record_is_dated_by_the_anchor_of_the_moment_of_sending() -> None:
    record = readings(WATER, [1.0])
    unsure = replace(ANCHOR, synchronised=False, utc_ns=0, source="none")
    before = opened(CODEC.encode(record, WATER, unsure, backfill=False))
    after = opened(CODEC.encode(record, WATER, ANCHOR, backfill=True))
    assert before["clock"]["state"] == "unsynchronised"
    assert before["scan"] == {"utc_ms": -1000.0, "boot_ms": 4000.0}
    assert after["scan"] == {"utc_ms": 1_795_334_399_000.0, "boot_ms": 4000.0}


def test_without_any_anchor_the_time_is_said_to_be_unknown() -> None:
    content = opened(CODEC.encode(readings(WATER, [1.0]), WATER, None, backfill=False))
    assert content["clock"]["state"] == "unknown"
    assert content["scan"] == {"utc_ms": None, "boot_ms": 4000.0}


def test_an_event_is_understood_without_any_other_message() -> None:
    body = pack_event(event(EventKind.INTERLOCK_DEMAND, "cut", seen(1234.0, 12.34), limit=20.0), WATER)
    content = opened(CODEC.encode(on_events(RecordKind.EVENT, body), None, ANCHOR, backfill=False))
    assert content["event"] == "interlock_demand"
    assert content["title"] == "冷却水联锁"
    assert content["priority"] == "critical"
    assert content["figures"] == {"limit": 20.0}
    assert content["scan"] == {"utc_ms": 1_795_334_399_100.0, "boot_ms": 4100.0}
    (evidence,) = content["evidence"]
    assert evidence["tag"] == "mould_q_in"
    assert (evidence["raw"], evidence["value"], evidence["unit"]) == (1234.0, 12.34, "m3/h")
    assert evidence["scan"]["boot_ms"] == 3900.0
    assert "12.34 m3/h" in content["text"]["en"]
    assert "结晶器进水流量" in content["text"]["zh"]
    assert "联锁" in content["text"]["zh"]


@pytest.mark.parametrize(
    ("kind", "rule", "en", "zh"),
    [
        (
            EventKind.ALARM_RAISED,
            "mould_q_in.HH",
            "12.34 m3/h, at or above its very high limit of 12 m3/h",
            "为 12.34 m3/h，达到高高限 12 m3/h",
        ),
        (
            EventKind.ALARM_RAISED,
            "mould_q_in.L",
            "12.34 m3/h, at or below its low limit of 12 m3/h",
            "为 12.34 m3/h，达到低限 12 m3/h",
        ),
        (
            EventKind.ALARM_CLEARED,
            "mould_q_in.HH",
            "12.34 m3/h; the limit is 12 m3/h",
            "为 12.34 m3/h（限值 12 m3/h）",
        ),
    ],
)
def test_an_alarm_says_by_which_limit_and_whose_it_is(kind: EventKind, rule: str, en: str, zh: str) -> None:
    body = pack_event(event(kind, rule, seen(1234.0, 12.34), limit=12.0), WATER)
    content = opened(CODEC.encode(on_events(RecordKind.EVENT, body), None, ANCHOR, backfill=False))
    assert content["title"] == "结晶器进水流量"
    assert content["text"]["en"].endswith(en)
    assert content["text"]["zh"].endswith(zh)


def test_bad_evidence_says_why_in_both_languages() -> None:
    found = seen(math.inf, math.nan, bad(Reason.TIMEOUT))
    body = pack_event(event(EventKind.ALARM_RAISED, "mould_q_in.bad", found), WATER)
    content = opened(CODEC.encode(on_events(RecordKind.EVENT, body), None, ANCHOR, backfill=False))
    (evidence,) = content["evidence"]
    assert (evidence["raw"], evidence["value"]) == (None, None)
    assert evidence["exact"] == {"raw": "Infinity"}
    assert "no answer in time" in evidence["quality_text"]["en"]
    assert "no answer in time" in content["text"]["en"]


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_of_event_has_its_sentence_in_both_languages(kind: EventKind) -> None:
    body = pack_event(event(kind, "plc", user="operator", why="test", raised=3), WATER, text("closed"))
    content = opened(CODEC.encode(on_events(RecordKind.EVENT, body), None, ANCHOR, backfill=False))
    assert content["text"]["en"] != content["text"]["zh"]
    assert "{" not in content["text"]["en"] + content["text"]["zh"]


def test_a_gap_that_began_before_the_last_boot_is_dated_by_what_was_believed_then() -> None:
    gap = GapBody(
        cause=GapCause.HOST_DOWN_UNCLEAN,
        start=Moment(boot_id="f" * 32, boot_ns=9_000_000_000, utc_ns=1_795_334_000_000_000_000),
        end=Moment(boot_id=BOOT, boot_ns=4_000_000_000, utc_ns=0),
    )
    body = pack_gap(gap)
    content = opened(CODEC.encode(on_events(RecordKind.GAP, body), None, ANCHOR, backfill=False))
    assert content["start"] == {"utc_ms": 1_795_334_000_000.0, "boot_ms": 9000.0}
    assert content["end"] == {"utc_ms": 1_795_334_399_000.0, "boot_ms": 4000.0}
    assert content["device"] is content["link"] is content["uplink"] is None
    assert content["text"]["en"] == "no data from the whole gateway until now: the machine went down"


def test_a_gap_that_begins_has_no_end_yet() -> None:
    start = Moment(boot_id=BOOT, boot_ns=4_000_000_000, utc_ns=0)
    gap = GapBody(cause=GapCause.PLATFORM_REFUSED, uplink="county", start=start, end=None)
    content = opened(CODEC.encode(on_events(RecordKind.GAP, pack_gap(gap)), None, ANCHOR, backfill=False))
    assert content["end"] == {"utc_ms": None, "boot_ms": None}
    assert content["text"]["zh"] == "上行通道 county 自此无数据：平台拒绝"


def test_a_step_of_the_clock_is_dated_by_what_was_believed_before_and_after() -> None:
    start = Moment(boot_id=BOOT, boot_ns=4_000_000_000, utc_ns=43_200_000_000_000)
    gap = GapBody(cause=GapCause.CLOCK_STEP, start=start, end=replace(start, utc_ns=0))
    content = opened(CODEC.encode(on_events(RecordKind.GAP, pack_gap(gap)), None, ANCHOR, backfill=False))
    assert (content["start"]["utc_ms"], content["end"]["utc_ms"]) == (43_200_000, 0)
    assert content["text"]["en"] == "the clock stepped by -43200.0 s; nothing is missing"


@pytest.mark.parametrize("cause", list(GapCause))
def test_every_cause_of_a_gap_has_its_words_in_both_languages(cause: GapCause) -> None:
    assert CAUSES[cause].show("en") != CAUSES[cause].show("zh")


@pytest.mark.parametrize(("uplink", "ours"), [("province", True), ("", True), ("county", False)])
def test_a_loss_says_whether_the_receiver_is_meant(uplink: str, ours: bool) -> None:
    lost = {"run": RUN, "stream": "readings", "first": 3, "last": 9, "count": 7, "readings": 700}
    body = orjson.dumps({"uplink": uplink, "cause": "cap", **lost})
    content = opened(CODEC.encode(on_events(RecordKind.LOSS, body), None, ANCHOR, backfill=False))
    assert content["ours"] is ours
    assert content["lost"]["run"] == f"{RUN:016x}"
    assert (content["lost"]["first"], content["lost"]["last"], content["lost"]["records"]) == (3, 9, 7)


def test_the_dictionary_comes_in_parts_and_explains_the_quality_word() -> None:
    dictionary = tenths(2 * TAGS_PER_META + 1)
    parts = list(CODEC.meta(dictionary, current=True))
    assert [part.kind for part in parts] == ["meta", "meta/2", "meta/3"]
    assert all(part.retain for part in parts)
    contents = [opened(part) for part in parts]
    assert [row["tag"] for content in contents for row in content["tags"]] == list(
        range(2 * TAGS_PER_META + 1)
    )
    assert {content["meta"] for content in contents} == {dictionary.meta}
    reasons = {row["code"]: row for row in contents[0]["quality"]["reasons"]}
    assert reasons[Reason.TIMEOUT]["hj212"] == "B"
    assert contents[0]["quality"]["flags"]["maintenance"] == 1
    assert not next(CODEC.meta(dictionary, current=False)).retain


def test_a_plant_without_tags_still_has_a_dictionary() -> None:
    (part,) = CODEC.meta(tenths(0), current=True)
    assert opened(part)["tags"] == []


def test_presence_is_retained_and_so_is_the_last_will() -> None:
    presence = Presence(run=RUN, online=True, reason="connected", boot_ns=0, anchor=ANCHOR, balances={})
    online, will = CODEC.status(presence), CODEC.last_will(RUN)
    assert online.retain
    assert will.retain
    assert opened(online)["state"] == "online"
    assert opened(will)["state"] == "offline"
    assert opened(will)["at"] == {"utc_ms": None, "boot_ms": None}


@pytest.mark.parametrize(
    "record",
    [
        on_events(RecordKind.EVENT, b"{}"),
        on_events(RecordKind.GAP, b"not json"),
        on_events(RecordKind.LOSS, b"[]"),
        on_events(RecordKind.DATA, b""),
        on_events(RecordKind.TAGS, b"{}"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_record_error(record: Record) -> None:
    with pytest.raises(RecordError):
        CODEC.encode(record, WATER, ANCHOR, backfill=False)


def test_readings_without_their_dictionary_are_a_record_error() -> None:
    with pytest.raises(RecordError, match="dictionary"):
        CODEC.encode(readings(WATER, [1.0]), None, ANCHOR, backfill=False)


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_of_event_stands_in_the_specification(kind: EventKind) -> None:
    specification = Path(__file__).parents[2] / "docs" / "messages.md"
    assert f"`{kind.value}`" in specification.read_text(encoding="utf-8")


def test_the_dictionary_says_what_states_and_codes_mean_and_what_devices_are_called() -> None:
    valve = tag("valve", enum={0: "正常", 1: "报警"}, sentinels={7777: "备用"})
    content = opened(next(iter(CODEC.meta(dictionary_of(valve), current=True))))
    (told,) = content["tags"]
    assert told["enum"] == {"0.0": "正常", "1.0": "报警"}
    assert told["sentinels"] == {"7777.0": "备用"}
    assert content["devices"] == {"plc": ""}
