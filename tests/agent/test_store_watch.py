"""A log that cannot open its files for now is told once, and is a concern for as long."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from agent.concerns import concerns
from agent.store_watch import StoreWatch
from buffer.disk import Disk
from config.units import S
from tests.agent.rig import STORED_S, events, forwarding_plant, take, this_boots_clock, wired


async def test_a_log_that_waits_for_descriptors_is_told_once_and_when_it_has_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, missing = this_boots_clock(), True
    create = Disk.create

    def create_if_there_is_a_descriptor(disk: Disk, path: Path) -> int:
        if missing and path.suffix == ".seg":
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return create(disk, path)

    monkeypatch.setattr(Disk, "create", create_if_there_is_a_descriptor)
    async with wired(forwarding_plant(), tmp_path, clock) as wiring:
        watch = StoreWatch(wiring)
        take(wiring, [1, 2])
        with pytest.raises(TimeoutError):
            wiring.log.sync(0.05)
        for _ in range(3):
            watch.look(clock.boot_ns())
            await clock.advance(S)
        words = "the log waits until it can open its files: Too many open files"
        assert words in [str(concern) for concern in concerns(wiring, {})]
        missing = False
        wiring.log.sync(STORED_S)
        for _ in range(12):
            watch.look(clock.boot_ns())
            await clock.advance(S)
        assert [event.kind for event in events(wiring)] == ["degraded", "degraded_ended"]
