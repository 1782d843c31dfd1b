"""The bare loop that the agent is compared with: pymodbus, orjson, paho; no filters, no disk, no recovery.

The same work as the agent's, as a good programmer would write it without a house around it: a task and a
client per device on a steady grid, one message per scan with raw, value and quality of every register, QoS 1
with a window. Like the agent it says READY=1 to NOTIFY_SOCKET and ends at SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import socket
import time
from typing import Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from bench.message import SCALE, Row, encode_meta, encode_readings, tag_name
from bench.network import Network

TOPIC: Final = "fengsui/1/bench/bare/"
WINDOW: Final = 20
GOOD: Final = 0


class Publisher:
    """paho with a window of unacknowledged messages; numbers the messages."""

    def __init__(self, host: str, port: int, tags: list[str]) -> None:
        self._run = secrets.token_hex(8)
        self._seq = 0
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.max_inflight_messages_set(WINDOW)
        self._client.connect(host, port)
        self._client.loop_start()
        self._client.publish(TOPIC + "meta", encode_meta(tags), qos=1)

    def publish(self, scan_utc_ns: int, rows: list[Row]) -> None:
        """Send one scan."""
        self._seq += 1
        payload = encode_readings(run=self._run, seq=self._seq, scan_utc_ns=scan_utc_ns, rows=rows)
        self._client.publish(TOPIC + "readings", payload, qos=1)

    def close(self) -> None:
        """Say goodbye."""
        self._client.disconnect()
        self._client.loop_stop()


class Poller:
    """One device on its grid."""

    def __init__(self, client: AsyncModbusTcpClient, tags: range, publisher: Publisher) -> None:
        self._tags = tags
        self._client = client
        self._publisher = publisher

    async def run(self, first_due_s: float, period_s: float, ended: asyncio.Event) -> None:
        """Poll until ended; a grid instant that was missed is skipped.

        Not cancelled, for pymodbus makes a ModbusException of that.
        """
        await self._client.connect()
        due_s = first_due_s
        while not ended.is_set():
            await asyncio.sleep(due_s - time.monotonic())
            await self._scan()
            due_s += period_s * (1 + max(0, int((time.monotonic() - due_s) / period_s)))

    async def _scan(self) -> None:
        scan_utc_ns = time.time_ns()
        try:
            answer = await self._client.read_holding_registers(0, count=len(self._tags), device_id=1)
        except ModbusException:
            await self._client.connect()
            return
        rows = [(tag, raw, raw * SCALE, GOOD) for tag, raw in zip(self._tags, answer.registers, strict=True)]
        self._publisher.publish(scan_utc_ns, rows)


async def poll(network: Network, registers: int, period_s: float) -> None:
    """Poll all devices, their first scans spread over one period, until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    count = len(network.devices)
    tags = [tag_name(device, register) for device in range(count) for register in range(registers)]
    publisher = Publisher(network.host, network.broker, tags)
    start_s = time.monotonic()
    try:
        async with asyncio.TaskGroup() as devices:
            for device, port in enumerate(network.devices):
                client = AsyncModbusTcpClient(network.host, port=port, timeout=1, retries=0)
                poller = Poller(client, range(device * registers, (device + 1) * registers), publisher)
                first_due_s = start_s + period_s * device / count
                devices.create_task(poller.run(first_due_s, period_s, ended))
            say_ready()
    finally:
        publisher.close()


def say_ready() -> None:
    """Send READY=1 as sd_notify(3) says, when somebody listens."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
            notifier.sendto(b"READY=1", address)


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="bench.bare")
    parser.add_argument("--host", required=True, help="where devices and broker listen")
    parser.add_argument("--ports", required=True, help="of the devices, with commas between")
    parser.add_argument("--broker", type=int, required=True)
    parser.add_argument("--registers", type=int, required=True)
    parser.add_argument("--period-ms", type=float, required=True)
    asked = parser.parse_args()
    ports = [int(port) for port in asked.ports.split(",")]
    network = Network(host=asked.host, devices=ports, broker=asked.broker)
    asyncio.run(poll(network, asked.registers, asked.period_ms / 1000))


if __name__ == "__main__":
    main()
