"""An account over all simulated devices of all processes, so that a whole test run can be asked who wrote.

Where `$FENGSUI_WRITE_LEDGER` names a file, every simulated device adds a line when it is made, and one for
every write request at the moment it arrives: a process that is killed has told it all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VARIABLE: Final = "FENGSUI_WRITE_LEDGER"
_DEVICE, _WRITE = "device", "write"


@dataclass(frozen=True, slots=True)
class Account:
    """How many devices were simulated, and what they were asked to write."""

    devices: int
    writes: tuple[str, ...]


def note_device(kind: str) -> None:
    """Enter a device that is now there to be written to."""
    _enter(f"{_DEVICE} {kind}")


def note_write(kind: str, what: object) -> None:
    """Enter a write request."""
    _enter(f"{_WRITE} {kind} {what}")


def read_account(path: Path) -> Account:
    """Return what a ledger says."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    writes = tuple(line.removeprefix(_WRITE).strip() for line in lines if line.startswith(_WRITE))
    return Account(devices=sum(line.startswith(_DEVICE) for line in lines), writes=writes)


def _enter(line: str) -> None:
    if ledger := os.environ.get(VARIABLE):
        descriptor = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, f"{line}\n".encode())  # one write to the end: lines never mix
        finally:
            os.close(descriptor)
