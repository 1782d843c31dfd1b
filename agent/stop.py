"""The request to stop: a signal, and who sent it."""

from __future__ import annotations

import asyncio
import pwd
import signal
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Final

SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
_NOBODY: Final = 2**32 - 1
"""/proc/PID/loginuid of what no login started."""


@dataclass(slots=True)
class Stop:
    """Is asked once; `by`: who asked, for people."""

    by: str = ""
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self, by: str) -> None:
        """Ask for an orderly stop."""
        if not self.asked:
            self.by = by
            self._asked.set()

    @property
    def asked(self) -> bool:
        """Tell whether it was asked for."""
        return self._asked.is_set()

    async def wait(self) -> None:
        """Return when it was asked for."""
        await self._asked.wait()


def hold_signals() -> None:
    """Keep SIGTERM and SIGINT for `stop_on_signals`; before the first thread is started, libraries' included.

    asyncio's own handlers do not tell who sent a signal; a thread that waits for it hears that, provided that
    every thread of the process blocks it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def stop_on_signals() -> Stop:
    """Return a request that SIGTERM and SIGINT make; the event loop's thread calls this once."""
    stop, loop = Stop(), asyncio.get_running_loop()

    def take() -> None:
        while True:
            by = _sender(signal.sigwaitinfo(SIGNALS))
            if not loop.is_closed():
                loop.call_soon_threadsafe(stop.ask, by)

    Thread(target=take, name="signals", daemon=True).start()
    return stop


def _sender(found: signal.struct_siginfo) -> str:
    """Return who sent a signal: `SIGTERM from systemd[1] of root`; a key that was pressed has no process."""
    name = signal.Signals(found.si_signo).name
    if not found.si_pid:
        return name
    process = Path("/proc") / str(found.si_pid)
    program = _read(process / "comm") or "?"
    return f"{name} from {program}[{found.si_pid}] of {_user(process, found.si_uid)}"


def _user(process: Path, uid: int) -> str:
    """Return who logged in to start a process, where the kernel's audit knows; else whose it is."""
    logged_in = _read(process / "loginuid")
    if logged_in.isdigit() and int(logged_in) != _NOBODY:
        uid = int(logged_in)
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""  # it has ended meanwhile, or is not ours to know
