"""Looking into a log's directory from the command line: what may go wrong, said in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.cli.exits import Exit
from agent.cli.speech import fail
from buffer.errors import LogError
from config.text import text


@contextmanager
def looking_into(directory: Path) -> Iterator[None]:
    """End with words where this user may not look, or this program does not know the format."""
    try:
        yield
    except LogError as error:
        fail(error.words, Exit.CANNOT_CREATE)
    except OSError as error:
        reason = text("{path}: {reason}", path=error.filename or directory, reason=error.strerror)
        fail(reason, Exit.CANNOT_CREATE)
