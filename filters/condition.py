"""Conditioning: from what a device sent to a value that may be judged, by tables.

Sentinel map, raw range (NAMUR NE 43), scale and offset, plausible range and rate, median of 3, 5 or 7. A Bad
reading has the value NaN.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from config.plant import Plant, ScanGroup
from config.tags import Tag
from config.vocabulary import DETAIL_MASK, Reason, bad
from filters.image import Image
from filters.layout import CONDITIONING, LONGEST_WINDOW, SENTINEL, Float64s, Records, Table, Uint32s

if TYPE_CHECKING:
    from filters.kernels import Kernels


class Conditioner:
    """The tables of conditioning and the windows of its medians."""

    def __init__(self, plant: Plant, image: Image, groups: Table, kernels: Kernels) -> None:
        count = len(plant.tags)
        tags, sentinels = _tables(plant.tags)
        arrived: Uint32s = np.zeros(count, dtype=np.uint32)
        windows = np.zeros((count, LONGEST_WINDOW))
        self._raw = [image.raw[group.span] for group in plant.groups]
        self._arrived = [arrived[group.span] for group in plant.groups]
        self._run = partial(
            kernels.condition,
            groups,
            kernels.lay(tags),
            kernels.lay(sentinels),
            kernels.lay(windows),
            arrived,
            image.raw,
            image.scaled,
            image.value,
            image.quality,
            image.boot_ns,
            image.since_boot_ns,
        )

    def condition(self, group: ScanGroup, raw: Float64s, quality: Uint32s, boot_ns: int) -> None:
        """Write one scan of a group (float64[n], uint32[n], any layout) into its slice of the image."""
        self._raw[group.number][:] = raw
        self._arrived[group.number][:] = quality
        self._run(group.number, boot_ns)


def _tables(tags: tuple[Tag, ...]) -> tuple[Records, Records]:
    codes = [(place, *row) for place, tag in enumerate(tags) for row in _sentinels(tag)]
    ends = np.cumsum([len(tag.sentinels) for tag in tags], dtype=np.int64)
    table: Records = np.zeros(len(tags), CONDITIONING)
    table["scale"] = [tag.scale for tag in tags]
    table["offset"] = [tag.offset for tag in tags]
    table["raw_low"] = [-math.inf if tag.raw_low is None else tag.raw_low for tag in tags]
    table["raw_high"] = [math.inf if tag.raw_high is None else tag.raw_high for tag in tags]
    table["plausible_low"] = [-math.inf if tag.plausible_low is None else tag.plausible_low for tag in tags]
    table["plausible_high"] = [math.inf if tag.plausible_high is None else tag.plausible_high for tag in tags]
    table["max_rate"] = [math.inf if tag.max_rate is None else tag.max_rate / 1e9 for tag in tags]
    table["last"] = math.nan
    table["window"] = [tag.window for tag in tags]
    table["end_sentinel"] = ends
    table["first_sentinel"][1:] = ends[:-1]
    return table, np.array([row[1:] for row in codes], dtype=SENTINEL)


def _sentinels(tag: Tag) -> list[tuple[float, int]]:
    """Return what a tag's codes look like when they arrive, and the quality each gives."""
    return [(tag.as_sent(code), sentinel_quality(code)) for code in tag.sentinels]


def sentinel_quality(code: float) -> int:
    """Return the quality of a reading that is a code; its detail is the code where that fits, else 0."""
    fits = code.is_integer() and 0 <= code <= DETAIL_MASK
    return bad(Reason.SENTINEL, detail=int(code) if fits else 0)
