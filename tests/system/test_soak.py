"""Simulated hours on end: nothing grows, and every account is exact."""

from __future__ import annotations

import os

import pytest

from bench.soak import simulated

N = int(os.environ.get("TORTURE_N", "20"))


@pytest.mark.torture
def test_hours_of_misfortunes_leave_every_account_exact_and_nothing_behind() -> None:
    found = simulated(max(2, N // 4), tags=10)
    for name in ("intake_off_by", "uplink_off_by", "undelivered", "holes", "more_descriptors"):
        assert found[name] == 0, f"{name}: {found}"
    assert found["events"]["clock_step"] == found["hours"]
    assert found["pss_mib"][-1] - found["pss_mib"][0] < 20
