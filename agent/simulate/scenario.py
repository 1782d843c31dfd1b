"""What a simulated plant does: a course for every tag and a list of faults, from a file and from options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.simulate.course import Course, Still, parse_course
from agent.simulate.fault import Fault, parse_fault
from agent.simulate.fitting import unfit
from agent.simulate.habit import habits
from config.faults import Place, WrongValue
from config.files import read_file
from config.plant import Plant
from config.tags import Tag
from config.text import Language, Text, text
from config.wording import unknown
from config.yaml_source import Document, read_yaml

_KEYS: Final[Mapping[str, type]] = {"seed": int, "values": dict, "faults": list}


class ScenarioError(Exception):
    """A scenario that cannot be played: every fault at once, each with where it was said."""

    def __init__(self, faults: Sequence[tuple[str, Text]]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.show())

    def show(self, language: Language = "en") -> str:
        """Return all faults, a line each."""
        return "\n".join(f"{where}: {words.show(language)}" for where, words in self.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`courses`: by tag, for every tag of the plant. `seed`: of everything that is left to chance."""

    courses: Mapping[str, Course]
    faults: Sequence[Fault] = ()
    seed: int = 0


@dataclass(slots=True)
class Written:
    """A scenario as people write it: the spelling of each line, and where it stands."""

    seed: int = 0
    values: list[tuple[str, str, str]] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[tuple[str, Text]] = field(default_factory=list)

    def add_options(self, values: Iterable[str], faults: Iterable[str]) -> None:
        """Take what options say: `TAG=COURSE`, and faults."""
        for option in values:
            tag, _, spelling = option.partition("=")
            self.values.append((f"--value {option}", tag.strip(), spelling))
        self.faults += [(f"--fault {option}", option) for option in faults]

    def add_file(self, path: Path) -> None:
        """Take what a file says; what of it makes no sense is told with everything else."""
        try:
            document, faults = read_yaml(path, read_file(path))
        except WrongValue as error:
            self.wrong.append((str(path), error.words))
            return
        self.wrong += [(str(fault.place), fault.words) for fault in faults]
        self.wrong += _wrong_keys(document)
        self._take(document)

    def bound_to(self, plant: Plant) -> Scenario:
        """Return the scenario of a plant. Raises ScenarioError with all that is wrong."""
        wrong = list(self.wrong)
        courses = habits(plant, self.seed)
        for where, name, spelling in self.values:
            try:
                courses[name] = _course(_tag(plant, name), spelling, f"{self.seed}/{name}")
            except WrongValue as error:
                wrong.append((where, error.words))
        faults: list[Fault] = []
        for where, spelling in self.faults:
            try:
                faults.append(fault := parse_fault(spelling))
                wrong += [(where, words) for words in unfit(fault, plant)]
            except WrongValue as error:
                wrong.append((where, error.words))
        if wrong:
            raise ScenarioError(wrong)
        return Scenario(courses=courses, faults=faults, seed=self.seed)

    def _take(self, document: Document) -> None:
        seed, faults = document.data.get("seed"), document.data.get("faults")
        if type(seed) is int:
            self.seed = seed
        for name in document.section("values"):
            place: Place = document.place("values", name)
            self.values.append((str(place), name, document.spelling("values", name)))
        for index in range(len(faults) if isinstance(faults, list) else 0):
            place = document.place("faults", index)
            self.faults.append((str(place), document.spelling("faults", index)))


def _wrong_keys(document: Document) -> Iterator[tuple[str, Text]]:
    for key, found in document.data.items():
        if key not in _KEYS:
            yield str(document.key_place(key)), unknown(text("key"), key, _KEYS)
        elif type(found) is not _KEYS[key]:
            words = text("a seed is a whole number, and faults are a list of lines")
            if key == "values":
                words = text("values are lines of a tag and its course")
            yield str(document.place(key)), words


def _tag(plant: Plant, name: str) -> Tag:
    number = plant.number_of.get(name)
    if number is None:
        raise WrongValue(unknown(text("tag"), name, plant.number_of))
    return plant.tags[number]


def _course(tag: Tag, spelling: str, seed: str) -> Course:
    return Still(spelling) if tag.type.is_text else parse_course(spelling, seed)
