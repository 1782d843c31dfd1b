"""The witness of one interlock: is it armed, does the effect follow the cause in time, is anything bypassed.

It never acts. This is its specification; `docs/judgement.md` has it with timing diagrams.

Seeing
    Every input is a tag against one number. It is true or false by its despiked value, and it is dated by its
    raw samples: a change lies in (last sample that showed it not yet, first that showed it]. A Bad reading
    (stale and never read are Bad) is evidence of nothing: it opens no demand, closes none, proves nothing.

Mode, while nothing is demanded
    BYPASSED    the bypass flag was seen true, and not seen false since, whatever else is known
    DISARMED    else the arming condition is false
    UNKNOWN     else an input is Bad; told only once it has lasted two of the slowest scans
    ARMED       else
    What changed while something was demanded is told when that is over, and begins then.

Demand
    It begins at t0, the latest of: onset of the cause (its first raw sample, before median and on-delay),
    arming, end of a bypass, and the start of this witness. It is told when the cause is declared, even if
    by then the effect has disarmed the interlock, or somebody bypassed it, provided that a sample at t0 or
    later showed it armed and in force. If cause and disarming (or bypass) lie between the same samples it may
    have been in force: that is told as a demand, which can neither fail nor be proven. Cause, arming and
    bypass must be readable; an effect need not. One activation of the cause demands once, and once more
    where a bypass or disarming has left it INDETERMINATE: as of its end, if an effect is missing then.

Effect
    A change to true counts if it may have come after the cause, which lies between two samples: if it was
    first seen no more than skew before the last sample without the cause (and two of the slowest scans before
    t0, where that sample is older). Elapsed is from [last sample without effect - first with cause] to
    [first with effect - last without cause], no less than 0, and unbounded above where no sample without
    the cause is known.
    PROVEN          its maximum is within the budget T
    FAILED          its minimum is over T; or a sample later than t0 + T still shows no effect; or nothing
                    has been seen when an effect in time must have been sampled (T + two of its scans + its
                    filter's delay)
    INDETERMINATE   between: the samples cannot tell. Also an effect that was true before the demand and
                    stays so until T is over; and one that is missing or late where the cause was withdrawn
                    (unless the plant latches it), or the interlock bypassed, or the bypass flag unreadable
                    for two of the slowest scans, before T was over
    UNKNOWN         its input is Bad when the last chance is over; replaced when it can be read again

Verdict
    FAILED as soon as one effect is; else, when all are found: UNKNOWN, INDETERMINATE or PROVEN, the first
    that one of them is. It stands until the cause or the arming is false: CLEARED. If the cause returns
    before the verdict, the first demand ends INDETERMINATE and a second one begins; of a latched cause it is
    the same demand still. CLEARED says what came after the verdict: the time of an effect that was late, and
    which effects were gone again while the cause stood (`not_held`).

SPURIOUS
    An effect that changes to true while ARMED, if no demand for which it counts is told within skew + the
    cause's filter delay and on-delay + two of the slowest scans, and the interlock stays ARMED so long (a
    process that ends orderly disarms). What cannot be read meanwhile puts that off; if it lasts, the event
    says so. Not told where the effects have other reasons, too (`exclusive` is false). Where several
    interlocks have the same effect, a demand of any of them explains it, the longest of their times is
    waited, and it is told once, by the first of them. If a raw sample did show the cause in that time, the
    event says that the cause was not declared: our delays may be longer than the plant's.

Restart
    A demand whose verdict was open is told as interrupted. If its cause still stands, it is a new demand as
    of the restart, which can fail but, because nobody saw it begin, not be proven. A verdict is kept.
"""

from __future__ import annotations

from config.vocabulary import EventKind, Withheld, WitnessState
from filters.aftermath import Aftermath
from filters.demand import Demand, demanded
from filters.event import Event, Figures
from filters.interlock import Inputs
from filters.layout import LONG_AGO, NEVER
from filters.mode import Mode
from filters.proof import entered, told_at_last
from filters.readiness import Readiness
from filters.retelling import Retelling
from filters.sayings import Matter
from filters.suspects import Suspects
from filters.testimony import KIND_OF, Testimony
from filters.verdict import verdict_figures
from filters.vote import Vote
from filters.witness_memory import Memory


class Witness:
    """Watches one interlock."""

    def __init__(self, inputs: Inputs, testimony: Testimony, proof_every_ns: int | None = None) -> None:
        self.inputs = inputs
        self._proof_every_ns = proof_every_ns
        self._readiness = Readiness(inputs, testimony)
        self._mode = Mode(inputs, testimony)
        self._suspects = Suspects(inputs, self._mode, testimony)
        self._retelling = Retelling(inputs, testimony)
        self._testimony = testimony
        self._over_ns = LONG_AGO
        self.memory = Memory(sayings=testimony.sayings.standing, suspects=self._suspects.standing)

    @property
    def state(self) -> WitnessState:
        """What can be said of the interlock now."""
        demand = self.memory.demand
        return self._mode.now if demand is None else demand.verdict or WitnessState.DEMAND

    @property
    def since_ns(self) -> int:
        """Since when that can be said; a mode that outlives a restart goes on."""
        demand, memory = self.memory.demand, self.memory
        if demand is None:
            goes_on = self._mode.now is memory.told and memory.told_ns != LONG_AGO
            return min(self._mode.since_ns, memory.told_ns) if goes_on else self._mode.since_ns
        return demand.began.onset_ns if demand.verdict is None else demand.verdict_ns

    @property
    def awaiting(self) -> bool:
        """Effects are awaited: every scan may bring the verdict."""
        return self.memory.demand is not None and self.memory.demand.open

    def due_ns(self, now_ns: int) -> int:
        """Return the next instant after `now_ns` at which time alone decides something; NEVER."""
        due = [self._suspects.due_ns, self._mode.due_ns(self.memory.told)]
        if not self.memory.proof_owed:
            due.append(self.proof_due_ns)
        if self.memory.demand is not None and self.memory.demand.open:
            due += [self.memory.demand.last_chance_ns(effect) for effect in self.inputs.effects]
        return min((instant for instant in due if instant > now_ns), default=NEVER)

    @property
    def accused(self) -> dict[int, int]:
        """The effects that the last step told as spurious: row, and when it changed."""
        return self._suspects.accused

    def excuse(self, row: int, since_ns: int) -> None:
        """Drop the suspicion against an effect that changed at `since_ns` or later."""
        self._suspects.excuse(row, since_ns)

    def step(self, now_ns: int, scan_ns: int, raised: set[int]) -> list[Event]:
        """Return what became true by `now_ns`.

        `scan_ns`: start of the scan that changed its inputs, LONG_AGO: none did. `raised`: rows that became
        true.
        """
        events = self._step(now_ns, scan_ns, raised)
        self.memory.history = entered(self.memory.history, events)
        return events + self.review(now_ns)

    def review(self, now_ns: int) -> list[Event]:
        """Return what stands and was withheld, where nothing withholds it any more."""
        mode = self._mode.now if self.memory.demand is None else None
        told = self._retelling.tell(mode, now_ns)
        if told:
            self.memory.history = told_at_last(self.memory.history, told)

        self.memory.failed += sum(
            _is_failure(event) and event.figures["no_longer"] == Withheld.MAINTENANCE for event in told
        )
        return told

    def _step(self, now_ns: int, scan_ns: int, raised: set[int]) -> list[Event]:
        memory = self.memory
        self._look_at_votes()
        if memory.known_ns == LONG_AGO:
            memory.known_ns = now_ns
        was_armed = self._mode.now is WitnessState.ARMED
        memory.bypassed_ns, events = self._mode.look(memory.bypassed_ns, scan_ns)
        memory.unready_ns, readiness = self._readiness.look(memory.unready_ns, max(scan_ns, memory.known_ns))
        events += readiness
        self._count_bypasses(events)
        demand = memory.demand
        events += self._pursue(now_ns, scan_ns)
        if memory.demand is None:
            events += self._begin(scan_ns)
            demand = memory.demand or demand
            events += self._pursue(now_ns, scan_ns)
        events += self._suspects.step(now_ns, raised, demand, was_armed=was_armed)
        if memory.demand is None:
            before = memory.told
            memory.told, told = self._mode.tell(memory.told, now_ns, self._over_ns)
            if memory.told is not before:
                memory.told_ns = self._mode.since_ns
            events += told
        return events + self._proof_due(now_ns)

    @property
    def proof_due_ns(self) -> int:
        """When its last proof, or without one the time that it is watched, becomes too old; NEVER."""
        if self._proof_every_ns is None or self.memory.known_ns == LONG_AGO:
            return NEVER
        proven_ns = self.memory.last_proven_ns
        return (self.memory.known_ns if proven_ns is None else proven_ns) + self._proof_every_ns

    def _proof_due(self, now_ns: int) -> list[Event]:
        """Tell once that a proof is due."""
        due_ns = self.proof_due_ns
        if now_ns < due_ns:
            self.memory.proof_owed = False
            self._testimony.sayings.end(Matter.PROOF)
        if self.memory.proof_owed or now_ns < due_ns:
            return []
        self.memory.proof_owed = True
        return [self._testimony.say(EventKind.INTERLOCK_PROOF_DUE, due_ns)]

    def _look_at_votes(self) -> None:
        cause = self.inputs.cause
        if isinstance(cause, Vote):
            cause.look()
            self.memory.voted = cause.rise if cause.true else None

    def _count_bypasses(self, events: list[Event]) -> None:
        for event in events:
            if event.kind is EventKind.INTERLOCK_BYPASSED:
                self.memory.bypasses += 1
            elif event.kind is EventKind.INTERLOCK_BYPASS_ENDED:
                self.memory.bypassed_before_ns += round(float(event.figures["bypassed_ms"]) * 1e6)

    def _voting(self) -> Figures:
        """Return what an event says of the causes: the one that decided, and how they voted."""
        cause = self.inputs.cause
        decisive = next((sight for sight in cause.parts if sight.true and not sight.bad), cause.parts[0])
        figures: Figures = {"cause": decisive.rule.tag.tag, "limit": decisive.rule.limit}
        if isinstance(cause, Vote):
            figures |= {"voting": cause.words, "voting_bad": sum(sight.bad for sight in cause.parts)}
        return figures

    def _begin(self, scan_ns: int) -> list[Event]:
        """Open a demand if there is one that has not been answered yet."""
        memory, cause = self.memory, self.inputs.cause
        demand = demanded(self.inputs, memory.watching_ns)
        if demand is None or demand.began.onset_ns <= memory.answered_ns:
            return []
        memory.demand, memory.aftermath = demand, Aftermath()
        memory.answered_ns = demand.began.onset_ns
        memory.demands += 1
        declared_ns = max(scan_ns, demand.began.onset_ns)
        waited: Figures = {"declared_after_ms": (declared_ns - demand.began.onset_ns) / 1e6}
        return [
            self._testimony.say(
                EventKind.INTERLOCK_DEMAND,
                demand.began.onset_ns,
                shown_ns=declared_ns,
                inputs=cause.parts,
                figures=self._voting() | waited,
            )
        ]

    def _pursue(self, now_ns: int, scan_ns: int) -> list[Event]:
        """Bring an open demand to its verdict, and a judged one to its end."""
        demand = self.memory.demand
        if demand is None:
            return []
        events = [self._tell_verdict(demand, scan_ns)] if demand.weigh(self.inputs, now_ns) else []
        if not demand.open:
            self.memory.aftermath.look(demand, self.inputs)
        over_ns = demand.over_ns(self.inputs)
        if over_ns is not None:
            self.memory.demand, self._over_ns = None, over_ns
            if self.inputs.latched and demand.in_force_again_ns(self.inputs) is None:
                self.memory.answered_ns = max(self.memory.answered_ns, demand.cause_onset_ns)
            figures: Figures = {"demand_ms": (over_ns - demand.began.onset_ns) / 1e6}
            figures |= self.memory.aftermath.figures(self.inputs)
            events.append(
                self._testimony.say(
                    EventKind.INTERLOCK_CLEARED,
                    over_ns,
                    shown_ns=max(over_ns, scan_ns),
                    inputs=self.inputs.cause.parts,
                    figures=figures,
                )
            )
        return events

    def _tell_verdict(self, demand: Demand, scan_ns: int) -> Event:
        memory, verdict = self.memory, demand.verdict
        assert verdict is not None, "a demand that was weighed has a verdict"
        if verdict is WitnessState.PROVEN:
            memory.proven += 1
            memory.last_proven_ns = demand.verdict_ns
        found = [(self.inputs.effects[number], finding) for number, finding in demand.findings.items()]
        onset: Figures = {"onset_boot_ns": demand.began.onset_ns}
        event = self._testimony.say(
            KIND_OF[verdict],
            demand.verdict_ns,
            about=Matter.DEMAND,
            shown_ns=max(demand.verdict_ns, scan_ns),
            inputs=[*self.inputs.cause.parts, *(effect.sight for effect, _ in found)],
            figures=onset | verdict_figures(found),
        )
        memory.failed += _is_failure(event)
        return event

    def resume(self, memory: Memory, now_ns: int) -> list[Event]:
        """Begin again at `now_ns` with what an earlier run remembered, on this run's clock."""
        self.memory, demand = memory, memory.demand
        self._testimony.sayings.standing = memory.sayings
        self._suspects.standing = memory.suspects
        if memory.voted is not None and isinstance(self.inputs.cause, Vote):
            self.inputs.cause.resume(memory.voted)
        memory.watching_ns = now_ns
        if demand is None or not demand.open:
            memory.answered_ns = now_ns if demand else memory.answered_ns
            return []
        memory.demand = None
        memory.answered_ns = LONG_AGO
        return [self._testimony.interruption(demand, now_ns)]


def _is_failure(event: Event) -> bool:
    """Tell whether an event counts as a failure; one in maintenance is a test, until it outlasts that."""
    return event.kind is EventKind.INTERLOCK_FAILED and event.withheld is not Withheld.MAINTENANCE
