"""Instants and lengths of time as people read them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from config.text import Text, text

_MIN_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400


def local_clock(utc_s: float, now_utc_s: float) -> str:
    """Return an instant by the clock here; with the date where that is not today."""
    then, now = (datetime.fromtimestamp(instant).astimezone() for instant in (utc_s, now_utc_s))
    return then.strftime("%H:%M:%S" if then.date() == now.date() else "%Y-%m-%d %H:%M:%S")


def span_of(seconds: float) -> Text:
    """Return a length of time in one unit or two: as exactly as somebody cares who reads it."""
    if round(seconds) < 2 * _MIN_S:
        return text("{seconds} s", seconds=round(seconds))
    if round(seconds / _MIN_S) < 60:
        return text("{minutes} min", minutes=round(seconds / _MIN_S))
    minutes = round(seconds / _MIN_S)
    if minutes < 2 * _DAY_S / _MIN_S:
        return _two(text("{hours} h", hours=minutes // 60), text("{minutes} min", minutes=minutes % 60))
    hours = round(seconds / _HOUR_S)
    return _two(text("{days} d", days=hours // 24), text("{hours} h", hours=hours % 24))


def _two(whole: Text, part: Text) -> Text:
    """Return both parts; the smaller only where there is any of it."""
    ((_, count),) = part.arguments
    return text("{whole} {part}", whole=whole, part=part) if count else whole
