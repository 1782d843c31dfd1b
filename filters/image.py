"""The process image: what is known of every tag now, by tag number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from config.vocabulary import NOT_YET_READ
from filters.event import Evidence
from filters.layout import Float64s, Int64s, Uint32s

_ROWS_AT_ONCE: Final = 64


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

    def all_evidence(self, tags: Int64s) -> Iterator[Evidence]:
        """Return readings as they stand now, one for each of `tags`; each is made when it is taken."""
        columns = (tags, self.raw[tags], self.value[tags], self.quality[tags], self.boot_ns[tags])
        return (
            Evidence(tag=tag, raw=raw, value=value, quality=quality, boot_ns=boot_ns)
            for tag, raw, value, quality, boot_ns in rows_of(*columns)
        )


def rows_of(*columns: NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of columns of one length as plain Python values, a few at a time."""
    for start in range(0, len(columns[0]), _ROWS_AT_ONCE):
        yield from zip(*(column[start : start + _ROWS_AT_ONCE].tolist() for column in columns), strict=True)
