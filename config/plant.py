"""The plant with its tags numbered: what the running program is wired from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from config.faults import Fault, Loc, Place
from config.links import Device, Link
from config.models import Description, ScanClass
from config.rules import Interlock
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


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A loaded and checked description; a tag's number is its index in `tags`.

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

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Tag name to number."""
        return {tag.tag: number for number, tag in enumerate(self.tags)}

    @property
    def interlocks(self) -> tuple[Interlock, ...]:
        """The interlocks to witness."""
        return self.description.rules.interlocks

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
    return Plant(
        description=description,
        tags=tuple(tag for tag, _ in numbered),
        groups=tuple(groups),
        places=tuple(place for _, place in numbered),
        digest=digest,
        where=where or {},
        remarks=remarks,
    )
