"""Instants as people write them on the command line."""

from __future__ import annotations

import time
from datetime import datetime

import click

from agent.cli.speech import shown
from config.faults import WrongValue
from config.text import text
from config.units import parse_duration_ns


class Instant(click.ParamType[int]):
    """UTC in ns of `2026-09-01`, `2026-09-01T22:04`, `2026-09-01T14:04:05Z`, or `2h`: so long ago.

    Without an offset, by this machine's time zone.
    """

    name = "instant"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See `click.ParamType`."""
        try:
            return round(datetime.fromisoformat(value).timestamp() * 1e9)
        except ValueError:
            pass
        try:
            return time.time_ns() - parse_duration_ns(value)
        except WrongValue:
            words = text(
                '"{found}" is no time; write 2026-09-01, 2026-09-01T22:04, or 2h for 2 hours ago', found=value
            )
            self.fail(shown(words), param, ctx)


INSTANT = Instant()
