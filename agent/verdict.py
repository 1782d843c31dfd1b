"""What an interlock's verdict rests on, for people: which effect was seen when, and which was not.

Read from the figures of an event, as `filters.testimony` writes them: of the effect that decides, and where
there are several, of each one behind its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Final

from config.text import Text, text
from filters.demand import Because

_FIGURES: Final = ("budget_ms", "elapsed_min_ms", "elapsed_max_ms")
_BUDGET: Final = ".budget_ms"
_MISSING: Final = (Because.NOT_SEEN, Because.LATE)
_SEEN: Final = {
    1: text("{effect} was not seen; {budget_ms} s are allowed"),
    2: text("{effect} was seen after more than {elapsed_min_ms} s; {budget_ms} s are allowed"),
    3: text("{effect} was seen after {elapsed_min_ms} to {elapsed_max_ms} s; {budget_ms} s are allowed"),
}
"""By how many of `_FIGURES` are known."""

BECAUSE: Final = {
    Because.LATE: text("it came too late"),
    Because.NOT_SEEN: text("it was not seen"),
    Because.BETWEEN_SAMPLES: text("the samples are too far apart to tell"),
    Because.TRUE_BEFORE: text("it was so before the cause"),
    Because.INPUT_BAD: text("an input had no good value"),
    Because.CAUSE_WITHDRAWN: text("the cause was gone before the time was over"),
    Because.BYPASSED: text("the interlock was bypassed meanwhile"),
    Because.BYPASS_UNKNOWN: text("the bypass flag could not be read"),
    Because.DEMANDED_AGAIN: text("it was demanded again before that"),
    Because.DISARMED_BETWEEN_SAMPLES: text("it was disarmed between the samples that show the cause"),
    Because.BYPASSED_BETWEEN_SAMPLES: text("it was bypassed between the samples that show the cause"),
    Because.CAUSE_NOT_DECLARED: text("none of the declared causes was there"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFound:
    """What was found of one effect; a time is None where nothing bounds it, `because` where it is proven."""

    effect: str
    budget_ms: float | None
    elapsed_min_ms: float | None
    elapsed_max_ms: float | None
    because: Because | None

    def words(self, label_of: Callable[[str], str]) -> Text:
        """Return it as a sentence, with what people call the effect."""
        known = {key: f"{found / 1000:.2f}" for key in _FIGURES if (found := getattr(self, key)) is not None}
        said = replace(_SEEN[len(known)], arguments=(("effect", label_of(self.effect)), *known.items()))
        if self.because is None or self.because in _MISSING:
            return said
        return text("{seen}; {why}", seen=said, why=BECAUSE[self.because])


def effects_found(figures: Mapping[str, float | int | str | None]) -> tuple[EffectFound, ...]:
    """Return what a verdict's figures say of every effect, the decisive one first; of others nothing."""
    decides = figures.get("effect")
    if not isinstance(decides, str) or "budget_ms" not in figures:
        return ()
    others = [key.removesuffix(_BUDGET) for key in figures if key.endswith(_BUDGET)]
    found = [_found(decides, figures, "")]
    return (*found, *(_found(name, figures, f"{name}.") for name in others if name != decides))


def verdict_words(
    figures: Mapping[str, float | int | str | None], label_of: Callable[[str], str]
) -> Text | None:
    """Return what decided a verdict, every effect that is missing among it; None where it is no verdict."""
    found = effects_found(figures)
    if not found:
        return None
    missing = [one for one in found if one.because in _MISSING]
    told = missing if found[0] in missing else found[:1]
    return _joined(one.words(label_of) for one in told)


def _joined(sentences: Iterable[Text]) -> Text:
    return reduce(lambda first, second: text("{first}; {second}", first=first, second=second), sentences)


def _found(effect: str, figures: Mapping[str, float | int | str | None], prefix: str) -> EffectFound:
    numbers = {key: figures.get(prefix + key) for key in _FIGURES}
    because = figures.get(f"{prefix}because")
    return EffectFound(
        effect=effect,
        because=None if because is None else Because(str(because)),
        **{
            key: float(number) if isinstance(number, int | float) else None for key, number in numbers.items()
        },
    )
