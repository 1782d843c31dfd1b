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
_HEAD_WORDS: Final = 3
_LONGEST_HEAD: Final = 200


class NotWhole(Exception):  # noqa: N818 - what is the case
    """A file is no drop, or not all of one."""


def pack_file(messages: Iterable[Message]) -> bytes:
    """Return a file's content."""
    parts, count = [_FIRST], 0
    for message in messages:
        head = f"{message.kind} {len(message.payload)} {int(message.retain)}\n"
        parts += [head.encode(), message.payload, b"\n"]
        count += 1
    body = b"".join(parts)
    return body + _end(body, count)


def unpack_file(content: bytes) -> list[Message]:
    """Return a file's messages. Raises NotWhole."""
    end = content.rfind(b"\nend ") + 1
    body, messages = content[:end], []
    if not body.startswith(_FIRST):
        raise NotWhole("no beginning, or no end")
    at = len(_FIRST)
    while at < len(body):
        head, _, _ = body[at : at + _LONGEST_HEAD].partition(b"\n")
        kind, size, retain = _head(head)
        begin = at + len(head) + 1
        at = begin + size + 1
        messages.append(Message(kind=kind, payload=body[begin : at - 1], retain=retain))
    if content[end:] != _end(body, len(messages)):
        raise NotWhole("the digest does not fit")
    return messages


def _end(body: bytes, count: int) -> bytes:
    return f"end {count} {hashlib.sha256(body).hexdigest()}\n".encode()


def _head(line: bytes) -> tuple[str, int, bool]:
    words = line.split(b" ")
    if len(words) != _HEAD_WORDS or not words[1].isdigit():
        raise NotWhole("a message has no head")
    return words[0].decode(errors="replace"), int(words[1]), words[2] == b"1"
