"""A count that should arrive whole: which numbers of 1, 2, 3, ... are missing, which came twice."""

from __future__ import annotations


class Sequence:
    """Numbers that start at 1 and rise; they may arrive late or twice."""

    __slots__ = ("duplicates", "last", "missing")

    def __init__(self) -> None:
        self.last = 0
        self.missing: set[int] = set()
        self.duplicates = 0

    def take(self, number: int) -> bool:
        """Note one number; False when it was there already."""
        if number == self.last + 1:
            self.last = number
        elif number > self.last:
            self.missing.update(range(self.last + 1, number))
            self.last = number
        elif number in self.missing:
            self.missing.remove(number)
        else:
            self.duplicates += 1
            return False
        return True
