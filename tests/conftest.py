"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from filters.kernels import load_kernels

settings.register_profile(
    "fengsui", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
settings.load_profile("fengsui")

CAPABILITY = "capability: "


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
