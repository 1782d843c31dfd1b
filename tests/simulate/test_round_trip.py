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
from agent.simulate.values import held
from config.links import WordOrder
from config.plant import Plant
from config.tags import Tag, ValueType
from config.vocabulary import GOOD, Reason, reason_of
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.frame import Answer, ReadRequest
from drivers.modbus.guard import GuardedLink
from tests.drivers.contract_suite import plant_of, tag_of

REGISTERS = ("hr", "ir")
LARGEST_FLOAT32 = 3.4028234663852886e38


class DirectLink(GuardedLink):
    """A link that asks the unit itself."""

    unit: SimulatedUnit

    async def read(self, request: ReadRequest, counters: object) -> Answer:
        payload = self.unit.read(request.function_code, request.address, request.count)
        assert isinstance(payload, bytes)
        return Answer(payload=payload, resync=False)


def read_back(plant: Plant, values: dict[str, float]) -> dict[str, tuple[float, int, Any]]:
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


def numbers_of(kind: ValueType) -> st.SearchStrategy[float]:
    if kind is ValueType.BOOL:
        return st.booleans()
    if kind is ValueType.FLOAT32:
        return st.floats(width=32, allow_nan=False, allow_infinity=False)
    if kind is ValueType.FLOAT64:
        return st.floats(allow_nan=False, allow_infinity=False)
    low = -(2 ** (kind.bits - 1)) if kind.value.startswith("int") else 0
    return st.integers(low, low + 2**kind.bits - 1)


@st.composite
def tags_with_values(draw: st.DrawFn) -> tuple[list[Tag], dict[str, float], bool]:
    """Return tags that lie behind one another in a table, with the value of each."""
    order = draw(st.sampled_from(WordOrder))
    tags: list[Tag] = []
    values: dict[str, float] = {}
    at = draw(st.integers(0, 200))
    for number in range(draw(st.integers(1, 20))):
        kind = draw(st.sampled_from(ValueType))
        table = draw(st.sampled_from(("co", "di", *REGISTERS) if kind is ValueType.BOOL else REGISTERS))
        bit = draw(st.sampled_from(["", ".0", ".7", ".8", ".15"])) if kind is ValueType.BOOL else ""
        address = f"{table}:{at}{bit if table in REGISTERS else ''}"
        tags.append(tag_of(f"t{number}", address, kind, word_order=draw(st.sampled_from([None, order]))))
        values[f"t{number}"] = draw(numbers_of(kind))
        at += kind.words + draw(st.integers(0, 30))
    return tags, values, draw(st.booleans())


@settings(max_examples=150)
@given(tags_with_values())
def test_what_is_simulated_is_read_back(drawn: tuple[list[Tag], dict[str, float], bool]) -> None:
    tags, values, swapped = drawn
    order = WordOrder.DCBA if swapped else WordOrder.ABCD
    plant = plant_of({"type": "modbus-tcp", "host": "127.0.0.1"}, tags, word_order=order)
    for name, (raw, quality, exact) in read_back(plant, values).items():
        assert quality == GOOD
        assert raw == float(values[name])
        assert exact in (None, values[name])


def test_bits_of_one_register_and_the_register_itself_do_not_disturb_one_another() -> None:
    tags = [tag_of("word", "hr:0"), *(tag_of(f"b{bit}", f"hr:0.{bit}", ValueType.BOOL) for bit in range(16))]
    plant = plant_of({"type": "modbus-tcp", "host": "127.0.0.1"}, tags)
    bits = {f"b{bit}": bool(0xA53C >> bit & 1) for bit in range(16)}
    found = read_back(plant, {"word": 0} | bits)
    assert {name: bool(found[name][0]) for name in bits} == bits
    assert found["word"][0] == 0xA53C


@pytest.mark.parametrize("kind", [ValueType.FLOAT32, ValueType.FLOAT64])
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
    ],
)
def test_a_type_holds_the_nearest_number_that_it_can(kind: ValueType, value: float, nearest: float) -> None:
    assert held(value, kind) == nearest
