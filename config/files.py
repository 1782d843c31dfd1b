"""Reading whole files, with failures in words."""

from __future__ import annotations

from pathlib import Path

from config.faults import WrongValue
from config.text import text


def read_file(path: Path) -> bytes:
    """Return a file's content. Raises WrongValue where it cannot be had."""
    if _is_special(path):
        raise WrongValue(text('"{path}" is a device or a pipe; name a file', path=path))
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise WrongValue(text('there is no file "{path}"; check its name and folder', path=path)) from error
    except IsADirectoryError as error:
        raise WrongValue(text('"{path}" is a folder; name the file in it', path=path)) from error
    except PermissionError as error:
        raise WrongValue(
            text('"{path}" may not be read by this user; check its owner and mode', path=path)
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise WrongValue(text('"{path}" cannot be read; check the path and the disk', path=path)) from error


def is_folder(path: Path) -> bool:
    """Tell whether there is a folder; where that cannot be known, reading a file there will say why not."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_special(path: Path) -> bool:
    try:
        return path.exists() and not path.is_file() and not path.is_dir()
    except OSError:
        return False
