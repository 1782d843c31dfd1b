"""Interlocks: every condition says one thing of a known tag, and the time given can be seen by sampling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from config.consistency.opcua import subscription_age_ns
from config.draft import INTERLOCKS, Draft, interlocks_of
from config.faults import Fault, Loc
from config.points.read import Row
from config.rules import Cause, Condition, Effect
from config.series import Virtual, condition_name
from config.tags import ValueType
from config.text import text
from config.units import show_duration
from config.vocabulary import Limit, Voting
from config.wording import some, unknown

_COMPARISONS: Final = ("equals", "above", "below", "limit")
_RULE_ENDINGS: Final = (*(f".{limit}" for limit in Limit), ".bad")


def alarm_names(tags: Iterable[str]) -> set[str]:
    """Return the names that the alarms of these tags may have."""
    return {tag + ending for tag in tags for ending in _RULE_ENDINGS}


def interlock_faults(
    draft: Draft, rows: Sequence[Row], virtuals: Mapping[str, Virtual], *, all_read: bool
) -> Iterator[Fault]:
    """Yield the faults of the interlocks. `virtuals`: what their expressions and the series mean, by name."""
    row_of = {row.tag.tag: row for row in rows if row.sound("tag")}
    yield from _name_faults(draft, row_of)
    yield from _vote_faults(draft)
    yield from _latch_faults(draft)
    for loc, condition in draft.conditions.items():
        if condition.when is not None:
            yield from _said_twice(draft, loc)
            continue
        yield from _comparison_faults(draft, loc, condition)
        row = row_of.get(condition.tag)
        if row is not None:
            yield from _meaning_faults(draft, loc, condition, row)
        elif condition.tag in draft.series:
            yield from _limit_of_series(draft, loc, condition)
        elif all_read and condition.tag:
            place = draft.document.place(*loc, "tag")
            yield Fault(place, unknown(text("tag or series"), condition.tag, (*row_of, *draft.series)))
    for loc, condition in draft.conditions.items():
        if isinstance(condition, Effect):
            yield from _too_fast_to_see(draft, loc, condition, row_of, virtuals)


def _name_faults(draft: Draft, row_of: Mapping[str, Row]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    alarm_rules = alarm_names(row_of)
    for index, raw in interlocks_of(draft.document):
        name = raw.get("name")
        if not isinstance(name, str):
            continue
        place = draft.document.place(*INTERLOCKS, index, "name")
        if name in alarm_rules:
            yield Fault(
                place, text('"{name}" is the name of a tag\'s alarm; give the interlock another', name=name)
            )
        twin = first.setdefault(name, index)
        if twin != index:
            line = draft.document.place(*INTERLOCKS, twin, "name").line
            yield Fault(
                place,
                text(
                    'an interlock "{name}" stands already in line {line}; name one anew', name=name, line=line
                ),
            )


def _vote_faults(draft: Draft) -> Iterator[Fault]:
    """As many causes vote as the voting says."""
    for index, raw in interlocks_of(draft.document):
        also = raw.get("also")
        count = 1 + (len(also) if isinstance(also, list) else 0)
        vote = raw.get("vote", Voting.ONE_OF_ONE.value)
        if vote not in tuple(Voting) or Voting(vote).inputs == count:
            continue
        key = "vote" if "vote" in raw else "also"
        words = text("{count} causes cannot vote {vote}; list the others under also", count=count, vote=vote)
        yield Fault(draft.document.place(*INTERLOCKS, index, key), words)


def _latch_faults(draft: Draft) -> Iterator[Fault]:
    """What is latched is the demand that the causes vote for, so they are all latched or none is."""
    first: dict[Loc, Cause] = {}
    for loc, cause in draft.conditions.items():
        if not isinstance(cause, Cause):
            continue
        at = loc[: len(INTERLOCKS) + 1]
        if first.setdefault(at, cause).latched != cause.latched:
            words = text("all causes of an interlock are latched, or none is; write the same for each")
            yield Fault(draft.document.place(*loc, "latched"), words)


def _said_twice(draft: Draft, loc: Loc) -> Iterator[Fault]:
    for key in ("tag", *_COMPARISONS):
        if key in draft.document.section(*loc):
            words = text('"when" says all of the condition; take "{key}" away', key=key)
            yield Fault(draft.document.key_place(*loc, key), words)


def _limit_of_series(draft: Draft, loc: Loc, condition: Condition) -> Iterator[Fault]:
    if isinstance(condition, Cause) and condition.limit is not None:
        words = text('"{name}" is a series, which has no limits; write above or below', name=condition.tag)
        yield Fault(draft.document.place(*loc, "limit"), words)


def _comparison_faults(draft: Draft, loc: Loc, condition: Condition) -> Iterator[Fault]:
    if not condition.tag:
        if "tag" not in draft.document.section(*loc):
            yield Fault(
                draft.document.place(*loc), text('this names neither a "tag" nor an expression ("when")')
            )
        return
    given = [key for key in _COMPARISONS if key in draft.document.section(*loc)]
    choices = some(key for key in _COMPARISONS if key in type(condition).model_fields)
    if not given:
        words = text(
            '"{tag}" is compared with nothing; write one of {choices}', tag=condition.tag, choices=choices
        )
        yield Fault(draft.document.place(*loc), words)
    for superfluous in given[1:]:
        words = text('"{first}" is given already; keep one of the two', first=given[0])
        yield Fault(draft.document.key_place(*loc, superfluous), words)


def _meaning_faults(draft: Draft, loc: Loc, condition: Condition, row: Row) -> Iterator[Fault]:
    tag = row.tag
    if tag.type is ValueType.BOOL and row.sound("type") and condition.equals not in (None, 0.0, 1.0):
        words = text('"{tag}" is a bool; compare it with true or false', tag=tag.tag)
        yield Fault(draft.document.place(*loc, "equals"), words)
    if not isinstance(condition, Cause) or condition.limit is None:
        return
    column = condition.limit.lower()
    if condition.limit not in tag.limits and row.sound(column):
        words = text(
            'tag "{tag}" has no limit {limit}; fill its column "{column}" or compare with above or below',
            tag=tag.tag,
            limit=condition.limit,
            column=row.headers[column],
        )
        yield Fault(draft.document.place(*loc, "limit"), words)
    if condition.on_delay:
        words = text("with a limit the delay is that of the tag's alarm; take on_delay away")
        yield Fault(draft.document.key_place(*loc, "on_delay"), words)


def _too_fast_to_see(
    draft: Draft, loc: Loc, effect: Effect, row_of: Mapping[str, Row], virtuals: Mapping[str, Virtual]
) -> Iterator[Fault]:
    """Refuse a time below twice what sampling needs: slowest scan, median delay and skew.

    What smooths the series of an expression does not count: both ends of the time are dated by raw samples.
    """
    at = loc[: len(INTERLOCKS) + 1]
    causes = {
        place[len(at) :]: found
        for place, found in draft.conditions.items()
        if isinstance(found, Cause) and place[: len(at)] == at
    }
    skew_ns = draft.skews_ns.get(int(loc[len(INTERLOCKS)]))
    if not causes or skew_ns is None:
        return
    paces = [
        _pace(draft, _signal_name(draft, at, part, condition), row_of, virtuals)
        for part, condition in (*causes.items(), (loc[len(at) :], effect))
    ]
    known = [pace for pace in paces if pace is not None]
    if len(known) < len(paces):
        return
    scan_ns = max(pace.scan_ns for pace in known)
    median_ns = max(pace.median_ns for pace in known)
    least_ns = 2 * (scan_ns + median_ns + skew_ns)
    if effect.within < least_ns:
        words = text(
            'interlock "{interlock}": {effect} within {found} is too short to be seen; allow 2 x '
            "(slowest scan {scan} + median {median} + skew {skew}) = {least}, plus twice the cycle of its "
            "bus where it has one, or scan faster",
            interlock=draft.document.section(*at).get("name"),
            effect=effect.tag or effect.when,
            found=show_duration(effect.within),
            scan=show_duration(scan_ns),
            median=show_duration(median_ns),
            skew=show_duration(skew_ns),
            least=show_duration(least_ns),
        )
        yield Fault(draft.document.place(*loc, "within"), words)


def _signal_name(draft: Draft, at: Loc, part: Loc, condition: Condition) -> str:
    if condition.when is None:
        return condition.tag
    return condition_name(str(draft.document.section(*at).get("name")), part)


@dataclass(frozen=True, slots=True)
class _Pace:
    """How often something is sampled, and how much later its median shows a change."""

    scan_ns: int
    median_ns: int


def _pace(
    draft: Draft, name: str, row_of: Mapping[str, Row], virtuals: Mapping[str, Virtual]
) -> _Pace | None:
    if name in virtuals:
        return _Pace(virtuals[name].period_ns, virtuals[name].median_ns)
    row = row_of.get(name)
    if row is None or row.tag.scan_class not in draft.scan_classes:
        return None
    period_ns = draft.scan_classes[row.tag.scan_class].period
    return _Pace(period_ns + subscription_age_ns(draft, row.tag), row.tag.delay_ns(period_ns))
