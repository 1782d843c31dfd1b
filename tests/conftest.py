"""What all tests share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from agent.simulate.account import VARIABLE, read_account
from filters.kernels import load_kernels

settings.register_profile(
    "fengsui", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
settings.load_profile("fengsui")

CAPABILITY = "capability: "
SIMULATING = "test_modbus_contract.py"
"""A file whose tests cannot be run without simulated devices."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Keep an account of who writes to a simulated device, in this process and in all that it starts."""
    descriptor, ledger = tempfile.mkstemp(prefix="fengsui-writes-")
    os.close(descriptor)
    os.environ[VARIABLE] = ledger


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the whole run where anybody has written, or where devices were tested and none was counted."""
    path = Path(os.environ.pop(VARIABLE))
    account = read_account(path)
    path.unlink()
    tested = any(item.path.name == SIMULATING for item in session.items)
    if account.writes:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print(f"\nsomebody has written to a simulated device: {account.writes}")
    elif session.exitstatus == pytest.ExitCode.OK and tested and not account.devices:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("\nno simulated device was ever counted: the account of write requests says nothing")
    elif account.devices:
        print(f"\n{account.devices} simulated devices, 0 write requests")


@pytest.fixture
def deliberate_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Count in a ledger of its own what a test writes, to show that it is counted; returns the ledger."""
    ledger = tmp_path / "writes"
    monkeypatch.setenv(VARIABLE, str(ledger))
    return ledger


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where FENGSUI_NO_SKIPS is set, fail what was skipped for anything but a capability of the machine."""
    report = yield
    expected = hasattr(report, "wasxfail")
    if report.skipped and not expected and os.environ.get("FENGSUI_NO_SKIPS") == "1":
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith(CAPABILITY):
            report.outcome = "failed"
            report.longrepr = f"skipped, and not for want of a capability: {reason}"
    return report


@pytest.fixture(scope="session")
def kernel_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the kernels compiled, for as many engines and agents as there are."""
    cache = tmp_path_factory.mktemp("cache")
    assert not load_kernels(cache / "kernels").twins
    return cache
