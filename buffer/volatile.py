"""When the disk cannot be trusted: go on in RAM, say so, and know when the disk can be trusted again.

A failed sync ends the process, because trying again could report success without storing. If the next start
cannot sync either, ending again would help nobody: the same log is then kept in a directory in RAM, small,
with everything it does but survive the machine. What it holds is *volatile*: the agent must mark what it
sends from it, and alarm. Either log goes on from the state that the other left.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from buffer.disk import Disk, SyncFailed, no_room
from buffer.errors import DirectoryUnusable
from buffer.index import Segment
from buffer.inspect import survey
from buffer.intake import Preamble
from buffer.log import Log
from buffer.preambles import newest
from buffer.recover import Recovery, previous_run, recover
from config.models import LogSettings
from config.text import Text, text
from config.vocabulary import RecordKind

MOST_IN_RAM_BYTES: Final = 64_000_000
_OF_THE_MEDIUM: Final = frozenset({errno.EIO, errno.EROFS, errno.ENODEV, errno.ENXIO})


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatile:
    """Why a log is in RAM (`words`), and where it should be."""

    words: Text
    directory: Path
    disk: Disk

    def healed(self) -> bool:
        """Tell whether a log can be opened in the directory again. Blocks on the disk: not in the loop.

        The agent then lets the log in RAM run dry and starts anew. A directory that this user may not use
        would only end that start; a full one would not.
        """
        failure = _fault(self.disk, self.directory)
        return failure is None or (isinstance(failure, OSError) and no_room(failure))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A log, and where it is: `volatile` is None on the disk. `healed`: until this start it was in RAM."""

    log: Log
    volatile: Volatile | None
    healed: bool


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
    oldest: Collection[str] = (),
) -> Opened:
    """Open the log of a directory, or where that cannot be synced a volatile one in `ram`.

    What an earlier volatile log in `ram` could not send is lost once the directory is used again, and
    recorded as such. Otherwise as `Log.open`, whose exceptions it raises.
    """
    disk = disk or Disk()
    words = distrust(disk, directory)
    in_ram_before = _is_ours(ram)
    other: list[Segment] = []
    if words is not None or in_ram_before:
        other = _look_into(ram if words is None else directory)
    log = Log.open(
        directory if words is None else ram,
        run=run,
        boot_id=boot_id,
        settings=settings if words is None else _small(settings),
        uplinks=uplinks,
        preamble=preamble,
        on_stored=on_stored,
        disk=disk if words is None else None,
        oldest=oldest,
        starts_before=_starts(other),
    )
    if words is not None:
        if log.recovery.previous is None:
            log.recovery = _going_on_from(log.recovery, other)
        return Opened(log=log, volatile=Volatile(words=words, directory=directory, disk=disk), healed=False)
    if in_ram_before:
        log.recovery = _going_on_from(log.recovery, other)
        _take_losses(log, ram, run, uplinks)
    return Opened(log=log, volatile=None, healed=in_ram_before)


def distrust(disk: Disk, directory: Path) -> Text | None:
    """Return why nothing can be stored in a directory whatever is done there; None where it seems possible.

    Only a medium that fails or cannot be written counts: lacking permission, a file in the directory's place
    or a full disk are for `Log.open` to judge.
    """
    failure = _fault(disk, directory)
    if isinstance(failure, SyncFailed):
        return text("{directory} cannot be synced: {reason}", directory=directory, reason=str(failure))
    if failure is not None and failure.errno in _OF_THE_MEDIUM:
        return text("{directory} cannot be written: {reason}", directory=directory, reason=failure.strerror)
    return None


def _fault(disk: Disk, directory: Path) -> OSError | SyncFailed | None:
    """Try a directory out; return what went wrong."""
    try:
        _try_out(disk, directory / "probe")
    except (OSError, SyncFailed) as error:
        return error
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


def _is_ours(ram: Path) -> bool:
    """Tell whether there is a directory in RAM from before. Raises DirectoryUnusable for a stranger's."""
    try:
        found = ram.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise DirectoryUnusable(text("{directory} belongs to somebody else; remove it", directory=ram))
    return True


def _look_into(directory: Path) -> list[Segment]:
    """Return what the other log has; nothing where it cannot be read."""
    with suppress(OSError):
        return survey(directory)
    return []


def _starts(segments: Sequence[Segment]) -> int:
    """Return how often an agent had started when the newest of another log's segments was begun."""
    previous = previous_run(segments)
    return 0 if previous is None else previous.start


def _going_on_from(recovery: Recovery, segments: Sequence[Segment]) -> Recovery:
    """Return what to go on from where another log, if it could be read, has the newest run."""
    with suppress(OSError):
        if segments:
            return replace(
                recovery,
                previous=previous_run(segments),
                state=newest(segments, RecordKind.STATE),
                anchor=newest(segments, RecordKind.ANCHOR),
            )
    return recovery


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
