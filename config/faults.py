"""Faults of a plant description: each with its place and what would be right."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.text import Language, Text, text

Loc = tuple[str | int, ...]
"""Where a value stands in the structure of `plant.yaml`: keys and indices from the top."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file, counted from 1."""

    file: Path
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, what was found, what would be right (both in `words`)."""

    place: Place
    words: Text

    def show(self, language: Language = "en") -> str:
        """Return `file:line:col: what was found; what would be right`, with nothing invisible in it."""
        return _visible(f"{self.place}: {self.words.show(language)}")


class ConfigError(Exception):
    """The plant description is wrong; carries every fault at once. Nothing has been started."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(dict.fromkeys(faults), key=lambda fault: fault.place))
        super().__init__(self.show())

    def show(self, language: Language = "en") -> str:
        """Return all faults, a line each, and their number."""
        count = len(self.faults)
        sum_up = (
            text("1 fault; nothing was started")
            if count == 1
            else text("{count} faults; nothing was started", count=count)
        )
        return "\n".join([*(fault.show(language) for fault in self.faults), sum_up.show(language)])


class WrongValue(ValueError):  # noqa: N818 - what it says of the value
    """A value that cannot be used, with the words that say why and what would be right."""

    def __init__(self, words: Text) -> None:
        self.words = words
        super().__init__(str(words))


def _visible(line: str) -> str:
    return "".join(
        character
        if character == " " or unicodedata.category(character)[0] not in "CZ"
        else f"<U+{ord(character):04X}>"
        for character in line
    )
