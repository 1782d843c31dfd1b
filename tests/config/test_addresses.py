"""What addresses mean, and which are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.address import ModbusAddress, NodeAddress, parse_modbus, parse_node_id
from config.faults import WrongValue

GUID = "09087e75-8e5e-499b-954f-f2a9603db28a"


@pytest.mark.parametrize(
    ("address", "base", "meaning", "function_code"),
    [
        ("hr:100", 0, ModbusAddress("hr", 100), 3),
        ("hr:100", 1, ModbusAddress("hr", 99), 3),
        ("HR:0x2600", 0, ModbusAddress("hr", 0x2600), 3),
        ("ir:5", 0, ModbusAddress("ir", 5), 4),
        ("co:3", 1, ModbusAddress("co", 2), 1),
        ("di:3", 0, ModbusAddress("di", 3), 2),
        ("hr:100.15", 0, ModbusAddress("hr", 100, 15), 3),
        ("hr：１００", 0, ModbusAddress("hr", 100), 3),
        ("40001", 0, ModbusAddress("hr", 0), 3),
        ("40001", 1, ModbusAddress("hr", 0), 3),
        ("40001.3", 0, ModbusAddress("hr", 0, 3), 3),
        ("465536", 0, ModbusAddress("hr", 65535), 3),
        ("30005", 0, ModbusAddress("ir", 4), 4),
        ("10001", 0, ModbusAddress("di", 0), 2),
        ("00017", 0, ModbusAddress("co", 16), 1),
        ("000017", 0, ModbusAddress("co", 16), 1),
    ],
)
def test_both_notations_mean_the_same_wire(
    address: str, base: int, meaning: ModbusAddress, function_code: int
) -> None:
    assert parse_modbus(address, base) == meaning
    assert parse_modbus(address, base).function_code == function_code


@pytest.mark.parametrize(
    "address",
    [
        "hr",
        "hr:",
        "hr:-1",
        "hr:65536",
        "40000",
        "465537",
        "50001",
        "20001",
        "1",
        "hr:1.16",
        "hr:1.05",
        "co:1.2",
        "hr:1.2.3",
        "MW100",
        "hr:1e3",
        "hr:٣",
        "1E+04",
    ],
)
def test_what_is_no_modbus_address_is_refused_with_words(address: str) -> None:
    with pytest.raises(WrongValue) as raised:
        parse_modbus(address, 0)
    assert raised.value.words.show("zh") != raised.value.words.show("en")


def test_a_one_based_device_has_no_register_0() -> None:
    with pytest.raises(WrongValue, match=r"outside 1\.\.65536"):
        parse_modbus("hr:0", 1)
    assert parse_modbus("hr:65536", 1).offset == 65535


@given(st.integers(0, 65535))
def test_numbers_and_names_agree_on_every_register(offset: int) -> None:
    six_digits = parse_modbus(f"4{offset + 1:05}", 0)
    assert six_digits == parse_modbus(f"hr:{offset}", 0) == parse_modbus(f"hr:{offset + 1}", 1)


@pytest.mark.parametrize(
    ("address", "meaning"),
    [
        ("ns=2;s=Furnace.T1", NodeAddress(2, "s", "Furnace.T1")),
        ("ns=2;s=a;b=c ", NodeAddress(2, "s", "a;b=c")),
        ("i=2253", NodeAddress(0, "i", "2253")),
        ("nsu=urn:plant%3Bfurnace;i=7", NodeAddress("urn:plant;furnace", "i", "7")),
        (f"ns=1;g={GUID}", NodeAddress(1, "g", GUID)),
        ("ns=1;b=M/RbKBsRVkePCePcx24oRA==", NodeAddress(1, "b", "M/RbKBsRVkePCePcx24oRA==")),
    ],
)  # fmt: skip
def test_node_ids_are_read_as_the_standard_writes_them(address: str, meaning: NodeAddress) -> None:
    assert parse_node_id(address) == meaning


@pytest.mark.parametrize(
    "address",
    ["", "2253", "ns=2", "ns=2;T1", "ns=65536;i=1", "i=4294967296", "i=x", "g=1", "b=%", "s=", "ns=2;S=a"],
)
def test_what_is_no_node_id_is_refused(address: str) -> None:
    with pytest.raises(WrongValue):
        parse_node_id(address)
