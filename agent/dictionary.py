"""The tag dictionary: what the numbers in DATA records and readings messages mean.

The body of a TAGS record is `TagsBody` as JSON; its digest is the `meta` that messages name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import TypeAdapter

from agent.bodies import unpack_json
from config.plant import Plant
from config.tags import Tag

DICTIONARIES_KEPT: Final = 8
_DIGEST_HEX: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TagFacts:
    """What a platform needs to know of one tag. value = raw * scale + offset, before any filter.

    `sentinels`: the meaning of raw numbers that are codes and no measurement, by the number as text; `enum`:
    what those mean that are states.
    """

    name: str
    code: str
    title: str
    unit: str
    device: str
    scan_class: str
    type: str
    scale: float
    offset: float
    range_low: float | None
    range_high: float | None
    limits: dict[str, float]
    safety: bool
    sentinels: dict[str, str] = field(default_factory=dict)
    enum: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The tag for people: its title, else its name."""
        return self.title or self.name

    def meaning_of(self, raw: float) -> str:
        """Return what a raw number means that is a state or a code; empty where it is a measurement."""
        spelled = repr(float(raw))
        return self.enum.get(spelled) or self.sentinels.get(spelled, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsBody:
    """The body of a TAGS record.

    `tags`: in order of their numbers, the virtual ones (derived series, which have no device) last.
    `interlocks`, `devices`: name to title. `suppression`: the rules that suppress readings, in the order of a
    DATA record's counters.
    """

    version: Literal[1] = 1
    tags: tuple[TagFacts, ...]
    interlocks: dict[str, str]
    suppression: tuple[str, ...]
    devices: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dictionary:
    """An unpacked TAGS body and its digest. `scale` and `offset` are float64[number of tags]."""

    meta: str
    tags: tuple[TagFacts, ...]
    interlocks: dict[str, str]
    devices: dict[str, str]
    suppression: tuple[str, ...]
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]


_BODY: Final = TypeAdapter(TagsBody)


def pack_tags(plant: Plant, suppression: Sequence[str]) -> bytes:
    """Return the TAGS body of a plant; `suppression` names the rules that suppress readings."""
    return orjson.dumps(
        TagsBody(
            tags=tuple(_facts(tag) for tag in plant.signals),
            interlocks={interlock.name: interlock.title for interlock in plant.interlocks},
            suppression=tuple(suppression),
            devices={name: device.title for name, device in plant.description.devices.items()},
        )
    )


@lru_cache(maxsize=DICTIONARIES_KEPT)
def unpack_tags(body: bytes) -> Dictionary:
    """Return the dictionary of a TAGS body; kept, for thousands of tags take long. Raises RecordError."""
    found = unpack_json(_BODY, body)
    return Dictionary(
        meta=hashlib.sha256(body).hexdigest()[:_DIGEST_HEX],
        tags=found.tags,
        interlocks=found.interlocks,
        devices=found.devices,
        suppression=found.suppression,
        scale=np.array([facts.scale for facts in found.tags], dtype=np.float64),
        offset=np.array([facts.offset for facts in found.tags], dtype=np.float64),
    )


def _facts(tag: Tag) -> TagFacts:
    return TagFacts(
        name=tag.tag,
        code=tag.code or tag.tag,
        title=tag.title,
        unit=tag.unit,
        device=tag.device,
        scan_class=tag.scan_class,
        type=tag.type.value,
        scale=tag.scale,
        offset=tag.offset,
        range_low=tag.range_low,
        range_high=tag.range_high,
        limits={limit.value: value for limit, value in tag.limits.items()},
        safety=tag.safety,
        sentinels={repr(float(tag.as_sent(code))): meaning for code, meaning in tag.sentinels.items()},
        enum={repr(float(state)): meaning for state, meaning in tag.enum.items()},
    )
