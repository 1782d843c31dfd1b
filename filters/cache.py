"""A directory for compiled code that can be trusted: whole, of this very version, and unchanged since.

A bit that flips in compiled code is a judgement that is wrong without a word, so the directory is sealed with
the SHA-256 of its content. It is built beside and moved into place, so that there is never half a cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PREFIX: Final = "kernels-"
_BUILDING: Final = "building-"
_SEAL: Final = "seal"
_BUILT_BY_THEN_S: Final = 3600


class Cache:
    """The place for what is compiled from `sources` on `host` (versions of tools, processor)."""

    def __init__(self, directory: Path, *, sources: Iterable[Path], host: Iterable[str]) -> None:
        digest = hashlib.sha256()
        for source in sources:
            digest.update(str(source).encode() + b"\0" + source.read_bytes() + b"\0")
        for fact in host:
            digest.update(fact.encode() + b"\0")
        self._directory = directory
        self.place = directory / f"{_PREFIX}{digest.hexdigest()[:32]}"

    def trusted(self) -> bool:
        """Tell whether the place holds what was sealed. Raises OSError where it cannot be read."""
        seal = self.place / _SEAL
        return seal.is_file() and seal.read_bytes() == _digest_of(self.place)

    @contextmanager
    def building(self) -> Iterator[Path]:
        """Give an empty directory to build in; afterwards it is sealed and in place, and all others are gone.

        Raises OSError where nothing can be written; then nothing is left of it.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=self._directory))
        try:
            yield building
            (building / _SEAL).write_bytes(_digest_of(building))
            self.wipe()
            self._tidy()
            building.rename(self.place)
        finally:
            shutil.rmtree(building, ignore_errors=True)

    def _tidy(self) -> None:
        """Remove what crashed while it was building; what is building now is younger."""
        for left in self._directory.glob(f"{_BUILDING}*"):
            if left.stat().st_mtime < time.time() - _BUILT_BY_THEN_S:
                shutil.rmtree(left, ignore_errors=True)

    def wipe(self) -> None:
        """Remove what was kept, of this and of older versions, as far as that can be done."""
        for old in self._directory.glob(f"{_PREFIX}*"):
            shutil.rmtree(old, ignore_errors=True)


def _digest_of(place: Path) -> bytes:
    digest = hashlib.sha256()
    for path in sorted(place.rglob("*")):
        if path.is_file() and path.name != _SEAL:
            digest.update(os.fsencode(path.relative_to(place)) + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest().encode()
