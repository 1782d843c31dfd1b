"""What this machine can do for a test, tried and not guessed; where it cannot, the skip says why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@contextmanager
def tmpfs(place: Path, options: str) -> Iterator[None]:
    """Mount a small file system at `place` while inside; skip where that is not allowed."""
    place.mkdir(exist_ok=True)
    why = complaint_of("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place))
    if why:
        pytest.skip(f"capability: no tmpfs can be mounted: {why}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(path: Path) -> None:
    """Leave not a single free block on a file system."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))


@cache
def no_fault_injection() -> str:
    """Return why strace cannot fail a system call here; empty where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    with TemporaryDirectory() as folder:
        script = f"import os; os.fdatasync(os.open({folder + '/x'!r}, os.O_CREAT | os.O_RDWR))"
        injected = subprocess.run(
            ["strace", *failing_sync(1), sys.executable, "-c", script],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    return "" if "Input/output error" in injected.stderr else injected.stderr.strip()[-200:]


def failing_sync(number: int) -> list[str]:
    """Return strace's options for a disk whose syncs fail from the given one on."""
    return [
        "-f",
        "--seccomp-bpf",
        "--quiet=all",
        "-e",
        "trace=fdatasync",
        "-e",
        f"inject=fdatasync:error=EIO:when={number}+",
    ]


def other_user() -> int:
    """Return a user id that is not ours, to be another person; skip where we cannot be anybody else."""
    if os.geteuid() != 0:
        pytest.skip("capability: only root can act as another user")
    return 65534


def complaint_of(*command: str) -> str:
    """Run a command; return what it complained of, empty where it succeeded."""
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    except FileNotFoundError:
        return f"{command[0]} is not installed"
    return (done.stderr.strip() or f"exit code {done.returncode}") if done.returncode else ""
