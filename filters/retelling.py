"""What stands of an interlock is told when nothing withholds it any more."""

from __future__ import annotations

from collections.abc import Iterable

from config.vocabulary import EventKind, WitnessState
from filters.event import Event
from filters.interlock import Inputs
from filters.sayings import Matter, Saying
from filters.sight import Sight
from filters.testimony import KIND_OF, Testimony


class Retelling:
    """Knows what each thing that was said of an interlock rests on."""

    def __init__(self, inputs: Inputs, testimony: Testimony) -> None:
        self._inputs = inputs
        self._testimony = testimony

    def tell(self, mode: WitnessState | None, now_ns: int) -> list[Event]:
        """Return what can be told by `now_ns`.

        `mode`: that of the interlock, None while something is demanded of it.
        """
        return [
            event
            for matter, saying in self._testimony.sayings.withheld
            if matter is not Matter.MODE or (mode is not None and KIND_OF[mode] is saying.kind)
            for event in self._testimony.tell_at_last(matter, self._rests_on(matter, saying), now_ns)
        ]

    def _rests_on(self, matter: Matter, saying: Saying) -> Iterable[Sight]:
        inputs = self._inputs
        effects = () if saying.kind is EventKind.INTERLOCK_DEMAND else inputs.effects
        found = {
            Matter.DEMAND: (*inputs.cause.parts, *(effect.sight for effect in effects)),
            Matter.BYPASS: (inputs.bypassed,),
            Matter.READINESS: (inputs.ready,),
            Matter.MODE: (inputs.armed, *inputs.unreadable),
            Matter.PROOF: (),
        }
        return [sight for sight in found[matter] if sight is not None]
