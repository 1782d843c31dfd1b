"""Tells the journal of addresses that a device does not serve, by the line of the point table."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from config.faults import Place
from config.tags import Tag
from config.text import Text, text
from config.vocabulary import Misconduct
from drivers.modbus.planner import Range

_MOST_LINES: Final = 10
"""Told one by one; a device that serves nothing of a long table is told in short."""

_WORDS: Final[dict[int, Text]] = {
    Misconduct.SILENT: text("the device falls silent at this address"),
    Misconduct.GARBLED: text("the device answers wrongly at this address"),
    Misconduct.HUNG_UP: text("the device hangs up at this address"),
}

_log: Final = logging.getLogger("fengsui.modbus")


class Herald:
    """Says what one device refuses; `wanted`: what each of its tags asks for, and where that stands."""

    def __init__(self, device: str, wanted: Iterable[tuple[Range, Tag, Place]]) -> None:
        self._device = device
        self._wanting: dict[Range, list[tuple[Tag, Place]]] = defaultdict(list)
        for asked, tag, place in wanted:
            self._wanting[asked].append((tag, place))
        self._fenced: list[tuple[Range, int]] = []
        self._cleared = 0

    def fenced(self, found: Range, code: int) -> None:
        """Note that a range is fenced off with an exception code, or what stands for one."""
        self._fenced.append((found, code))

    def cleared(self, count: int) -> None:
        """Note that so many ranges are asked for again."""
        self._cleared += count

    def tell(self) -> None:
        """Write what was noted."""
        if self._cleared:
            _log.info(text("refused addresses are asked for again"), extra={"facts": self._facts()})
        for found, code in self._fenced[:_MOST_LINES]:
            for tag, place in self._wanting[found]:
                facts = {**self._facts(), "tag": tag.tag, "address": tag.address, "at": place}
                facts |= {} if code in _WORDS else {"exception": code}
                _log.warning(_why(code), extra={"facts": facts})
        if (more := len(self._fenced) - _MOST_LINES) > 0:
            _log.warning(text("more addresses are not served"), extra={"facts": self._facts(count=more)})
        self._fenced, self._cleared = [], 0

    def _facts(self, **more: object) -> dict[str, object]:
        return {"device": self._device, **more}


def _why(code: int) -> Text:
    return _WORDS.get(code, text("address refused by the device"))
