"""When the disk cannot be trusted: go on in RAM, say so, and know when the disk can be trusted again.

A failed sync ends the process, because trying again could report success without storing. If the next start
cannot sync either, ending again would help nobody: the same log is then kept in a directory in RAM, small,
with everything it does but survive the machine. What it holds is *volatile*: the agent must mark what it
sends from it, and alarm.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from buffer.disk import Disk, SyncFailed
from buffer.intake import Preamble
from buffer.log import Log
from buffer.recover import recover
from config.models import LogSettings
from config.text import Text, text

MOST_IN_RAM_BYTES: Final = 64_000_000
_OF_THE_MEDIUM: Final = frozenset({errno.EIO, errno.EROFS, errno.ENODEV, errno.ENXIO})


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatile:
    """Why a log is in RAM, and where it should be."""

    words: Text
    directory: Path
    disk: Disk

    def healed(self) -> bool:
        """Tell whether the directory can be written and synced again. Blocks on the disk: not in the loop.

        The agent then lets the log in RAM run dry and starts anew.
        """
        return distrust(self.disk, self.directory) is None


def open_somewhere(
    directory: Path,
    *,
    ram: Path,
    run: int,
    boot_id: str,
    settings: LogSettings,
    uplinks: Mapping[str, bool],
    preamble: Preamble,
    on_stored: Callable[[], None],
    disk: Disk | None = None,
) -> tuple[Log, Volatile | None]:
    """Open the log of a directory, or where that cannot be synced a volatile one in `ram`.

    What an earlier volatile log in `ram` could not send is lost once the directory is used again, and
    recorded as such. Otherwise as `Log.open`, whose exceptions it raises.
    """
    disk = disk or Disk()
    words = distrust(disk, directory)
    log = Log.open(
        directory if words is None else ram,
        run=run,
        boot_id=boot_id,
        settings=settings if words is None else _small(settings),
        uplinks=uplinks,
        preamble=preamble,
        on_stored=on_stored,
        disk=disk if words is None else None,
    )
    if words is not None:
        return log, Volatile(words=words, directory=directory, disk=disk)
    if ram.is_dir():
        _take_losses(log, ram, run, uplinks)
    return log, None


def distrust(disk: Disk, directory: Path) -> Text | None:
    """Return why nothing can be stored in a directory whatever is done there; None where it seems possible.

    Only a medium that fails or cannot be written counts: lacking permission, a file in the directory's place
    or a full disk are for `Log.open` to judge.
    """
    probe = directory / f"probe-{os.getpid()}"
    try:
        _try_out(disk, probe)
    except SyncFailed as error:
        return text("{directory} cannot be synced: {reason}", directory=directory, reason=str(error))
    except OSError as error:
        if error.errno not in _OF_THE_MEDIUM:
            return None
        return text("{directory} cannot be written: {reason}", directory=directory, reason=error.strerror)
    return None


def _try_out(disk: Disk, probe: Path) -> None:
    probe.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    disk.unlink(probe)
    descriptor = disk.create(probe)
    try:
        disk.write(descriptor, b"probe", 0)
        disk.sync(descriptor)
        disk.sync_directory(probe.parent)
    finally:
        disk.close(descriptor)
        disk.unlink(probe)


def _small(settings: LogSettings) -> LogSettings:
    return settings.model_copy(update={"cap": min(settings.cap, MOST_IN_RAM_BYTES)})


def _take_losses(log: Log, ram: Path, run: int, uplinks: Mapping[str, bool]) -> None:
    """Account for what a volatile log still held, and clear it away once that is stored."""
    books = recover(Disk(), ram, run=run, uplinks=uplinks).books
    held = {
        (uplink, stream): books.backlog(account, stream)
        for uplink, accounts in books.accounts.items()
        for stream, account in accounts.items()
    }
    log.inherit_losses(held, then=partial(shutil.rmtree, ram))
