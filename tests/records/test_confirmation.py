from __future__ import annotations

import orjson
import pytest

from agent.platforms.confirmation import (
    MOST_RANGES,
    ConfirmationError,
    Confirmed,
    pack_confirmation,
    unpack_confirmation,
)
from agent.receive.schema import fault_of
from config.vocabulary import Stream

RUN = f"{7:016x}"
GOOD = [(RUN, "readings", 1, 20), (RUN, "events", 3, 3)]


def altered(**members: object) -> bytes:
    return orjson.dumps(orjson.loads(pack_confirmation("e", "g", GOOD)) | members)


def test_what_a_platform_confirms_is_understood_and_keeps_to_the_schema() -> None:
    payload = pack_confirmation("e", "g", GOOD)
    assert fault_of("ack", orjson.loads(payload)) is None
    assert unpack_confirmation(payload, "e", "g") == [
        Confirmed(run=7, stream=Stream.READINGS, first=1, last=20),
        Confirmed(run=7, stream=Stream.EVENTS, first=3, last=3),
    ]


def test_what_is_confirmed_to_another_gateway_is_not_ours() -> None:
    assert unpack_confirmation(pack_confirmation("e", "other", GOOD), "e", "g") == []
    assert unpack_confirmation(pack_confirmation("other", "g", GOOD), "e", "g") == []


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 60_000,
        b"{" + b" " * 70_000 + b"}",
        altered(schema="fengsui/2"),
        altered(kind="readings"),
        altered(ranges=[[RUN, "readings", 1]]),
        altered(ranges=[[RUN, "readings", "1", "2"]]),
        altered(ranges=[[RUN, "orders", 1, 2]]),
        altered(ranges=[["not hexadecimal!", "readings", 1, 2]]),
        altered(ranges=[[RUN, "readings", 1, 2]] * (MOST_RANGES + 1)),
        altered(ranges={"all": True}),
    ],
)
def test_whatever_else_stands_on_the_topic_confirms_nothing(payload: bytes) -> None:
    with pytest.raises(ConfirmationError):
        unpack_confirmation(payload, "e", "g")
