"""One demand on an interlock, and what its effects prove. The rules stand at the top of `filters.witness`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from config.vocabulary import WitnessState
from filters.interlock import Expected, Inputs
from filters.layout import LONG_AGO, moved
from filters.sight import Change, Elapsed, Sight, last_of


class Because(StrEnum):
    """Why something is found as it is; sent with the event, so the words never change."""

    LATE = "late"
    NOT_SEEN = "not_seen"
    BETWEEN_SAMPLES = "between_samples"
    TRUE_BEFORE = "true_before"
    INPUT_BAD = "input_bad"
    CAUSE_WITHDRAWN = "cause_withdrawn"
    BYPASSED = "bypassed"
    BYPASS_UNKNOWN = "bypass_unknown"
    DEMANDED_AGAIN = "demanded_again"
    CAUSE_NOT_DECLARED = "cause_not_declared"
    DISARMED_BETWEEN_SAMPLES = "disarmed_between_samples"
    BYPASSED_BETWEEN_SAMPLES = "bypassed_between_samples"


_DOUBTS: Final = (Because.DISARMED_BETWEEN_SAMPLES, Because.BYPASSED_BETWEEN_SAMPLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one effect says of a demand, and since when. `elapsed` is None where the effect was never seen."""

    outcome: WitnessState
    at_ns: int
    elapsed: Elapsed | None = None
    because: Because | None = None


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a missing effect is no failure, if it arose before the effect's time was over."""

    because: Because
    at_ns: int


@dataclass(slots=True, kw_only=True)
class Demand:
    """A demand since `began`; `cause_onset_ns` tells one activation of the cause from the next.

    Those of a latched cause until the verdict are one.
    `counts_from_ns`: an effect that was first seen since then may be what this demand brought about.
    `findings` by number of the effect. `verdict` is None while effects are awaited; UNKNOWN may still be
    replaced, in a finding and in the verdict. `verdict_ns` is when the verdict became true.
    """

    began: Change
    cause_onset_ns: int
    counts_from_ns: int
    findings: dict[int, Finding] = field(default_factory=dict)
    excuse: Excuse | None = None
    verdict: WitnessState | None = None
    verdict_ns: int = LONG_AGO

    @property
    def open(self) -> bool:
        """Effects are awaited, or could not be read."""
        return self.verdict in (None, WitnessState.UNKNOWN)

    @property
    def doubtful(self) -> bool:
        """Samples cannot tell whether the interlock was armed and in force when it was demanded."""
        return self.excuse is not None and self.excuse.because in _DOUBTS

    def last_chance_ns(self, effect: Expected) -> int:
        """Return the instant by which an effect that came in time must have been sampled."""
        return self.began.by_ns + effect.within_ns + effect.grace_ns

    def weigh(self, inputs: Inputs, now_ns: int) -> bool:
        """Find what the effects say by `now_ns`, and tell whether that is a new verdict."""
        if not self.open:
            return False
        if inputs.latched and inputs.cause.rise is not None:
            self.cause_onset_ns = max(self.cause_onset_ns, inputs.cause.rise.onset_ns)
        self.excuse = self._excused(inputs, now_ns) or _excuse(inputs, now_ns)
        for number, effect in enumerate(inputs.effects):
            finding = self.findings.get(number)
            if finding is None or finding.outcome is WitnessState.UNKNOWN:
                finding = find(self, effect, now_ns) or self._demanded_again(inputs)
            if finding is not None:
                self.findings[number] = finding
        verdict = _verdict(self.findings, len(inputs.effects))
        if verdict is None or verdict is self.verdict:
            return False
        instants = [finding.at_ns for finding in self.findings.values() if finding.outcome is verdict]
        self.verdict = verdict
        self.verdict_ns = min(instants) if verdict is WitnessState.FAILED else max(instants)
        return True

    def over_ns(self, inputs: Inputs) -> int | None:
        """Return when a judged demand came to its end; None while it is open or stands."""
        cause, armed = inputs.cause, inputs.armed
        ends = [
            change.by_ns
            for sight in (cause, armed)
            if sight is not None and not sight.bad and not sight.true
            if (change := sight.fall) is not None
        ]
        if cause.rise is not None and cause.rise.onset_ns > self.cause_onset_ns:
            ends.append(cause.rise.onset_ns)
        if (again_ns := self.in_force_again_ns(inputs)) is not None:
            ends.append(again_ns)
        return max(min(ends), self.verdict_ns) if ends and self.verdict is not None else None

    def moved(self, by_ns: int) -> Demand:
        """Return this demand, if it is judged, on a clock that reads `by_ns` more."""
        return Demand(
            began=self.began.moved(by_ns),
            cause_onset_ns=moved(self.cause_onset_ns, by_ns),
            counts_from_ns=moved(self.counts_from_ns, by_ns),
            verdict=self.verdict,
            verdict_ns=moved(self.verdict_ns, by_ns),
        )

    def healed(self, now_ns: int) -> Demand:
        """Return this demand, if it is judged, without times that are still to come."""
        return replace(
            self,
            began=self.began.healed(now_ns),
            cause_onset_ns=min(self.cause_onset_ns, now_ns),
            counts_from_ns=min(self.counts_from_ns, now_ns),
            verdict_ns=min(self.verdict_ns, now_ns),
        )

    def _excused(self, inputs: Inputs, now_ns: int) -> Excuse | None:
        """Return the excuse that holds: a bypass flag that was lost for a scan, and is off again, is none."""
        excuse, bypass = self.excuse, inputs.bypassed
        if excuse is None or excuse.because is not Because.BYPASS_UNKNOWN:
            return excuse
        off_again = bypass is not None and not (bypass.bad or bypass.true)
        return None if off_again and now_ns - excuse.at_ns < inputs.patience_ns else excuse

    def in_force_again_ns(self, inputs: Inputs) -> int | None:
        """Return since when an interlock that was bypassed or disarmed meanwhile is in force again.

        None where it is not, or no effect is missing, or it was not left open what that would have done.
        """
        armed, bypass = inputs.armed, inputs.bypassed
        if self.verdict is not WitnessState.INDETERMINATE or not inputs.in_force:
            return None
        changes = (armed.rise if armed else None, bypass.fall if bypass else None)
        again_ns = max((change.by_ns for change in changes if change is not None), default=LONG_AGO)
        missing = any(_was_missing(effect, again_ns) for effect in inputs.effects)
        return again_ns if missing and again_ns > self.began.by_ns else None

    def _demanded_again(self, inputs: Inputs) -> Finding | None:
        """Return the end of waiting that a new activation of the cause means."""
        rise = inputs.cause.rise
        if rise is None or rise.onset_ns <= self.cause_onset_ns:
            return None
        return Finding(
            outcome=WitnessState.INDETERMINATE, at_ns=rise.onset_ns, because=Because.DEMANDED_AGAIN
        )


def demanded(inputs: Inputs, watching_ns: int) -> Demand | None:
    """Return the demand that the inputs show, of which nothing was seen before `watching_ns`; None: none."""
    cause, armed, bypass = inputs.cause, inputs.armed, inputs.bypassed
    needed = [sight for sight in (cause, armed, bypass) if sight is not None]
    if not cause.true or cause.rise is None or any(sight.bad for sight in needed):
        return None
    if armed is not None and armed.rise is None:
        return None
    changes = (cause.rise, armed.rise if armed else None, bypass.fall if bypass else None)
    began = last_of([change for change in changes if change is not None])
    if began.onset_ns < watching_ns:
        began = Change(after_ns=LONG_AGO, onset_ns=watching_ns, by_ns=watching_ns)
    earliest_ns = max(began.after_ns, began.onset_ns - inputs.patience_ns)
    ends = _ends_in_force(armed, bypass, began.onset_ns)
    if any(began.after_ns == LONG_AGO or end is None or end.by_ns <= earliest_ns for _, end in ends):
        return None
    return Demand(
        began=began,
        cause_onset_ns=cause.rise.onset_ns,
        counts_from_ns=earliest_ns - inputs.skew_ns,
        excuse=Excuse(ends[0][0], began.by_ns) if ends else None,
    )


def _ends_in_force(
    armed: Sight | None, bypass: Sight | None, since_ns: int
) -> list[tuple[Because, Change | None]]:
    """Return what no sample since then showed in force, and when it was seen to end."""
    ends: list[tuple[Because, Change | None]] = []
    if armed is not None and not armed.true and armed.seen_true_ns < since_ns:
        ends.append((Because.DISARMED_BETWEEN_SAMPLES, armed.fall))
    if bypass is not None and bypass.true and bypass.seen_false_ns < since_ns:
        ends.append((Because.BYPASSED_BETWEEN_SAMPLES, bypass.rise))
    return ends


def _was_missing(effect: Expected, at_ns: int) -> bool:
    """Tell whether an effect was not there at an instant, nor has come since."""
    fall = effect.sight.fall
    return not effect.sight.true and (fall is None or fall.by_ns <= at_ns)


def find(demand: Demand, effect: Expected, now_ns: int) -> Finding | None:
    """Return what an effect says of a demand now; None: it is awaited. Only UNKNOWN may change later."""
    sight = effect.sight
    if sight.rise is not None and sight.rise.by_ns >= demand.counts_from_ns:
        return _timed(demand, effect, sight.rise)
    absent = not (sight.bad or sight.true or sight.stirring)
    if absent and sight.seen_false_ns - demand.began.by_ns > effect.within_ns:
        if sight.fall is not None and sight.fall.by_ns - demand.began.by_ns > effect.within_ns:
            return _true_before(sight.fall.by_ns)
        return _failed(demand, effect, sight.seen_false_ns, Because.NOT_SEEN)
    last_chance_ns = demand.last_chance_ns(effect)
    if now_ns < last_chance_ns:
        return None
    if sight.bad:
        return Finding(outcome=WitnessState.UNKNOWN, at_ns=last_chance_ns, because=Because.INPUT_BAD)
    if sight.true:
        return _true_before(last_chance_ns)
    return _failed(demand, effect, last_chance_ns, Because.NOT_SEEN)


def _true_before(at_ns: int) -> Finding:
    """Return what an effect says that was there all the time."""
    return Finding(outcome=WitnessState.INDETERMINATE, at_ns=at_ns, because=Because.TRUE_BEFORE)


def _timed(demand: Demand, effect: Expected, rise: Change) -> Finding:
    """Judge an effect by the time that it took."""
    elapsed = demand.began.until(rise)
    at_ns = max(rise.by_ns, demand.began.onset_ns)
    if elapsed.min_ns > effect.within_ns:
        return _failed(demand, effect, at_ns, Because.LATE, elapsed)
    because = Because.BETWEEN_SAMPLES
    if elapsed.max_ns is not None and elapsed.max_ns <= effect.within_ns:
        if demand.excuse is None or not demand.doubtful:
            return Finding(outcome=WitnessState.PROVEN, at_ns=at_ns, elapsed=elapsed)
        because = demand.excuse.because
    return Finding(outcome=WitnessState.INDETERMINATE, at_ns=at_ns, elapsed=elapsed, because=because)


def _failed(
    demand: Demand, effect: Expected, at_ns: int, because: Because, elapsed: Elapsed | None = None
) -> Finding:
    """Judge an effect that did not come in time."""
    outcome = WitnessState.FAILED
    excuse = demand.excuse
    if excuse is not None and excuse.at_ns <= demand.began.by_ns + effect.within_ns:
        outcome, because = WitnessState.INDETERMINATE, excuse.because
    return Finding(outcome=outcome, at_ns=at_ns, elapsed=elapsed, because=because)


def _excuse(inputs: Inputs, now_ns: int) -> Excuse | None:
    """Return why an effect that is missing from now on would be no failure."""
    cause, bypass = inputs.cause, inputs.bypassed
    if not inputs.latched and not cause.bad and not cause.true and cause.fall is not None:
        return Excuse(Because.CAUSE_WITHDRAWN, cause.fall.by_ns)
    if bypass is not None and bypass.bad:
        return Excuse(Because.BYPASS_UNKNOWN, now_ns)
    if bypass is not None and bypass.true and bypass.rise is not None:
        return Excuse(Because.BYPASSED, bypass.rise.onset_ns)
    return None


def _verdict(findings: dict[int, Finding], effects: int) -> WitnessState | None:
    """Return what all effects together say: one failure is a failure, and what is awaited is waited for."""
    outcomes = {finding.outcome for finding in findings.values()}
    if WitnessState.FAILED in outcomes:
        return WitnessState.FAILED
    if len(findings) < effects:
        return None
    ranking = (WitnessState.UNKNOWN, WitnessState.INDETERMINATE)
    return next((outcome for outcome in ranking if outcome in outcomes), WitnessState.PROVEN)
