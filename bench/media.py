"""File systems of a run's own for the state folder, and what can befall them; needs root."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Final

_SIZE_MB: Final = 64
_OPTIONS: Final = "loop,errors=remount-ro"
_LEFT_WITHIN_S: Final = 10.0
_FILL_EVERY_S: Final = 0.05


@contextmanager
def tmpfs(place: Path) -> Iterator[None]:
    """Mount a small file system in RAM at `place` while inside."""
    place.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE_MB}m", "tmpfs", place)
    try:
        yield
    finally:
        _run("umount", "--lazy", place)


@contextmanager
def ext4(place: Path) -> Iterator[None]:
    """Mount a small ext4, as eMMC carries it, at `place` while inside; its image lies beside."""
    place.mkdir()
    with _image(place).open("wb") as image:
        image.truncate(_SIZE_MB << 20)
    _run("mkfs.ext4", "-q", _image(place))
    _run("mount", "-o", _OPTIONS, _image(place), place)
    try:
        yield
    finally:
        _run("umount", "--lazy", place)


def die(place: Path) -> None:
    """Have an ext4 answer everything with an I/O error from now on, as a medium that has gone."""
    _run("xfs_io", "-x", "-c", "shutdown", place)


def abort(place: Path) -> None:
    """Have an ext4 become read-only under its writers, as it does itself where its journal fails."""
    _run("mount", "-o", "remount,abort", place)


def replace(place: Path) -> None:
    """Mount an ext4 anew that died or became read-only, as soon as nobody uses it any more."""
    deadline = time.monotonic() + _LEFT_WITHIN_S
    while subprocess.run(["umount", place], capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{place} is still in use")
        time.sleep(_FILL_EVERY_S)
    _run("mount", "-o", _OPTIONS, _image(place), place)


@contextmanager
def filled(place: Path) -> Iterator[None]:
    """Keep a file system without a free block while inside: what is freed is taken at once."""
    done = Event()
    filler = place / "filler"

    def fill() -> None:
        with filler.open("wb", buffering=0) as file:
            while not done.wait(_FILL_EVERY_S):
                for size in (1 << 16, 1 << 12):
                    with suppress(OSError):
                        while file.write(bytes(size)) == size:
                            pass

    thread = Thread(target=fill)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        filler.unlink()


def _image(place: Path) -> Path:
    return place.with_name("image")


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True)
