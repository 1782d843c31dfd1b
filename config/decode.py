"""Bytes of a file to text: UTF-8 with or without a byte order mark, or GB18030."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Final, Literal

UNREADABLE: Final = "\ufffd"
"""Stands where bytes could not be decoded."""

Encoding = Literal["UTF-8", "GB18030"]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text and the encoding it is in; `UNREADABLE` characters stand for bytes that do not fit it."""

    text: str
    encoding: Encoding


def decode(raw: bytes) -> Decoded:
    """Return the text of a file. Never raises: what cannot be decoded is marked."""
    marked = raw.startswith(codecs.BOM_UTF8)
    content = raw.removeprefix(codecs.BOM_UTF8)
    try:
        return Decoded(content.decode("utf-8"), "UTF-8")
    except UnicodeDecodeError:
        if marked or _is_damaged_utf8(content):
            return Decoded(content.decode("utf-8", "replace"), "UTF-8")
        return Decoded(content.decode("gb18030", "replace"), "GB18030")


def _is_damaged_utf8(content: bytes) -> bool:
    """Tell whether most of what is not ASCII reads as Chinese in UTF-8; GB18030 hardly ever does."""
    lenient = content.decode("utf-8", "replace")
    chinese = sum("\u3000" <= character <= "\u9fff" for character in lenient)
    return chinese > 2 * lenient.count(UNREADABLE)
