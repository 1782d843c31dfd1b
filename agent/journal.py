"""The program's own log lines: transitions, in the person's language, with a priority under systemd.

INFO: it did what it should. WARN: odd, nothing lost. ERROR: data lost, or somebody must come.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

from config.text import Language, Text

_PRIORITIES: Final = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}

_log = structlog.get_logger()


def open_journal(language: Language) -> None:
    """Send all log lines to stderr; with `<N>` priorities and no time where journald adds its own."""
    under_systemd = "JOURNAL_STREAM" in os.environ
    stamps = [] if under_systemd else [structlog.processors.TimeStamper(fmt="iso", utc=False)]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _in_language(language),
            *stamps,
            _with_priority if under_systemd else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def info(words: Text, **facts: object) -> None:
    """Say that the program did what it should."""
    _log.info(words, **facts)


def warn(words: Text, **facts: object) -> None:
    """Say something odd; nothing is lost."""
    _log.warning(words, **facts)


def error(words: Text, **facts: object) -> None:
    """Say that data were lost, or that somebody must come."""
    _log.error(words, **facts)


def _in_language(language: Language) -> structlog.typing.Processor:
    def show(_logger: object, _name: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {
            key: value.show(language) if isinstance(value, Text) else value for key, value in entry.items()
        }

    return show


def _with_priority(_logger: object, _name: str, entry: Mapping[str, Any]) -> str:
    facts = " ".join(f"{key}={value}" for key, value in entry.items() if key not in ("event", "level"))
    return f"<{_PRIORITIES[entry['level']]}>{entry['event']} {facts}".rstrip()
