"""The kernel lets Modbus TCP reads out and nothing else: the rules that ship, in a network of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.simulate.account import read_account

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs" / "fengsui-read-only.nft"
INSIDE = """
import asyncio, json, subprocess, sys
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from agent.simulate.modbus import Unit, serve

async def asked(port, *calls):
    client = AsyncModbusTcpClient("127.0.0.1", port=port, retries=0, timeout=1, reconnect_delay=0)
    found = []
    for name, arguments in calls:
        await client.connect()
        try:
            answer = await getattr(client, name)(*arguments)
            found.append("refused" if answer.isError() else "answered")
        except ModbusException:
            found.append("lost")
    client.close()
    return found

async def main():
    async with serve({1: Unit(16)}, port=502) as plc, serve({1: Unit(16)}, port=5020) as elsewhere:
        calls = ("read_coils", (0,)), ("read_discrete_inputs", (0,)), ("read_holding_registers", (0,))
        calls += ("read_input_registers", (0,)), ("write_register", (0, 1)), ("write_coil", (0, True))
        calls += ("report_device_id", ()), ("read_holding_registers", (0,))
        print(json.dumps({
            "before": await asked(502, ("write_register", (0, 1))),
            "loaded": [subprocess.run(["nft", "-f", sys.argv[1]]).returncode for _ in range(2)],
            "after": await asked(502, *calls),
            "elsewhere": await asked(5020, ("write_register", (0, 1))),
            "writes": [sum(each.counts.writes.values()) for each in (plc, elsewhere)],
            "counter": subprocess.run(["nft", "-j", "list", "counters"], capture_output=True).stdout.decode(),
        }))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What happened in a network namespace with nothing but a loopback, the rules and two devices."""
    _require()
    folder = tmp_path_factory.mktemp("network")
    script = folder / "inside.py"
    script.write_text(INSIDE)
    ledger = folder / "writes"
    done = subprocess.run(
        [
            *("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"),
            *(sys.executable, str(script), str(RULES)),
        ],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"FENGSUI_WRITE_LEDGER": str(ledger), "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    found["account"] = read_account(ledger)
    return found


def _require() -> None:
    if os.geteuid() != 0:
        pytest.skip("capability: only root can have a network of its own")
    for tool in ("unshare", "ip", "nft"):
        if shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            pytest.skip(f"capability: {tool} is not installed")
    tried = subprocess.run(["unshare", "--net", "nft", "list", "tables"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"capability: no rules can be set here: {tried.stderr.decode().strip()}")


def test_the_rules_can_be_loaded_and_loaded_again(network: dict[str, Any]) -> None:
    assert network["loaded"] == [0, 0]


def test_reads_pass_and_a_write_is_reset_before_it_leaves(network: dict[str, Any]) -> None:
    assert network["before"] == ["refused"]  # by the simulator, which has heard and counted it
    assert network["after"] == ["answered"] * 4 + ["lost"] * 3 + ["answered"]
    assert network["writes"] == [1, 1]
    assert len(network["account"].writes) == 2  # one before the rules, one at a port that they do not name


def test_what_was_refused_is_counted(network: dict[str, Any]) -> None:
    (counter,) = [each["counter"] for each in json.loads(network["counter"])["nftables"] if "counter" in each]
    assert counter["name"] == "refused"
    assert counter["packets"] == 3


def test_a_port_that_is_not_named_is_not_watched(network: dict[str, Any]) -> None:
    assert network["elsewhere"] == ["refused"]
