"""What the witness of one interlock remembers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from config.vocabulary import WitnessState
from filters.aftermath import Aftermath
from filters.demand import Demand
from filters.layout import LONG_AGO, moved
from filters.proof import Entry
from filters.sayings import Matter, Saying
from filters.sight import Change


@dataclass(slots=True, kw_only=True)
class Memory:
    """What a witness remembers, also across a restart; times are CLOCK_BOOTTIME, LONG_AGO: none.

    `told`: the mode that was told last; `told_ns`: since when it holds. `bypassed_ns`: since when it is
    bypassed; None: it is not. `answered_ns`: t0 of the newest demand. `watching_ns`: the restart.
    `unready_ns`: since when it is armed and not ready. `voted`: how the vote of its causes came about.
    `known_ns`: since when it is watched. `proof_owed`: told that its last proof is too old. `bypasses`,
    `bypassed_before_ns`: how often it was bypassed, and for how long without the bypass that lasts.
    `sayings`: what was said of it and stands. `aftermath`: that of the demand that is judged.
    `suspects`: effects that came without a cause so far, by their number.
    """

    told: WitnessState | None = None
    bypassed_ns: int | None = None
    demand: Demand | None = None
    answered_ns: int = LONG_AGO
    watching_ns: int = LONG_AGO
    demands: int = 0
    proven: int = 0
    failed: int = 0
    last_proven_ns: int | None = None
    unready_ns: int | None = None
    voted: Change | None = None
    known_ns: int = LONG_AGO
    proof_owed: bool = False
    bypasses: int = 0
    bypassed_before_ns: int = 0
    history: tuple[Entry, ...] = ()
    told_ns: int = LONG_AGO
    sayings: dict[Matter, Saying] = field(default_factory=dict)
    aftermath: Aftermath = field(default_factory=Aftermath)
    suspects: dict[int, Change] = field(default_factory=dict)

    @property
    def log(self) -> Memory:
        """What an interlock keeps under its name when it comes to look at other things: no proof of that."""
        return Memory(
            demands=self.demands,
            proven=self.proven,
            failed=self.failed,
            known_ns=self.known_ns,
            bypasses=self.bypasses,
            bypassed_before_ns=self.bypassed_before_ns,
            history=self.history,
        )

    def moved(self, by_ns: int) -> Memory:
        """Return this memory on a clock that reads `by_ns` more."""
        return replace(
            self,
            bypassed_ns=self.bypassed_ns and moved(self.bypassed_ns, by_ns),
            demand=self.demand and self.demand.moved(by_ns),
            answered_ns=moved(self.answered_ns, by_ns),
            watching_ns=moved(self.watching_ns, by_ns),
            last_proven_ns=self.last_proven_ns and moved(self.last_proven_ns, by_ns),
            unready_ns=self.unready_ns and moved(self.unready_ns, by_ns),
            voted=self.voted and self.voted.moved(by_ns),
            known_ns=moved(self.known_ns, by_ns),
            history=tuple(entry.moved(by_ns) for entry in self.history),
            told_ns=moved(self.told_ns, by_ns),
            sayings={matter: saying.moved(by_ns) for matter, saying in self.sayings.items()},
            suspects={number: rise.moved(by_ns) for number, rise in self.suspects.items()},
        )

    def healed(self, now_ns: int) -> Memory:
        """Return this memory, on the clock of `now_ns`, without times that are still to come."""
        proven_ns = self.last_proven_ns
        return replace(
            self,
            demand=self.demand and self.demand.healed(now_ns),
            answered_ns=LONG_AGO if self.answered_ns > now_ns else self.answered_ns,
            last_proven_ns=None if proven_ns is None or proven_ns > now_ns else proven_ns,
            voted=self.voted and self.voted.healed(now_ns),
            history=tuple(entry for entry in self.history if entry.boot_ns <= now_ns),
        )
