"""The unified social credit code (统一社会信用代码) of an enterprise, GB 32100-2015."""

from __future__ import annotations

from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
LENGTH: Final = 18


def looks_like_uscc(code: str) -> bool:
    """Tell whether a code has the length and the kinds of characters of one, right or wrong."""
    return len(code) == LENGTH and code.isascii() and code.isalnum() and code == code.upper()


def check_character(code: str) -> str | None:
    """Return what the 18th character must be (GB 32100, 5.5); None where another cannot be in a code."""
    if any(character not in _ALPHABET for character in code[:-1]):
        return None
    total = sum(
        _ALPHABET.index(character) * weight for character, weight in zip(code, _WEIGHTS, strict=False)
    )
    return _ALPHABET[-total % len(_ALPHABET)]
