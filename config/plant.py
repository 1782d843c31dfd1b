"""The plant with its tags numbered: what the running program is wired from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

from config.faults import Fault, Loc, Place
from config.links import Device, Link
from config.models import Description, ScanClass
from config.resolve import resolve
from config.rules import AlarmRule, Condition, Interlock
from config.series import SINGLE_CONDITIONS, Virtual, condition_name, conditions_of, declared_of
from config.tags import Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanGroup:
    """The tags of one device in one scan class: the unit of polling, of a scan and of a DATA record.

    Its tags are `plant.tags[first : first + count]`, and so is its slice of the process image.
    """

    number: int
    device: str
    scan_class: str
    first: int
    count: int

    @property
    def span(self) -> slice:
        """The group's slice of everything that is numbered by tag."""
        return slice(self.first, self.first + self.count)

    @property
    def name(self) -> str:
        """`device/scan_class`, for people."""
        return f"{self.device}/{self.scan_class}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualGroup:
    """The virtual tags that rest on the same scan groups: renewed when one of `groups` (numbers) is.

    Its tags are `plant.virtuals[first : first + count]`.
    """

    groups: tuple[int, ...]
    first: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A loaded and checked description; a tag's number is its index in `tags`.

    Virtual tags (derived series) are numbered behind them, in the order of `virtuals`.
    `places` tells, for the tag of the same index, which line of which point table it stands on.
    `digest` is the SHA-256 (hex) of everything that was read; `where` tells the place of every value of
    `plant.yaml` by its location, for example `("uplinks", "city", "password")`. `remarks`: what is no
    fault, and yet not as it should be.
    """

    description: Description
    tags: tuple[Tag, ...]
    groups: tuple[ScanGroup, ...]
    places: tuple[Place, ...]
    digest: str
    where: Mapping[Loc, Place] = field(default_factory=dict)
    remarks: tuple[Fault, ...] = ()
    virtuals: tuple[Virtual, ...] = ()

    @cached_property
    def signals(self) -> tuple[Tag, ...]:
        """Everything that the process image holds: the tags, and behind them the virtual ones."""
        return (*self.tags, *(virtual.tag for virtual in self.virtuals))

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Name of a tag, virtual or not, to its number."""
        return {tag.tag: number for number, tag in enumerate(self.signals)}

    @cached_property
    def interlocks(self) -> tuple[Interlock, ...]:
        """The interlocks to witness; every condition names a tag, be it the virtual one of its expression."""
        return tuple(_on_tags(interlock) for interlock in self.description.rules.interlocks)

    @property
    def alarm_rules(self) -> Mapping[str, AlarmRule]:
        """The alarms by expression, by name; `config.series.when_name` is the virtual tag of one."""
        return self.description.rules.alarms

    @cached_property
    def virtual_groups(self) -> tuple[VirtualGroup, ...]:
        """The virtual tags by what they rest on, in the order of their numbers."""
        number_of = {(group.device, group.scan_class): group.number for group in self.groups}
        found: list[VirtualGroup] = []
        for keys, members in groupby(self.virtuals, key=lambda virtual: virtual.groups):
            first = found[-1].first + found[-1].count if found else 0
            groups = tuple(sorted(number_of[key] for key in keys))
            found.append(VirtualGroup(groups=groups, first=first, count=len(list(members))))
        return tuple(found)

    def place_of(self, number: int) -> Place:
        """Where a tag is described, virtual or not."""
        if number < len(self.tags):
            return self.places[number]
        loc = self.virtuals[number - len(self.tags)].loc
        known = (loc[:length] for length in range(len(loc), 0, -1))
        return next((self.where[part] for part in known if part in self.where), self.places[0])

    def spelled(self, place: Place) -> str:
        """Return a place for people: its file as seen from the folder of `plant.yaml`, if within."""
        folder = next((mark.file.parent for mark in self.where.values()), None)
        if folder is None or not place.file.is_relative_to(folder):
            return str(place)
        return str(replace(place, file=place.file.relative_to(folder)))

    def signal(self, name: str) -> Tag:
        """The tag of this name, virtual or not."""
        return self.signals[self.number_of[name]]

    def virtual(self, name: str) -> Virtual | None:
        """The derived series of this name; None where it is a tag of the point tables."""
        number = self.number_of[name] - len(self.tags)
        return self.virtuals[number] if number >= 0 else None

    def period_ns(self, name: str) -> int:
        """The period in which a tag is scanned; of a virtual one that of its slowest input."""
        virtual = self.virtual(name)
        if virtual is not None:
            return virtual.period_ns
        return self.description.scan_classes[self.signal(name).scan_class].period

    def window(self, name: str) -> int:
        """After how many samples a spike has left the filters of a tag, virtual or not."""
        virtual = self.virtual(name)
        return virtual.window if virtual is not None else self.signal(name).window

    def delay_ns(self, name: str) -> int:
        """How much later than in the raw a change shows in the value of a tag, virtual or not."""
        virtual = self.virtual(name)
        return virtual.delay_ns if virtual is not None else self.signal(name).delay_ns(self.period_ns(name))

    def memory_ns(self, name: str) -> int:
        """How long ago that may be on which the value of a tag rests, virtual or not."""
        virtual = self.virtual(name)
        return virtual.memory_ns if virtual is not None else self.delay_ns(name)

    def device_of(self, group: ScanGroup) -> Device:
        """The device that a group polls."""
        return self.description.devices[group.device]

    def link_of(self, group: ScanGroup) -> Link:
        """The link that a group's device is on."""
        return self.description.links[self.device_of(group).link]

    def scan_class_of(self, group: ScanGroup) -> ScanClass:
        """The scan class of a group."""
        return self.description.scan_classes[group.scan_class]

    def tags_of(self, group: ScanGroup) -> tuple[Tag, ...]:
        """The tags of a group in image order."""
        return self.tags[group.span]


def number_tags(
    description: Description,
    rows: list[tuple[Tag, Place]],
    digest: str,
    where: Mapping[Loc, Place] | None = None,
    remarks: tuple[Fault, ...] = (),
) -> Plant:
    """Number the tags so that every scan group owns one contiguous slice, in table order."""
    members: dict[tuple[str, str], list[tuple[Tag, Place]]] = {}
    for tag, place in rows:
        members.setdefault((tag.device, tag.scan_class), []).append((tag, place))
    groups: list[ScanGroup] = []
    for (device, scan_class), inside in members.items():
        first = groups[-1].first + groups[-1].count if groups else 0
        groups.append(
            ScanGroup(
                number=len(groups), device=device, scan_class=scan_class, first=first, count=len(inside)
            )
        )
    numbered = [row for inside in members.values() for row in inside]
    tags = tuple(tag for tag, _ in numbered)
    return Plant(
        description=description,
        tags=tags,
        groups=tuple(groups),
        places=tuple(place for _, place in numbered),
        digest=digest,
        where=where or {},
        remarks=remarks,
        virtuals=_virtuals(description, tags),
    )


def _virtuals(description: Description, tags: tuple[Tag, ...]) -> tuple[Virtual, ...]:
    """Return the derived series of a description that has no faults, in the order of their numbers."""
    rules = description.rules
    conditions = [
        (condition_name(interlock.name, part), ("rules", "interlocks", number, *part), condition)
        for number, interlock in enumerate(rules.interlocks)
        for part, condition in conditions_of(interlock)
    ]
    declared = declared_of(rules.series, rules.alarms, conditions)
    period_of = {name: scan_class.period for name, scan_class in description.scan_classes.items()}
    found = resolve(declared, tags, period_of)
    assert not found.faults, "the loader lets no faulty expression pass"
    return tuple(found.virtuals)


def _on_tags(interlock: Interlock) -> Interlock:
    """Return an interlock whose expressions have become comparisons of their virtual tags."""
    single = {
        key: _on_tag(interlock.name, (key,), condition)
        for key in SINGLE_CONDITIONS
        if (condition := getattr(interlock, key)) is not None
    }
    several = {
        key: tuple(
            _on_tag(interlock.name, (key, number), condition)
            for number, condition in enumerate(getattr(interlock, key))
        )
        for key in ("also", "effects")
    }
    return interlock.model_copy(update={**single, **several})


def _on_tag(interlock: str, part: tuple[str | int, ...], condition: Condition) -> Condition:
    if condition.when is None:
        return condition
    return condition.model_copy(update={"tag": condition_name(interlock, part), "equals": 1.0})
