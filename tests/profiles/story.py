"""Scripted plants in virtual time: what happens on the instruments, and what the engine says of it.

A file of `tests/golden/stories/` names an example plant, the values of its tags in normal operation, and
stories. A story is a list of steps; each has a time `at` and some of

    set: {tag: value in engineering units}      slope: {tag: {to: value, within: duration}}
    bad: [tags whose sensor is broken]          good: [tags mended]
    silent: [devices that do not answer]        back: [devices that answer again]
    unpolled: [devices of which no scan comes]  maintain: {device or tag: duration}
    restart: duration of the agent's absence (of this boot)

`python -m tests.profiles.story` writes what the engine says now as what is expected; read the difference.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from bench.script import Instruments
from bench.stage import START_NS, Stage
from config.load import load
from config.plant import Plant
from config.units import parse_duration_ns
from config.vocabulary import Flag
from filters.event import Event
from filters.holds import Hold
from filters.kernels import Kernels, twins

ROOT: Final = Path(__file__).parents[2]
STORIES: Final = ROOT / "tests" / "golden" / "stories"
S: Final = 10**9
_FACTS: Final = ("effect", "elapsed_min_ms", "elapsed_max_ms", "budget_ms", "because", "bypassed_ms")


def names() -> list[str]:
    """Every story, as `plant/story`."""
    return [
        f"{path.stem}/{story['name']}"
        for path in sorted(STORIES.glob("*.yaml"))
        for story in read(path.stem)["stories"]
    ]


@cache
def read(plant: str) -> dict[str, Any]:
    """Return a file of stories."""
    found: dict[str, Any] = YAML(typ="safe").load((STORIES / f"{plant}.yaml").read_text(encoding="utf-8"))
    return found


@cache
def plant_of(name: str) -> Plant:
    """Return the example plant that stories are about."""
    return load(ROOT / "examples" / name)


def steps_of(story: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return the steps with their times in nanoseconds since the start."""
    return [(parse_duration_ns(step["at"]), step) for step in story["steps"]]


def _act(step: dict[str, Any], instruments: Instruments, stage: Stage) -> None:
    """Let one step happen."""
    instruments.act(step, stage.now_ns)
    stage.unpolled = (stage.unpolled | set(step.get("unpolled", ()))) - set(step.get("back", ()))
    for subject, duration in step.get("maintain", {}).items():
        until_ns = stage.now_ns + parse_duration_ns(duration)
        hold = Hold(
            since_ns=stage.now_ns, until_ns=until_ns, who="anna", why="gas test", flags=Flag.MAINTENANCE
        )
        stage.engine.maintenance.begin(subject, hold)
    if "restart" in step:
        stage.restart(parse_duration_ns(step["restart"]))


def tell(name: str, kernels: Kernels) -> list[str]:
    """Return what the engine says of a story: a line per event, seconds since the story's start."""
    return list(lines(happenings(name, kernels)))


@cache
def happenings(name: str, kernels: Kernels) -> tuple[Event, ...]:
    """Return the events of a story."""
    plant, _, title = name.partition("/")
    told = read(plant)
    story = next(story for story in told["stories"] if story["name"] == title)
    instruments = Instruments.of(told["normal"])
    stage = Stage(plant_of(plant), kernels, lambda tag: instruments.read(tag, stage.now_ns))
    for at_ns, step in steps_of(story):
        stage.run_until(START_NS + at_ns)
        _act(step, instruments, stage)
    stage.run_until(START_NS + parse_duration_ns(story["until"]))
    return tuple(stage.events)


def lines(events: Iterable[Event]) -> Iterator[str]:
    """Yield an event in short: when, what, which rule, what it rests on, and why it is not told."""
    for event in events:
        facts = [f"{fact}={_brief(event.figures[fact])}" for fact in _FACTS if fact in event.figures]
        facts += [f"withheld={event.withheld}"] if event.withheld else []
        begin = f"{(event.boot_ns - START_NS) / S:8.3f} {event.kind} {event.rule}"
        yield "  ".join((begin, " ".join(facts))) if facts else begin


def _brief(fact: object) -> str:
    return f"{fact:g}" if isinstance(fact, float) else str(fact)


def _rewrite(plant: str) -> None:
    """Write what the engine says as what is expected, and leave everything else of the file as it stands."""
    yaml = YAML()
    yaml.width = 200
    path = STORIES / f"{plant}.yaml"
    document = yaml.load(path.read_text(encoding="utf-8"))
    for story in document["stories"]:
        story["expect"] = tell(f"{plant}/{story['name']}", twins())
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or [path.stem for path in sorted(STORIES.glob("*.yaml"))]:
        _rewrite(chosen)
