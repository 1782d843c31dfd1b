"""Texts that a person sees: written in English where they arise, shown in either language where they end."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

_CATALOGUES = Path(__file__).parent / "words" / "zh"


@dataclass(frozen=True, slots=True)
class Text:
    """A template with its arguments, in no language yet.

    The English template is the key of the Chinese catalogue (`config/words/zh/<package>.toml`); an argument
    may itself be a `Text`.
    """

    template: str
    arguments: tuple[tuple[str, object], ...] = ()

    def show(self, language: Language = "en") -> str:
        """Return the sentence in `language`; English where no translation exists."""
        return self.template_in(language).format(
            **{
                key: value.show(language) if isinstance(value, Text) else value
                for key, value in self.arguments
            }
        )

    def template_in(self, language: Language) -> str:
        """Return the template in `language`, for whoever fills it in."""
        return _chinese().get(self.template, self.template) if language == "zh" else self.template

    def __str__(self) -> str:
        return self.show()


def text(template: str, **arguments: object) -> Text:
    """Make a `Text`; `template` must be a literal, so that a test can find it and ask for its translation."""
    return Text(template, tuple(arguments.items()))


def language_of(requested: str | None = None) -> Language:
    """Return the language to show: the requested one, else what LC_ALL, LC_MESSAGES or LANG say."""
    names = (requested, os.environ.get("LC_ALL"), os.environ.get("LC_MESSAGES"), os.environ.get("LANG"))
    wanted = next((name for name in names if name), "en")
    return "zh" if wanted.lower().startswith("zh") else "en"


@cache
def _chinese() -> dict[str, str]:
    catalogue: dict[str, str] = {}
    for path in sorted(_CATALOGUES.glob("*.toml")):
        catalogue.update(tomllib.loads(path.read_text(encoding="utf-8")))
    return catalogue
