"""The life of an alarm against a simple model: whatever people and the plant do, in any order."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from config.vocabulary import Flag
from filters.holds import Hold
from filters.lifecycle import AlarmState, Input, step
from tests.filters.rig import Rig, S, plant, tag

FOREVER = 10**18
STEPS = st.lists(
    st.sampled_from(
        ["high", "low", "ack", "shelve", "unshelve", "maintain", "end", "idle", "cast", "restart"]
    ),
    max_size=40,
)


@dataclass
class Model:
    """What ISA-18.2 says in plain flags.

    `heard` is what a listener to alarms alone believes, `told`: of its newest rise, too.
    """

    latch: bool
    high: bool = False
    stands: bool = False
    acknowledged: bool = True
    shelved: bool = False
    maintained: bool = False
    casting: bool = True
    told: bool = False
    heard: bool = False
    said: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def withheld(self) -> bool:
        return self.maintained or self.shelved or not self.casting

    def sample(self, *, high: bool) -> None:
        was, self.high = self.high, high
        if high and not was:
            self.told = not self.withheld
            self._say("alarm_repeated" if self.stands else "alarm_raised", told=self.told)
            self.stands, self.acknowledged = True, False
        elif was and not high:
            self.stands = self.latch
            self._say("alarm_latched" if self.latch else "alarm_cleared", told=self.heard)
        self.review()

    def acknowledge(self) -> None:
        self.acknowledged = True
        if self.stands and not self.high:
            self.stands = False
            self._say("alarm_cleared", told=self.heard)

    def review(self) -> None:
        if self.stands and not self.told and not self.withheld:
            self.told = True
            self._say("alarm_repeated", told=True)

    def _say(self, kind: str, *, told: bool) -> None:
        self.said.append((kind, told))
        self.heard = (self.heard or told) and kind != "alarm_cleared"

    @property
    def state(self) -> AlarmState:
        if self.stands and self.high:
            return AlarmState.ACKNOWLEDGED if self.acknowledged else AlarmState.UNACKNOWLEDGED
        if self.stands:
            both = AlarmState.LATCHED_ACKNOWLEDGED, AlarmState.LATCHED_UNACKNOWLEDGED
            return both[0] if self.acknowledged else both[1]
        return AlarmState.NORMAL if self.acknowledged else AlarmState.RETURNED


def rig(*, latch: bool) -> Rig:
    suppressed = {"tag": "casting", "equals": 0}
    return Rig(plant(tag("t", h=4, latch=latch, suppressed_when=suppressed), tag("casting")))


@settings(max_examples=200)
@given(steps=STEPS, latch=st.booleans())
def test_an_alarm_lives_as_the_model_does_and_tells_the_same(steps: list[str], latch: bool) -> None:
    line, model = rig(latch=latch), Model(latch)
    line.scan(0, t=0, casting=1)
    heard = False
    for second, one in enumerate(steps, start=1):
        line = do(line, model, one, second)
        line.scan(second + 0.5, t=5 if model.high else 0, casting=1 if model.casting else 0)
        found = {alarm.rule: alarm.state for alarm in line.engine.annunciator.all()}
        assert found.get("t.H", AlarmState.NORMAL) is model.state
    said = [(event.kind.value, event.withheld is None) for event in line.events if event.rule == "t.H"]
    said = [(kind, told) for kind, told in said if kind in KINDS]
    assert said == model.said
    for kind, told in said:  # what a listener to alarms alone hears always makes sense
        assert not told or kind != "alarm_raised" or not heard
        assert not told or kind != "alarm_cleared" or heard
        heard = kind != "alarm_cleared" if told else heard


KINDS = ("alarm_raised", "alarm_cleared", "alarm_repeated", "alarm_latched")


def do(line: Rig, model: Model, one: str, second: int) -> Rig:
    """Do one step to both; return the rig, which a restart makes anew."""
    now, engine = second * S, line.engine
    if one in ("high", "low"):
        line.scan(second, t=5 if one == "high" else 0, casting=1 if model.casting else 0)
        model.sample(high=one == "high")
    elif one == "ack" and model.state is not AlarmState.NORMAL:
        engine.annunciator.acknowledge("t.H", now)
        model.acknowledge()
    elif one == "shelve":
        engine.annunciator.shelves.put("t.H", Hold(since_ns=now, until_ns=FOREVER, who="w", why="w"))
        model.shelved = True
    elif one == "unshelve" and model.shelved:
        engine.annunciator.shelves.lift("t.H", now)
        model.shelved = False
    elif one == "maintain":
        hold = Hold(since_ns=now, until_ns=FOREVER, who="w", why="w", flags=Flag.MAINTENANCE)
        engine.maintenance.begin("t", hold)
        model.maintained = True
    elif one == "end" and model.maintained:
        engine.maintenance.end("t", now)
        model.maintained = False
    elif one == "cast":
        model.casting = not model.casting
        line.scan(second, t=5 if model.high else 0, casting=1 if model.casting else 0)
    elif one == "restart":
        after = rig(latch=model.latch)
        after.events = line.events + after.engine.restore(engine.state(), now, same_boot=True)
        line = after
    line.judge(second + 0.1)
    model.review()
    return line


@given(state=st.sampled_from(AlarmState), given_=st.sampled_from(Input), latch=st.booleans())
def test_an_input_that_is_given_twice_says_nothing_new(state: AlarmState, given_: Input, latch: bool) -> None:
    once = step(state, given_, latch=latch)
    assert step(once, given_, latch=latch) is once
