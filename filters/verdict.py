"""The numbers of a verdict, as its event says them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from config.vocabulary import WitnessState
from filters.demand import Finding
from filters.event import Figures
from filters.interlock import Expected


def verdict_figures(findings: Iterable[tuple[Expected, Finding]]) -> Figures:
    """Return the numbers of a verdict: of the effect that decides it, and of each where there are several.

    It is decided by the worst outcome, and among equals by the effect that came nearest to its budget. An
    `elapsed_max_ms` is missing where nothing bounds it, both are where the effect was never seen.
    """
    pairs = sorted(findings, key=_weight)
    figures: Figures = {}
    if len(pairs) > 1:
        for effect, finding in pairs:
            figures |= _effect_figures(effect, finding, f"{effect.sight.rule.tag.tag}.")
    effect, finding = pairs[-1]
    return figures | {"effect": effect.sight.rule.tag.tag} | _effect_figures(effect, finding)


_RANKING: Final = (
    WitnessState.PROVEN,
    WitnessState.INDETERMINATE,
    WitnessState.UNKNOWN,
    WitnessState.FAILED,
)


def _weight(pair: tuple[Expected, Finding]) -> tuple[int, float]:
    effect, finding = pair
    used_ns = finding.elapsed.max_ns if finding.elapsed else None
    share = used_ns / effect.within_ns if used_ns is not None and effect.within_ns else float("inf")
    return _RANKING.index(finding.outcome), share


def _effect_figures(effect: Expected, finding: Finding, prefix: str = "") -> Figures:
    figures: Figures = {f"{prefix}budget_ms": effect.within_ns / 1e6}
    if finding.elapsed is not None:
        figures[f"{prefix}elapsed_min_ms"] = finding.elapsed.min_ns / 1e6
        if finding.elapsed.max_ns is not None:
            figures[f"{prefix}elapsed_max_ms"] = finding.elapsed.max_ns / 1e6
    if finding.because is not None:
        figures[f"{prefix}because"] = finding.because.value
    return figures
