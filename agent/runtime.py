"""One run of the agent: started in order, supervised, ended in order."""

from __future__ import annotations

import asyncio
from typing import Final

from agent import journal
from agent.actions import actions
from agent.audit import Audit
from agent.events import own_event
from agent.gap import GATEWAY, GapCause
from agent.heartbeat import Heartbeat
from agent.layout import Layout
from agent.notify import notify
from agent.past import take_up
from agent.platforms.fengsui1 import show_run
from agent.status import answers
from agent.status_server import serve_status
from agent.stop import Stop
from agent.times.http import HttpClock
from agent.volatile import await_disk, tell_medium
from agent.wiring import Wiring
from buffer.disk import SyncFailed
from config.clocks import HttpTime
from config.text import text
from config.vocabulary import EventKind

DRAIN_S: Final = 3.0


class DiskFailed(Exception):  # noqa: N818 - the failure's own word
    """The log cannot be written any more: what is queued is not stored. A restart is the answer.

    `__cause__`: what the disk said.
    """


class DiskHealed(Exception):  # noqa: N818
    """The log was in RAM and ended in order: its disk can be trusted again. A restart goes on there."""


async def run_agent(wiring: Wiring, layout: Layout, stop: Stop) -> None:
    """Run until `stop` is asked for, then end in order; the log is closed in any case.

    Raises DiskFailed, DiskHealed, `status_server.SocketUnusable`, and whatever is a bug.
    """
    try:
        strangers = Audit(wiring).turned_away
        async with serve_status(layout.socket, answers(wiring), actions(wiring), strangers):
            _begin(wiring)
            await _supervise(wiring, stop)
    except ExceptionGroup as group:
        disk_failed, others = group.split(DiskFailed)
        if disk_failed is None or others is not None:
            raise
        raise disk_failed.exceptions[0] from disk_failed.exceptions[0].__cause__
    finally:
        wiring.pipeline.close()
        wiring.log.close()


def _begin(wiring: Wiring) -> None:
    take_up(wiring)
    tell_medium(wiring)
    _tell_kernels(wiring)


def _tell_kernels(wiring: Wiring) -> None:
    if wiring.degraded is None:
        return
    if not wiring.engine.twins:
        journal.warn(wiring.degraded)  # a slower start, and nothing else
        return
    journal.error(wiring.degraded)
    event = own_event(EventKind.DEGRADED, "kernels", wiring.clock.boot_ns())
    wiring.pipeline.tell(event, wiring.degraded)


async def _supervise(wiring: Wiring, stop: Stop) -> None:
    async with asyncio.TaskGroup() as tasks:
        polling = tasks.create_task(wiring.poller.run(), name="poller")
        others = [tasks.create_task(_watch_log(wiring), name="log")]
        others.append(tasks.create_task(Heartbeat(wiring).run(), name="heartbeat"))
        others += [
            tasks.create_task(forwarder.run(), name=f"uplink {name}")
            for name, forwarder in wiring.forwarders.items()
        ]
        others += [
            tasks.create_task(HttpClock(source, wiring.timebase, wiring.clock).run(), name="time")
            for source in wiring.plant.description.time.sources
            if isinstance(source, HttpTime)
        ]
        journal.info(
            text("polling"),
            groups=len(wiring.plant.groups),
            tags=len(wiring.plant.tags),
            run=show_run(wiring.run_id),
        )
        notify("READY=1")
        ending: list[asyncio.Task[object]] = [tasks.create_task(stop.wait(), name="stop")]
        if wiring.volatile is not None:
            ending.append(tasks.create_task(await_disk(wiring, wiring.volatile), name="disk"))
        await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        journal.info(text("stopping"), by=stop.by)
        notify("STOPPING=1")
        polling.cancel()
        await asyncio.wait([polling])
        wiring.pipeline.finish()
        wiring.black_box.close()
        _take_leave(wiring, stop.by)
        await _drain(wiring)
        for task in (*others, *ending):
            task.cancel()
    if not stop.asked:
        raise DiskHealed


def _take_leave(wiring: Wiring, by: str) -> None:
    now = wiring.clock.boot_ns()
    wiring.pipeline.tell(own_event(EventKind.AGENT_STOPPED, "agent", now, by=by))
    wiring.outages.end_all(now)
    wiring.outages.begin(GATEWAY, GapCause.CLEAN_STOP, now, by=by)


async def _watch_log(wiring: Wiring) -> None:
    """Wake the forwarders when something was stored; end the process when nothing can be any more."""
    while True:
        await wiring.stored.wait()
        wiring.stored.clear()
        _check_disk(wiring)
        for forwarder in wiring.forwarders.values():
            forwarder.wake()


def _check_disk(wiring: Wiring) -> None:
    if wiring.log.failure is not None:
        raise DiskFailed from wiring.log.failure


async def _drain(wiring: Wiring) -> None:
    """Store what is queued and give connected uplinks a moment to deliver it. Raises DiskFailed."""
    try:
        wiring.log.sync(DRAIN_S)
    except (OSError, SyncFailed):
        _check_disk(wiring)
        journal.error(text("the disk did not take everything in time; what was still queued is lost"))
    drained = await asyncio.gather(*(forwarder.drain(DRAIN_S) for forwarder in wiring.forwarders.values()))
    if not all(drained):
        journal.info(text("stopping with a backlog; it is sent after the next start"))
