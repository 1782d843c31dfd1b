"""One alarm that is not normal: as it is held, as others see it, and as it is kept across a restart."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from config.vocabulary import Priority, Withheld
from filters.layout import NEVER, moved
from filters.lifecycle import AlarmState


@dataclass(slots=True, kw_only=True)
class Alarm:
    """An alarm that is not normal; times are CLOCK_BOOTTIME.

    `since_ns`: raised. `onset_ns`, `before_ns`: first raw sample that met the limit, and the last one before.
    `withheld`: why its newest rise was not told as an alarm. `heard`: it was told as one, so its end will be,
    too. `repeat_ns`: when to repeat it. `kept`: what is remembered of it across a restart.
    """

    state: AlarmState
    since_ns: int
    onset_ns: int
    before_ns: int
    withheld: Withheld | None = None
    heard: bool = False
    repeat_ns: int = NEVER
    kept: bytes = b""

    @classmethod
    def raised(cls, at_ns: int, onset_ns: int, before_ns: int) -> Alarm:
        """Return an alarm that is raised now."""
        return cls(state=AlarmState.UNACKNOWLEDGED, since_ns=at_ns, onset_ns=onset_ns, before_ns=before_ns)

    @property
    def unheard(self) -> Withheld | None:
        """Why nobody was told of it; None where somebody was."""
        return None if self.heard else self.withheld

    def tell(self, withheld: Withheld | None) -> None:
        """Note that it was told as an alarm, or why not."""
        self.withheld = withheld
        self.heard = self.heard or withheld is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAlarm:
    """What others may know of an alarm that is not normal. `tag` is a number; times are CLOCK_BOOTTIME.

    `withheld`: why it is not told as an alarm now. `chatters`: it was raised too often lately.
    """

    rule: str
    tag: int
    priority: Priority
    state: AlarmState
    since_boot_ns: int
    onset_boot_ns: int
    withheld: Withheld | None
    chatters: bool
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedAlarm:
    """An alarm as it is kept, with the digest of its rule; `heard` None: it is as `withheld` says."""

    rule: str
    priority: Priority
    state: AlarmState
    since_ns: int
    onset_ns: int
    before_ns: int
    withheld: Withheld | None
    heard: bool | None = None

    @classmethod
    def of(cls, alarm: Alarm, rule: str, priority: Priority) -> SavedAlarm:
        """Save an alarm."""
        return cls(
            rule=rule,
            priority=priority,
            state=alarm.state,
            since_ns=alarm.since_ns,
            onset_ns=alarm.onset_ns,
            before_ns=alarm.before_ns,
            withheld=alarm.withheld,
            heard=alarm.heard,
        )

    def member(self, name: str) -> bytes:
        """Return it as a member of a JSON object."""
        return orjson.dumps(name) + b":" + orjson.dumps(self)

    def alarm(self, by_ns: int) -> Alarm:
        """Return the alarm, on a clock that reads `by_ns` more."""
        return Alarm(
            state=self.state,
            since_ns=moved(self.since_ns, by_ns),
            onset_ns=moved(self.since_ns if self.onset_ns == NEVER else self.onset_ns, by_ns),
            before_ns=moved(self.before_ns, by_ns),
            withheld=self.withheld,
            heard=self.withheld is None if self.heard is None else self.heard,
        )
