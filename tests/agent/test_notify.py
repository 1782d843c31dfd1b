"""What the service manager is told, and that it never holds the agent up."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from agent.notify import notify, watchdog_period_ns


def manager(address: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    found.bind(address)
    found.settimeout(5)
    return found


def test_a_message_is_one_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with manager(str(tmp_path / "notify")) as listening:
        notify("READY=1")
        notify("STOPPING=1")
        assert [listening.recv(100), listening.recv(100)] == [b"READY=1", b"STOPPING=1"]


def test_an_abstract_address_begins_with_an_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = f"fengsui-test{tmp_path}"[:100]
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    with manager(f"\0{name}") as listening:
        notify("READY=1")
        assert listening.recv(100) == b"READY=1"


def test_without_a_manager_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    notify("READY=1")
    assert watchdog_period_ns() is None


def test_a_manager_that_is_gone_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (tmp_path / "never", tmp_path / "gone", tmp_path / ("long" * 40)):
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        if address.name == "gone":
            manager(str(address)).close()
        notify("WATCHDOG=1")


def test_a_manager_that_reads_nothing_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with manager(str(tmp_path / "notify")):
        for _ in range(1000):  # far more than a socket's queue holds
            notify("WATCHDOG=1")


def test_progress_is_wanted_twice_in_the_managers_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    assert watchdog_period_ns() == 15 * 10**9
