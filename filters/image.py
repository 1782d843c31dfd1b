"""The process image: what is known of every tag now, by tag number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from config.vocabulary import NOT_YET_READ
from filters.event import Evidence
from filters.layout import Float64s, Int64s, Uint32s


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Structure of arrays over tag numbers; only `filters` writes it.

    `raw`: as decoded by the driver. `scaled`: raw in engineering units, before the despike. `value`: what is
    judged and reported; NaN exactly where the quality is Bad. `quality`: see `config.vocabulary`.
    `boot_ns`: start of the scan that the raw came with, 0 before the first. `since_boot_ns`: since when the
    quality word has been what it is.
    """

    raw: Float64s
    scaled: Float64s
    value: Float64s
    quality: Uint32s
    boot_ns: Int64s
    since_boot_ns: Int64s

    @classmethod
    def blank(cls, tags: int) -> Image:
        """Return the image of `tags` tags of which none was read yet."""
        return cls(
            raw=np.full(tags, np.nan),
            scaled=np.full(tags, np.nan),
            value=np.full(tags, np.nan),
            quality=np.full(tags, NOT_YET_READ, dtype=np.uint32),
            boot_ns=np.zeros(tags, dtype=np.int64),
            since_boot_ns=np.zeros(tags, dtype=np.int64),
        )

    def evidence(self, tag: int) -> Evidence:
        """Return a tag's reading as it stands now."""
        return Evidence(
            tag=tag,
            raw=float(self.raw[tag]),
            value=float(self.value[tag]),
            quality=int(self.quality[tag]),
            boot_ns=int(self.boot_ns[tag]),
        )

    def all_evidence(self, tags: list[int]) -> Iterator[Evidence]:
        """Return readings as they stand now, one for each of `tags`; each is made when it is taken."""
        columns = (self.raw, self.value, self.quality, self.boot_ns)
        numbers = [column[tags].tolist() for column in columns]
        return (
            Evidence(tag=tag, raw=raw, value=value, quality=quality, boot_ns=boot_ns)
            for tag, raw, value, quality, boot_ns in zip(tags, *numbers, strict=True)
        )
