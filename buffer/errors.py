"""Why a log cannot be opened; each with words for people."""

from __future__ import annotations

from config.text import Text


class LogError(Exception):
    """The log cannot be opened; nothing was changed."""

    def __init__(self, words: Text) -> None:
        self.words = words
        super().__init__(str(words))


class AlreadyRunning(LogError):  # noqa: N818 - the failure's own word
    """Another agent holds this directory."""


class DirectoryUnusable(LogError):  # noqa: N818
    """The directory cannot be made, read or written."""


class NewerFormat(LogError):  # noqa: N818
    """A segment was written by a newer version than this program reads."""
