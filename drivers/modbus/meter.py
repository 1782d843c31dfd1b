"""What a link's questions cost, as measured: learnt from every answer, in a few operations each. Pure."""

from __future__ import annotations

from typing import Final

from drivers.modbus.planner import Cost

_FORGETS: Final = 0.99  # per answer: what was a few hundred answers ago counts no more
_ENOUGH: Final = 30.0  # answers, decayed, from which something is said
_LEAST_SPREAD_WORDS2: Final = 4.0  # variance of the lengths from which a word's own cost can be told
_WINDOW_S: Final = 60.0


class Meter:
    """The cost of requests and the load of one link. Times are seconds of one steady clock.

    `configured`: what is believed until enough was measured, and of words while all answers are as long.
    """

    def __init__(self, configured: Cost) -> None:
        self._configured = configured
        self._count = 0.0
        self._words = 0.0
        self._us = 0.0
        self._words_words = 0.0
        self._words_us = 0.0
        self._busy_s = 0.0
        self._since_s: float | None = None
        self._last_load: float | None = None

    def answered(self, words: float, took_s: float, now_s: float) -> None:
        """Take in that an answer of so many words kept the link busy for `took_s`."""
        took_us = 1e6 * took_s
        self._count = _FORGETS * self._count + 1
        self._words = _FORGETS * self._words + words
        self._us = _FORGETS * self._us + took_us
        self._words_words = _FORGETS * self._words_words + words * words
        self._words_us = _FORGETS * self._words_us + words * took_us
        self.busy(took_s, now_s)

    def busy(self, took_s: float, now_s: float) -> None:
        """Take in that the link was busy for `took_s`, whatever came of it."""
        self._roll(now_s)
        self._busy_s += took_s

    @property
    def cost(self) -> Cost | None:
        """What requests and words cost of late; None before enough was measured.

        Least squares of microseconds over words, with exponentially fading weights.
        """
        if self._count < _ENOUGH:
            return None
        mean_words, mean_us = self._words / self._count, self._us / self._count
        spread = self._words_words / self._count - mean_words**2
        word_us = self._configured.word_us
        if spread >= _LEAST_SPREAD_WORDS2:
            word_us = max(0.0, (self._words_us / self._count - mean_words * mean_us) / spread)
        return Cost(request_us=max(1.0, mean_us - word_us * mean_words), word_us=word_us)

    def load(self, now_s: float) -> float | None:
        """Return the share of the last whole minute in which the link was busy; None before one is over."""
        self._roll(now_s)
        return self._last_load

    def _roll(self, now_s: float) -> None:
        if self._since_s is None:
            self._since_s = now_s
        elapsed_s = now_s - self._since_s
        if elapsed_s >= _WINDOW_S:
            self._last_load = self._busy_s / elapsed_s
            self._busy_s, self._since_s = 0.0, now_s
