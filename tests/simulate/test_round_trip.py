"""What a simulated device holds, the real driver reads back: every type, order, table, scale and bit."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.simulate.course import Still
from agent.simulate.scenario import Scenario
from agent.simulate.story import Story
from agent.simulate.unit import SimulatedUnit
from agent.simulate.values import Value, held
from config.links import WordOrder
from config.plant import Plant
from config.tags import Tag, ValueType
from config.vocabulary import GOOD, Reason, reason_of
from drivers.contract import checksum_of
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.frame import Answer, ReadRequest
from drivers.modbus.guard import GuardedLink
from tests.drivers.contract_suite import plant_of, tag_of

REGISTERS = ("hr", "ir")
TEXT_WORDS = 6
PRINTABLE = "".join(map(chr, range(32, 127)))


class DirectLink(GuardedLink):
    """A link that asks the unit itself."""

    unit: SimulatedUnit

    async def read(self, request: ReadRequest, counters: object, **_: object) -> Answer:
        payload = self.unit.read(request.function_code, request.address, request.count)
        assert isinstance(payload, bytes)
        return Answer(payload=payload, resync=False)


def read_back(plant: Plant, values: dict[str, Value]) -> dict[str, tuple[float, int, Any]]:
    """Return raw, quality and exact value of every tag, as the driver has them."""
    scenario = Scenario(courses={name: Still(value) for name, value in values.items()})
    link = DirectLink(plant.description.links["wire"])  # type: ignore[arg-type]
    link.unit = SimulatedUnit(Story(plant, scenario, lambda: 0.0), "plc", alone=True)
    driver = ModbusDriver(plant, "plc", link)
    (group,) = plant.groups
    scan = asyncio.run(driver.scan(group))
    return {
        tag.tag: (float(scan.raw[at]), int(scan.quality[at]), scan.exact.get(at))
        for at, tag in enumerate(plant.tags_of(group))
    }


def numbers_of(kind: ValueType) -> st.SearchStrategy[Value]:
    finite = {"allow_nan": False, "allow_infinity": False}
    special: dict[ValueType, st.SearchStrategy[Value]] = {
        ValueType.BOOL: st.booleans(),
        ValueType.FLOAT16: st.floats(width=16, **finite),
        ValueType.FLOAT32: st.floats(width=32, **finite),
        ValueType.FLOAT64: st.floats(**finite),
        ValueType.BCD16: st.integers(0, 9999),
        ValueType.BCD32: st.integers(0, 99_999_999),
        ValueType.TENTHS: st.integers(0, 2559).map(lambda tenths: tenths / 10),
        ValueType.HUNDREDTHS: st.integers(0, 25599).map(lambda hundredths: hundredths / 100),
        ValueType.ASCII: st.text(PRINTABLE, max_size=2 * TEXT_WORDS).map(str.rstrip),
        ValueType.GBK: st.text(PRINTABLE + "风机压力温度", max_size=TEXT_WORDS // 2).map(str.rstrip),
    }
    if kind in special:
        return special[kind]
    low = -(2 ** (kind.bits - 1)) if kind.value.startswith("int") else 0
    return st.integers(low, low + 2**kind.bits - 1)


@st.composite
def tags_with_values(draw: st.DrawFn) -> tuple[list[Tag], dict[str, Value], bool]:
    """Return tags that lie behind one another in a table, with the value of each."""
    order = draw(st.sampled_from(WordOrder))
    tags: list[Tag] = []
    values: dict[str, Value] = {}
    at = draw(st.integers(0, 200))
    for number in range(draw(st.integers(1, 20))):
        kind = draw(st.sampled_from(ValueType))
        table = draw(st.sampled_from(("co", "di", *REGISTERS) if kind is ValueType.BOOL else REGISTERS))
        bit = draw(st.sampled_from(["", ".0", ".7", ".8", ".15"])) if kind is ValueType.BOOL else ""
        address = f"{table}:{at}{bit if table in REGISTERS else ''}"
        length = TEXT_WORDS if kind.is_text else None
        own = draw(st.sampled_from([None, order]))
        tags.append(tag_of(f"t{number}", address, kind, word_order=own, length=length))
        values[f"t{number}"] = draw(numbers_of(kind))
        at += tags[-1].words + draw(st.integers(0, 30))
    return tags, values, draw(st.booleans())


@settings(max_examples=150)
@given(tags_with_values())
def test_what_is_simulated_is_read_back(drawn: tuple[list[Tag], dict[str, Value], bool]) -> None:
    tags, values, swapped = drawn
    order = WordOrder.DCBA if swapped else WordOrder.ABCD
    plant = plant_of({"type": "modbus-tcp", "host": "127.0.0.1"}, tags, word_order=order)
    for name, (raw, quality, exact) in read_back(plant, values).items():
        assert quality == GOOD
        value = values[name]
        assert raw == (checksum_of(value) if isinstance(value, str) else float(value))
        assert exact == value if isinstance(value, str) else exact in (None, value)


def test_bits_of_one_register_and_the_register_itself_do_not_disturb_one_another() -> None:
    tags = [tag_of("word", "hr:0"), *(tag_of(f"b{bit}", f"hr:0.{bit}", ValueType.BOOL) for bit in range(16))]
    plant = plant_of({"type": "modbus-tcp", "host": "127.0.0.1"}, tags)
    bits = {f"b{bit}": bool(0xA53C >> bit & 1) for bit in range(16)}
    found = read_back(plant, {"word": 0} | bits)
    assert {name: bool(found[name][0]) for name in bits} == bits
    assert found["word"][0] == 0xA53C


def test_masked_bits_of_one_register_do_not_disturb_one_another() -> None:
    masks = {"state": 0x000F, "level": 0x03F0, "mode": 0xF000}
    tags = [tag_of(name, "hr:0", mask=mask) for name, mask in masks.items()]
    tags += [
        tag_of("long", "hr:1", ValueType.UINT32, mask=0x00FFFF00),
        tag_of("b", "hr:0.11", ValueType.BOOL),
    ]
    for order in WordOrder:
        plant = plant_of({"type": "modbus-tcp", "host": "127.0.0.1"}, tags, word_order=order)
        values: dict[str, Value] = {"state": 9, "level": 33, "mode": 5, "long": 0xABCD, "b": True}
        assert {name: found[0] for name, found in read_back(plant, values).items()} == values


@pytest.mark.parametrize("kind", [ValueType.FLOAT16, ValueType.FLOAT32, ValueType.FLOAT64])
def test_what_is_not_a_number_is_read_so(kind: ValueType) -> None:
    plant = plant_of({"type": "modbus-tcp", "host": "127.0.0.1"}, [tag_of("t", "hr:0", kind)])
    raw, quality, _ = read_back(plant, {"t": math.nan})["t"]
    assert math.isnan(raw)
    assert reason_of(quality) is Reason.NOT_A_NUMBER


@pytest.mark.parametrize(
    ("kind", "value", "nearest"),
    [
        (ValueType.UINT16, -3.2, 0),
        (ValueType.UINT16, 41.6, 42),
        (ValueType.UINT16, 1e9, 65535),
        (ValueType.INT16, -1e9, -32768),
        (ValueType.INT64, 2**53 + 1, 2**53 + 1),
        (ValueType.UINT64, 1e30, 2**64 - 1),
        (ValueType.INT32, math.nan, 0),
        (ValueType.BOOL, 0.5, True),
        (ValueType.BOOL, 0, False),
        (ValueType.FLOAT32, 0.1, 0.1),
        (ValueType.FLOAT32, -1e39, -math.inf),
        (ValueType.BCD16, 12345, 9999),
        (ValueType.TENTHS, 20.94, 20.9),
        (ValueType.HUNDREDTHS, 300, 255.99),
        (ValueType.GBK, "风机", "风机"),
    ],
)
def test_a_type_holds_the_nearest_number_that_it_can(kind: ValueType, value: Value, nearest: Value) -> None:
    assert held(value, kind) == nearest
