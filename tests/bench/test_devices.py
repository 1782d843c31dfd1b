"""The load devices answer as a Modbus TCP device does, and count what they are asked."""

import socket
import struct
from collections.abc import Iterator

import pytest
from pymodbus.client import ModbusTcpClient

from agent.simulate.account import VARIABLE
from bench.helper import Helper, HelperFailed
from bench.network import own_loopback

HOST = own_loopback()


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helper]:
    """Devices that are written to on purpose, and so keep an account of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(tmp_path_factory.mktemp("devices") / "writes"))
        helper = Helper("bench.load_devices", "--host", HOST, "--devices", "2")
    with helper:
        yield helper


@pytest.fixture
def client(devices: Helper) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, devices.ready["ports"][0]), timeout=5) as connection:
        yield connection


def request(transaction: int, code: int, address: int, words: int) -> bytes:
    return struct.pack(">HHHBBHH", transaction, 0, 6, 1, code, address, words)


def registers_of(reply: bytes) -> list[int]:
    return list(struct.unpack(f">{reply[8] // 2}H", reply[9:]))


def test_every_register_follows_the_number_of_the_answer(devices: Helper) -> None:
    with ModbusTcpClient(HOST, port=devices.ready["ports"][1]) as modbus:
        first = modbus.read_holding_registers(0, count=100).registers
        second = modbus.read_holding_registers(0, count=100).registers
        beyond = modbus.read_holding_registers(65500, count=100).registers
    assert first == list(range(1, 101))
    assert second == list(range(2, 102))
    assert beyond == [(3 + 65500 + i) % 65536 for i in range(100)]
    assert devices.ask()["answers"][1] == 3


def test_requests_that_arrive_in_pieces_or_together_are_answered_one_by_one(client: socket.socket) -> None:
    both = request(7, 3, 0, 2) + request(8, 3, 0, 2)
    client.sendall(both[:5])
    client.sendall(both[5:])
    replies = b""
    while len(replies) < 26:
        replies += client.recv(4096)
    one, two = replies[:13], replies[13:]
    assert [reply[:2] for reply in (one, two)] == [b"\x00\x07", b"\x00\x08"]
    assert registers_of(two)[0] == registers_of(one)[0] + 1


@pytest.mark.parametrize(
    ("code", "words", "exception", "counted"),
    [(6, 1, 1, "writes"), (16, 1, 1, "writes"), (4, 1, 1, "others"), (3, 126, 3, None), (3, 0, 3, None)],
)
def test_what_is_not_a_proper_read_is_refused_and_counted(
    devices: Helper, client: socket.socket, code: int, words: int, exception: int, counted: str | None
) -> None:
    before = devices.ask()
    client.sendall(request(9, code, 0, words))
    assert client.recv(4096) == struct.pack(">HHHBBB", 9, 0, 3, 1, code | 0x80, exception)
    after = devices.ask()
    assert {key for key in before if after[key] != before[key]} == ({counted} if counted else set())


def test_devices_on_hold_repeat_their_last_answer() -> None:
    with Helper("bench.load_devices", "--host", HOST, "--devices", "1") as helper:
        (port,) = helper.ready["ports"]
        with ModbusTcpClient(HOST, port=port) as modbus:
            before = modbus.read_holding_registers(0, count=3).registers
            served = helper.ask("hold")["answers"]
            after = modbus.read_holding_registers(0, count=3).registers
        assert before == after == [1, 2, 3]
        assert helper.close()["answers"] == served == [1]


def test_a_helper_that_ends_is_noticed() -> None:
    with pytest.raises(HelperFailed), Helper("bench.load_devices", "--no-such-option"):
        pass


def test_a_client_that_goes_away_disturbs_nobody(devices: Helper, client: socket.socket) -> None:
    with socket.create_connection((HOST, devices.ready["ports"][0])) as other:
        other.sendall(request(1, 3, 0, 100))
    client.sendall(request(2, 3, 0, 1))
    assert len(client.recv(4096)) == 11


def test_devices_tell_how_late_a_grid_they_were_asked_on(devices: Helper, client: socket.socket) -> None:
    devices.ask("grid 10")
    for number in range(3):
        client.sendall(request(number, 3, 0, 2))
        client.recv(4096)
    found = devices.ask("grid 10")
    assert found["asked"] == 3
    assert 0 <= found["late_ms"]["p50"] <= found["late_ms"]["p99"] < 10
    assert devices.ask("grid 10")["asked"] == 0
