"""Every part of the running agent, made once from a plant and handed to whoever needs it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.anchor import pack_anchor
from agent.balances import Lost, losses_before
from agent.blackbox.recorder import Recorder
from agent.clock import Clock, boot_id
from agent.devices import DeviceJournal
from agent.dictionary import pack_tags, unpack_tags
from agent.governor import Governor
from agent.keepsake import Keepsake
from agent.layout import Layout
from agent.ledger import IntakeLedger
from agent.outages import Outages
from agent.pipeline import Pipeline
from agent.poll import Poller
from agent.timebase import Timebase
from agent.times.tags import DeviceClocks
from agent.uplink_journal import UplinkJournal
from agent.uplinks.forward import Forwarder
from agent.uplinks.registry import make_forwarders
from agent.uplinks.session import Gateway
from buffer.log import Log
from buffer.volatile import Opened, Volatile, open_somewhere
from config.opcua import OpcUaLink
from config.plant import Plant
from config.text import Text
from config.vocabulary import RecordKind, Stream
from drivers.opcua.keys import KeyStore
from drivers.registry import make_drivers
from filters.engine import Engine
from filters.kernels import Kernels
from filters.report import SUPPRESSING_RULES


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """The parts of one run. `stored` is set whenever the log has stored something, or has failed.

    `volatile`: why the log is in RAM; None on the disk. `disk_healed`: until this start it was in RAM.
    """

    plant: Plant
    run_id: int
    clock: Clock
    timebase: Timebase
    engine: Engine
    log: Log
    black_box: Recorder
    pipeline: Pipeline
    outages: Outages
    devices: DeviceJournal
    keepsake: Keepsake
    poller: Poller
    governor: Governor
    forwarders: Mapping[str, Forwarder]
    stored: asyncio.Event
    lost_before: Mapping[Lost, int]
    degraded: Text | None
    volatile: Volatile | None
    disk_healed: bool


def wire(plant: Plant, layout: Layout, clock: Clock, kernels: Kernels, idle_ns: Callable[[], int]) -> Wiring:
    """Make all parts, on the event loop; opens the log, connects nothing. Raises `buffer.errors.LogError`."""
    run_id = secrets.randbits(64)
    timebase = Timebase(clock, boot_id())
    engine = Engine(plant, kernels)
    tags = pack_tags(plant, SUPPRESSING_RULES)
    dictionary = unpack_tags(tags)
    stored = asyncio.Event()
    keepsake = Keepsake(run_id, engine, IntakeLedger())
    opened = _open_log(plant, layout, run_id, stored, _preamble(tags, timebase, keepsake))
    black_box = Recorder(plant, engine.image, dictionary, opened.log, clock)
    pipeline = Pipeline(keepsake, dictionary, opened.log, clock, black_box)
    outages = Outages(plant, pipeline.record_gap, lambda: timebase.anchor)
    clocks = DeviceClocks(plant, engine.image, timebase, clock)
    devices = DeviceJournal(plant, pipeline, outages, clocks, engine.maintenance.holds)
    governor = Governor(idle_ns)
    gateway = Gateway(
        run=run_id,
        clock=clock,
        dictionary=dictionary,
        anchor=lambda: timebase.anchor,
        volatile=opened.volatile is not None,
    )
    return Wiring(
        plant=plant,
        run_id=run_id,
        clock=clock,
        timebase=timebase,
        engine=engine,
        log=opened.log,
        black_box=black_box,
        pipeline=pipeline,
        outages=outages,
        devices=devices,
        keepsake=keepsake,
        poller=Poller(
            plant,
            make_drivers(plant, _keys(plant, layout)),
            devices,
            clock,
            governor.stride,
        ),
        governor=governor,
        forwarders=make_forwarders(plant, opened.log, gateway, UplinkJournal(pipeline, outages).tell),
        stored=stored,
        lost_before=losses_before(opened.log),
        degraded=kernels.words,
        volatile=opened.volatile,
        disk_healed=opened.healed,
    )


def _keys(plant: Plant, layout: Layout) -> KeyStore | None:
    """Return where certificates are kept; None where no link can need one, and nothing is imported for it."""
    if not any(isinstance(link, OpcUaLink) for link in plant.description.links.values()):
        return None
    from agent.certificates.store import CertificateStore

    return CertificateStore(layout.certificates, plant.description.gateway)


def _open_log(
    plant: Plant,
    layout: Layout,
    run_id: int,
    stored: asyncio.Event,
    preamble: Callable[[Stream], list[tuple[RecordKind, bytes]]],
) -> Opened:
    loop = asyncio.get_running_loop()
    return open_somewhere(
        layout.log,
        ram=layout.ram,
        run=run_id,
        boot_id=boot_id(),
        settings=plant.description.log,
        uplinks={name: uplink.required for name, uplink in plant.description.uplinks.items()},
        oldest=[name for name, uplink in plant.description.uplinks.items() if uplink.start == "oldest"],
        preamble=preamble,
        on_stored=lambda: _set_from_thread(loop, stored),
    )


def _set_from_thread(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    if not event.is_set():
        loop.call_soon_threadsafe(event.set)


def _preamble(
    tags: bytes, timebase: Timebase, keepsake: Keepsake
) -> Callable[[Stream], list[tuple[RecordKind, bytes]]]:
    def preamble(_stream: Stream) -> list[tuple[RecordKind, bytes]]:
        return [
            (RecordKind.TAGS, tags),
            (RecordKind.ANCHOR, pack_anchor(timebase.anchor)),
            (RecordKind.STATE, keepsake.state()),
        ]

    return preamble
