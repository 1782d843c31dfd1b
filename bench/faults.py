"""What a disk and a system can do to an agent, each as it really happens; all end with their `with` block."""

from __future__ import annotations

import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bench import media
from bench.stand import Medium, Stand

SLOW_SYNC_MS: Final = 500
_STRACE_ENDS_WITHIN_S: Final = 10.0

After = Literal["goes on", "restarts", "restarts in memory"]
"""What the agent must do by architecture's rules, seen from outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`strike`: inside, the fault lasts. `medium`: what the state folder is on. `log`: its settings."""

    name: str
    strike: Callable[[Stand], AbstractContextManager[None]]
    after: After
    medium: Medium = nullcontext
    log: str = "{cap: 100MB, segment: 200kB}"


@contextmanager
def _slow_sync(stand: Stand) -> Iterator[None]:
    with _injected(stand, f"fdatasync:delay_exit={SLOW_SYNC_MS * 1000}"):
        yield


@contextmanager
def _failed_sync(stand: Stand) -> Iterator[None]:
    with _injected(stand, "fdatasync:error=EIO:when=1"):
        yield


@contextmanager
def _dead_medium(stand: Stand) -> Iterator[None]:
    media.die(stand.subject.state)
    yield
    media.replace(stand.subject.state)


@contextmanager
def _read_only(stand: Stand) -> Iterator[None]:
    media.abort(stand.subject.state)
    yield
    media.replace(stand.subject.state)


@contextmanager
def _no_room(stand: Stand) -> Iterator[None]:
    with media.filled(stand.subject.state):
        yield


@contextmanager
def _no_descriptors(stand: Stand) -> Iterator[None]:
    pid = stand.subject.pid
    in_use = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (in_use, usual[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)


FAULTS: Final = (
    Fault(name="sync takes 0.5 s longer", strike=_slow_sync, after="goes on"),
    Fault(name="EIO on one sync", strike=_failed_sync, after="restarts"),
    Fault(name="EIO for ever", strike=_dead_medium, after="restarts in memory", medium=media.ext4),
    Fault(name="read-only", strike=_read_only, after="restarts in memory", medium=media.ext4),
    Fault(
        name="ENOSPC and back",
        strike=_no_room,
        after="goes on",
        medium=media.tmpfs,
        log="{cap: 4MB, segment: 500kB}",
    ),
    Fault(name="EMFILE and back", strike=_no_descriptors, after="goes on"),
)


@contextmanager
def _injected(stand: Stand, what: str) -> Iterator[None]:
    """Have strace meddle with every thread but the event loop's, which is not so much as traced."""
    pid = stand.subject.pid
    others = [task.name for task in Path(f"/proc/{pid}/task").iterdir() if task.name != str(pid)]
    threads = [word for task in others for word in ("-p", task)]
    command = ["strace", *threads, "--quiet=all", "-e", "trace=fdatasync", "-e", f"inject={what}"]
    with subprocess.Popen([*command, "-o", "/dev/null"]) as tracer:
        try:
            yield
        finally:
            tracer.send_signal(signal.SIGTERM)
            tracer.wait(_STRACE_ENDS_WITHIN_S)
