"""The program's own log lines: transitions, in the person's language, with a priority under systemd.

INFO: it did what it should. WARN: odd, nothing lost. ERROR: data lost, or somebody must come.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Final

from config.text import Language, Text

_PRIORITIES: Final = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6}
_WORDS: Final = {logging.ERROR: "ERROR", logging.WARNING: "WARN ", logging.INFO: "INFO "}

_log: Final = logging.getLogger("fengsui")


def open_journal(language: Language) -> None:
    """Send all log lines to stderr; with `<N>` priorities and no time where journald adds its own.

    What libraries warn of becomes lines, too.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(language, under_systemd="JOURNAL_STREAM" in os.environ))
    logging.getLogger().addHandler(handler)
    _log.setLevel(logging.INFO)


def info(words: Text, **facts: object) -> None:
    """Say that the program did what it should."""
    _log.info(words, extra={"facts": facts})


def warn(words: Text, **facts: object) -> None:
    """Say something odd; nothing is lost."""
    _log.warning(words, extra={"facts": facts})


def error(words: Text, **facts: object) -> None:
    """Say that data were lost, or that somebody must come."""
    _log.error(words, extra={"facts": facts})


class _Lines(logging.Formatter):
    """`2026-09-01T22:04:05+0800 WARN  device lost  device=casting-plc cause=link down`."""

    def __init__(self, language: Language, *, under_systemd: bool) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%S%z")
        self._language = language
        self._under_systemd = under_systemd

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        facts: dict[str, object] = getattr(record, "facts", {})
        said = [self._words(record), *(f"{key}={self._shown(fact)}" for key, fact in facts.items())]
        if record.exc_info:
            said.append(f"\n{self.formatException(record.exc_info)}")
        level = min(record.levelno, logging.ERROR)
        if self._under_systemd:
            return f"<{_PRIORITIES[level]}>{' '.join(said)}"
        return f"{self.formatTime(record, self.datefmt)} {_WORDS[level]} {' '.join(said)}"

    def _words(self, record: logging.LogRecord) -> str:
        """Return our own words in the person's language, a library's with its name."""
        if isinstance(record.msg, Text):
            return self._shown(record.msg)
        return f"{record.name}: {record.getMessage()}"

    def _shown(self, found: object) -> str:
        return found.show(self._language) if isinstance(found, Text) else str(found)
