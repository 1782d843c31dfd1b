"""What stands in a file of the file drop: messages as they are, and an end that tells whether it is whole.

    fengsui-drop/1
    <kind> <bytes of the payload> <1 where the newest of its kind is to be kept, else 0>
    <payload>
    ...
    end <number of messages> <SHA-256 of everything before this line, in hexadecimal>

Lines end with a line feed, so does each payload. A payload may hold any bytes; those of `fengsui/1` are one
line of JSON.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from agent.uplinks.contract import Message

SUFFIX: Final = ".fengsui"
PART: Final = ".part"
"""What a file is called while it is written; it begins with a dot, too."""
_FIRST: Final = b"fengsui-drop/1\n"


class NotWhole(Exception):  # noqa: N818 - what is the case
    """A file is no drop, or not all of one."""


def pack_file(messages: Iterable[Message]) -> bytes:
    """Return a file's content."""
    parts, count = [_FIRST], 0
    for message in messages:
        head = f"{message.kind} {len(message.payload)} {int(message.retain)}\n"
        parts += [head.encode(), message.payload, b"\n"]
        count += 1
    content = b"".join(parts)
    return content + f"end {count} {hashlib.sha256(content).hexdigest()}\n".encode()


def unpack_file(content: bytes) -> list[Message]:
    """Return a file's messages. Raises NotWhole."""
    body, messages = _checked(content), []
    at = len(_FIRST)
    while at < len(body):
        head, _, _ = body[at : at + 200].partition(b"\n")
        kind, size, retain = _head(head)
        begin = at + len(head) + 1
        at = begin + size + 1
        messages.append(Message(kind=kind, payload=body[begin : at - 1], retain=retain))
    return messages


def _checked(content: bytes) -> bytes:
    """Return what stands before the last line, which must vouch for it."""
    end = content.rstrip(b"\n").rfind(b"\nend ") + 1
    if not content.startswith(_FIRST) or not end or not content.endswith(b"\n"):
        raise NotWhole("no end")
    body, (_, _, digest) = content[:end], _words(content[end:], 3)
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise NotWhole("the digest does not fit")
    return body


def _head(line: bytes) -> tuple[str, int, bool]:
    kind, size, retain = _words(line, 3)
    if not size.isdigit():
        raise NotWhole("a size is no number")
    return kind.decode(errors="replace"), int(size), retain == b"1"


def _words(line: bytes, count: int) -> list[bytes]:
    words = line.split()
    if len(words) != count:
        raise NotWhole("a line has too many words, or too few")
    return words
