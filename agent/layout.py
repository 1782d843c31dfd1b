"""Where things lie in and beside the state directory."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

SOCKET_NAME: Final = "fengsui.sock"
_DEFAULT: Final = Path("/var/lib/fengsui")
_RAM: Final = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one agent, following systemd's directories where it sets them."""

    state: Path

    @classmethod
    def of(cls, requested: Path | None, described: Path = _DEFAULT) -> Self:
        """Choose the state directory: the requested one, $STATE_DIRECTORY, or the described one."""
        return cls(requested or _from_systemd("STATE_DIRECTORY") or described)

    @property
    def log(self) -> Path:
        """The store-and-forward log."""
        return self.state / "log"

    @property
    def certificates(self) -> Path:
        """Our own certificate for OPC UA, and those of servers."""
        return self.state / "certificates"

    @property
    def ram(self) -> Path:
        """The log, while the state directory's disk cannot be trusted: the same one after every restart."""
        runtime = _from_systemd("RUNTIME_DIRECTORY")
        if runtime is not None:
            return runtime / "log"
        state = hashlib.sha256(os.fsencode(self.state.absolute())).hexdigest()[:16]
        return _RAM / f"fengsui-{os.geteuid()}-{state}"

    @property
    def kernel_cache(self) -> Path:
        """Compiled kernels; may be deleted at any time."""
        return (_from_systemd("CACHE_DIRECTORY") or self.state / "cache") / "kernels"

    @property
    def socket(self) -> Path:
        """The status API."""
        return (_from_systemd("RUNTIME_DIRECTORY") or self.state) / SOCKET_NAME


def _from_systemd(name: str) -> Path | None:
    found = os.environ.get(name)
    return Path(found) if found else None
