"""The witnesses of all interlocks of a plant: who must look when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from config.plant import Plant
from config.vocabulary import EventKind, WitnessState
from filters.comparisons import Comparisons, digest_of
from filters.event import Event
from filters.holds import Holds
from filters.image import Image
from filters.interlock import inputs_of
from filters.layout import LONG_AGO, NEVER, Bools, Int64s, Uint32s
from filters.machine import RAISED
from filters.proof import Entry, failures_since_proof
from filters.shared import SharedEffects
from filters.testimony import Testimony
from filters.witness import Witness
from filters.witness_memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockStatus:
    """What can be said of one interlock now; times are CLOCK_BOOTTIME.

    `proof_due_boot_ns`: when its last proof is too old, None: nobody asks. `bypassed_before_ns`: how long it
    was bypassed, without the bypass that lasts. `inputs_bad`: how many of its inputs cannot be read.
    """

    name: str
    state: WitnessState
    since_boot_ns: int
    bypassed_since_boot_ns: int | None
    demands: int
    proven: int
    failed: int
    last_proven_boot_ns: int | None
    proof_due_boot_ns: int | None
    unready_since_boot_ns: int | None
    bypasses: int
    bypassed_before_ns: int
    inputs_bad: int
    muted: bool
    history: tuple[Entry, ...]

    @property
    def failed_since_proof(self) -> int:
        """How often it failed since its last proof, as far as the history goes back; tests do not count."""
        return failures_since_proof(self.history)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedInterlock:
    """What a witness remembered, and a digest of all that it looked at; an earlier version wrote none."""

    memory: Memory
    looked_at: str = ""


class Witnesses:
    """Hands every move of a comparison to the witnesses that look at it.

    `due_ns`: when time alone decides something next.
    """

    def __init__(self, plant: Plant, comparisons: Comparisons, image: Image, flags: Uint32s) -> None:
        self.due_ns = NEVER
        self.mutes: Final = Holds(EventKind.INTERLOCK_MUTE_ENDED)
        self._image = image
        self._flags = flags
        inputs = {interlock.name: inputs_of(interlock, plant, comparisons) for interlock in plant.interlocks}
        self._shared = SharedEffects(inputs)
        self._witnesses = {
            interlock.name: Witness(
                self._shared.patient(interlock.name, inputs[interlock.name]),
                Testimony(interlock.name, image, flags, self.mutes, interlock.response, interlock.basis),
                interlock.proof_every,
            )
            for interlock in plant.interlocks
        }
        self._digest_of = {
            interlock.name: digest_of(
                interlock.vote,
                [(sight.rule.key, sight.rule.digest) for sight in inputs[interlock.name].all],
            )
            for interlock in plant.interlocks
        }
        self._awaiting: dict[str, None] = {}  # in the order in which they began, so that a replay is the same
        self._due_ns = dict.fromkeys(self._witnesses, NEVER)
        self._heard: Bools = np.zeros(len(comparisons.rows), dtype=np.bool_)
        self._looking: dict[int, list[str]] = {}
        for name, witness in self._witnesses.items():
            for sight in witness.inputs.all:
                self._looking.setdefault(sight.row, []).append(name)
                self._heard[sight.row] = True

    def begin(self, now_ns: int) -> list[Event]:
        """Let every witness take its first look."""
        events = [event for name in self._witnesses for event in self._step(name, now_ns, now_ns, set())]
        self._come_due()
        return events

    def step(self, now_ns: int, moves: Int64s) -> list[list[Event]]:
        """Return what became true by `now_ns`, when the comparisons made these moves (`filters.judge`).

        A list for each witness that looked, in the order in which it is to be told.
        """
        heard = moves[self._heard[moves[:, 0]], :3].tolist()
        scans_ns = dict.fromkeys(self._awaiting, LONG_AGO)
        if self.due_ns <= now_ns:
            scans_ns |= {name: LONG_AGO for name, due_ns in self._due_ns.items() if due_ns <= now_ns}
        for row, _, at_ns in heard:
            for name in self._looking[row]:
                scans_ns[name] = max(at_ns, scans_ns.get(name, LONG_AGO))
        raised = {row for row, move, _ in heard if move == RAISED}
        events = [self._step(name, now_ns, scans_ns[name], raised) for name in scans_ns]
        if any(witness.memory.suspects for witness in self._witnesses.values()):
            self._excuse_suspects(scans_ns)
        if scans_ns:
            self._come_due()
        return events

    def review(self, now_ns: int) -> list[Event]:
        """Return what stands and was withheld, where nothing withholds it any more."""
        return [event for witness in self._witnesses.values() for event in witness.review(now_ns)]

    def _step(self, name: str, now_ns: int, scan_ns: int, raised: set[int]) -> list[Event]:
        witness = self._witnesses[name]
        events = witness.step(now_ns, scan_ns, raised)
        self._excuse_others(name, witness.accused)
        if witness.awaiting:
            self._awaiting[name] = None
        else:
            self._awaiting.pop(name, None)
        self._due_ns[name] = witness.due_ns(now_ns)
        return events

    def _come_due(self) -> None:
        self.due_ns = min(self._due_ns.values(), default=NEVER)

    def _excuse_suspects(self, names: Iterable[str]) -> None:
        for name in names:
            demand = self._witnesses[name].memory.demand
            if demand is not None:
                self._excuse_others(name, dict.fromkeys(self._shared.of(name), demand.counts_from_ns))

    def _excuse_others(self, name: str, since_ns: Mapping[int, int]) -> None:
        """Let what an interlock has explained or told of its effects, by row, hold for all with the same."""
        for row, others in self._shared.of(name).items():
            for other, twin in others if row in since_ns else ():
                self._witnesses[other].excuse(twin, since_ns[row])

    def save(self) -> dict[str, SavedInterlock]:
        """Return what every witness remembers, by the interlock's name."""
        return {
            name: SavedInterlock(looked_at=self._digest_of[name], memory=witness.memory)
            for name, witness in self._witnesses.items()
        }

    def resume(self, saved: dict[str, SavedInterlock], by_ns: int, now_ns: int) -> list[Event]:
        """Take up saved memories, on a clock that reads `by_ns` more, at the time `now_ns` of that clock.

        Of an interlock that looks at other things now, or is gone, what was told and stood is told as over;
        its log goes on under its name.
        """
        events = []
        for name, was in saved.items():
            memory = was.memory.moved(by_ns).healed(now_ns)
            if was.looked_at in ("", self._digest_of.get(name)) and name in self._witnesses:
                events += self._witnesses[name].resume(memory, now_ns)
                continue
            events += Testimony(name, self._image, self._flags, self.mutes).over_by_change(memory, now_ns)
            if name in self._witnesses:
                self._witnesses[name].resume(memory.log, now_ns)
        return events

    def statuses(self) -> list[InterlockStatus]:
        """Return what can be said of every interlock, in the order of the plant."""
        return [
            InterlockStatus(
                name=name,
                state=witness.state,
                since_boot_ns=witness.since_ns,
                bypassed_since_boot_ns=witness.memory.bypassed_ns,
                demands=witness.memory.demands,
                proven=witness.memory.proven,
                failed=witness.memory.failed,
                last_proven_boot_ns=witness.memory.last_proven_ns,
                proof_due_boot_ns=None if witness.proof_due_ns == NEVER else witness.proof_due_ns,
                unready_since_boot_ns=witness.memory.unready_ns,
                bypasses=witness.memory.bypasses,
                bypassed_before_ns=witness.memory.bypassed_before_ns,
                inputs_bad=sum(sight.bad for sight in witness.inputs.all),
                muted=name in self.mutes,
                history=witness.memory.history,
            )
            for name, witness in self._witnesses.items()
        ]
