"""What the running agent says of itself: plain JSON values, made when asked."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from math import isnan

from agent.balances import show_balances
from agent.buses import buses_now
from agent.concerns import concerns
from agent.gap import GapBody
from agent.judged import alarms, held, in_both, interlocks, proof_log, standing
from agent.lateness import Lateness
from agent.metrics import metrics
from agent.platforms.fengsui1 import show_run
from agent.poll import GridCounters
from agent.status_server import Answer, Listed
from agent.uplinks.forward import ForwardState
from agent.wear import running_s, written_bytes
from agent.wiring import Wiring
from config.series import when_name
from config.tags import Tag
from config.vocabulary import describe
from drivers.registry import modbus_buses
from filters.report import SUPPRESSING_RULES

Json = dict[str, object]


def answers(wiring: Wiring) -> Mapping[str, Answer]:
    """Return the API.

    `/status`, `/tags[?tag=NAME]`, `/alarms[?from=N]`, `/interlocks`, `/history?interlock=NAME`, `/shelves`,
    `/mutes`, `/maintenance`; `/metrics` for Prometheus.
    """
    engine, clock = wiring.engine, wiring.clock
    return {
        "/alarms": lambda query: alarms(wiring, int(query.get("from", "0"))),
        "/interlocks": lambda _query: interlocks(wiring),
        "/history": lambda query: proof_log(wiring, query.get("interlock", "")),
        "/mutes": lambda _query: held(engine.witnesses.mutes, clock.boot_ns()),
        "/shelves": lambda _query: held(engine.annunciator.shelves, clock.boot_ns()),
        "/maintenance": lambda _query: held(engine.maintenance.holds, clock.boot_ns()),
        "/metrics": lambda _query: metrics(wiring),
        "/status": lambda _query: status(wiring),
        "/tags": lambda query: Listed(tags(wiring, query.get("tag"))),
    }


def status(wiring: Wiring) -> Generator[None, None, Json]:
    """Return everything that `fengsui status` shows; times in UTC seconds, durations in ms."""
    gateway = wiring.plant.description.gateway
    found = yield from standing(wiring)
    about: Json = {
        "fengsui": version("fengsui"),
        "enterprise": gateway.enterprise,
        "gateway": gateway.name,
        "run": show_run(wiring.run_id),
        "plant": wiring.plant.digest[:16],
        "now_utc_s": wiring.timebase.anchor.utc_ns_of(wiring.clock.boot_ns()) / 1e9,
        "clock": {**asdict(wiring.timebase.anchor), "machine_error_s": _machine_error_s(wiring)},
        "alarms": found.pressing,
    }
    sections: dict[str, Callable[[], object]] = {
        "concerns": lambda: [in_both(concern) for concern in concerns(wiring, found.silent)],
        "gaps": lambda: [_gap(gap) for gap in wiring.outages.lasting()],
        "devices": lambda: _devices(wiring),
        "links": lambda: buses_now(modbus_buses(wiring.plant, wiring.poller.drivers)),
        "grid": lambda: _grid(wiring),
        "readings": lambda: _intake(wiring),
        "log": lambda: _log(wiring),
        "uplinks": lambda: _uplinks(wiring),
    }
    for name, section in sections.items():
        yield
        about[name] = section()
    yield
    about["interlocks"] = yield from interlocks(wiring)
    return about


def _machine_error_s(wiring: Wiring) -> float | None:
    error_ns = wiring.timebase.machine_error_ns()
    return None if error_ns is None else error_ns / 1e9


def tags(wiring: Wiring, name: str | None) -> Iterator[Json]:
    """Yield every tag, or one: value, quality, since when, why bad. An unknown name gives nothing.

    The name of an alarm that an expression decides means that expression.
    """
    numbers: range | list[int] = range(len(wiring.plant.signals))
    if name is not None:
        known = wiring.plant.number_of
        number = known.get(name, known.get(when_name(name)))
        numbers = [] if number is None else [number]
    return (_tag(wiring, number) for number in numbers)


def _gap(gap: GapBody) -> Json:
    return {
        "part": gap.subject.part,
        "name": gap.subject.name,
        "cause": gap.cause,
        "by": gap.by,
        "since_utc_s": gap.start.utc_ns / 1e9,
        "words": in_both(gap.words()),
    }


def _devices(wiring: Wiring) -> list[Json]:
    absences = wiring.poller.absences()
    now = wiring.clock.boot_ns()
    return [
        {
            "device": name,
            "title": wiring.plant.description.devices[name].title,
            "answers": name not in absences,
            "lost_for_s": (now - absences[name].since_boot_ns) / 1e9 if name in absences else None,
            **asdict(wiring.poller.drivers[name].counters),
        }
        for name in wiring.plant.description.devices
    ]


def _grid(wiring: Wiring) -> list[Json]:
    return [
        {
            "group": group.name,
            "period_ms": wiring.plant.scan_class_of(group).period / 1e6,
            **_counted(wiring.poller.counters[group.number]),
        }
        for group in wiring.plant.groups
    ]


def _counted(counters: GridCounters) -> Json:
    return {
        "scans": counters.scans,
        "scans_bad": counters.scans_bad,
        "overruns": counters.overruns,
        "shed": counters.shed,
        "late_ms": _quantiles(counters.lateness),
    }


def _quantiles(lateness: Lateness) -> Json:
    return {"p50": lateness.quantile_ns(0.5) / 1e6, "p99": lateness.quantile_ns(0.99) / 1e6}


def _intake(wiring: Wiring) -> Json:
    intake = wiring.pipeline.ledger
    suppressed = dict(zip(SUPPRESSING_RULES, intake.suppressed, strict=True))
    return {
        **asdict(intake),
        "suppressed": suppressed,
        "ever": asdict(intake.ever()),
        "level": wiring.governor.level,
    }


def _log(wiring: Wiring) -> Json:
    ledger = wiring.log.ledger()
    return {
        "disk_bytes": ledger.disk_bytes,
        "cap_bytes": ledger.cap_bytes,
        "segments": ledger.segments,
        "oldest_age_s": ledger.oldest_age_s,
        "pending_bytes": ledger.pending_bytes,
        "last_sync_ms": 1000 * ledger.last_sync_s,
        "written_bytes": written_bytes(),
        "written_for_s": running_s(),
        "at_risk_ms": wiring.plant.description.log.commit_interval / 1e6 + 1000 * ledger.last_sync_s,
    }


def _uplinks(wiring: Wiring) -> list[Json]:
    balances = wiring.log.ledger().balances
    now = wiring.clock.boot_ns()
    return [
        {
            "uplink": name,
            **_standing(forwarder.state, now),
            "ledger": show_balances(balances[name]),
        }
        for name, forwarder in wiring.forwarders.items()
    ]


def _standing(state: ForwardState, now: int) -> Json:
    next_try = state.next_try_boot_ns
    return {
        "connected": state.connected,
        "for_s": (now - state.since_boot_ns) / 1e9,
        "why": None if state.why is None else in_both(state.why),
        "next_try_s": None if next_try is None else max(0, next_try - now) / 1e9,
        "unconfirmed": state.unconfirmed,
        "refused": state.refused,
    }


def _tag(wiring: Wiring, number: int) -> Json:
    tag, image = wiring.plant.signals[number], wiring.engine.image
    quality = int(image.quality[number])
    now, raw = wiring.clock.boot_ns(), float(image.raw[number])
    return {
        "tag": tag.tag,
        "title": tag.title,
        "device": tag.device,
        "value": float(image.value[number]),
        "raw": raw,
        "text": _text_of(wiring, number, raw) is not None,
        "says": _says(wiring, tag, number, raw),
        "unit": tag.unit,
        "quality": quality,
        "quality_words": _quality_words(quality, tag.meaning_of(raw)),
        "quality_for_s": (now - int(image.since_boot_ns[number])) / 1e9,
        "limits": {limit.value: level for limit, level in tag.limits.items()},
        "period_ms": wiring.plant.period_ns(tag.tag) / 1e6,
        "delay_ms": wiring.plant.delay_ns(tag.tag) / 1e6,
        "place": wiring.plant.spelled(wiring.plant.place_of(number)),
    }


def _says(wiring: Wiring, tag: Tag, number: int, raw: float) -> str | None:
    """Return what a reading means to people beyond its number: a text, or the meaning of a code."""
    return _text_of(wiring, number, raw) or tag.meaning_of(raw) or None


def _text_of(wiring: Wiring, number: int, raw: float) -> str | None:
    """Return the text that was read of a tag; None where it is a number, or could not be read."""
    found = None if isnan(raw) else wiring.pipeline.exact.get(number)
    return found if isinstance(found, str) else None


@lru_cache(maxsize=1024)
def _quality_words(quality: int, meaning: str) -> Json:
    """Return a quality for people; kept, because thousands of tags share few of them."""
    return in_both(describe(quality, meaning))
