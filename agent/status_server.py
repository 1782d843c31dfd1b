"""The status API: HTTP on a Unix socket, readable by the socket's owner and group, and by nobody else.

`curl --unix-socket <state>/fengsui.sock http://localhost/status`
"""

from __future__ import annotations

import asyncio
import grp
import logging
import os
import pwd
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Final

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from config.text import LANGUAGES, Text, text
from config.turns import in_turns

_MODE: Final = 0o660
_LONGEST_PATH_BYTES: Final = 107
_PEERCRED: Final = struct.Struct("3i")
_STOP_S: Final = 1.0
MEMBERS_AT_ONCE: Final = 100
_BACKLOG: Final = 8  # asyncio logs a traceback for each place when there are no descriptors left

_log: Final = logging.getLogger("aiohttp.server")


@dataclass(frozen=True, slots=True)
class Plain:
    """An answer that is no JSON."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A list whose members are made one by one, and leave before the last of them is made."""

    members: Iterator[object]


Answer = Callable[[Mapping[str, str]], object]
"""Its result is the answer; a generator makes one in pieces, in turn with all else that the agent does."""
Action = Callable[[str, Mapping[str, object]], object]
"""As `Answer`; what refuses does so before the first piece."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TurnedAway = Callable[[str, str], None]
"""Hears of a user, by name, who may not ask, and of what was asked for."""


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether aiohttp complains of us: of a malformed request, its caller is told with 400."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_log.addFilter(_is_ours)


class Refused(Exception):  # noqa: N818 - the failure's own word
    """What was asked for cannot be done; nothing has changed."""

    def __init__(self, words: Text) -> None:
        self.words = words
        super().__init__(str(words))


class SocketUnusable(Exception):  # noqa: N818 - the failure's own word
    """There can be no socket at that path."""

    def __init__(self, words: Text) -> None:
        self.words = words
        super().__init__(str(words))


class SocketPathTooLong(SocketUnusable):
    """A Unix socket's path has at most 107 bytes."""


def check_path(path: Path) -> None:
    """Raise SocketPathTooLong for a path that no socket can have."""
    if len(os.fsencode(path)) > _LONGEST_PATH_BYTES:
        raise SocketPathTooLong(
            text(
                "the socket path {path} is longer than {limit} bytes; choose a shorter state directory",
                path=path,
                limit=_LONGEST_PATH_BYTES,
            )
        )


@asynccontextmanager
async def serve_status(
    path: Path,
    answers: Mapping[str, Answer],
    actions: Mapping[str, Action],
    turned_away: TurnedAway = lambda _user, _path: None,
) -> AsyncIterator[None]:
    """Serve while inside: GET each of `answers`, POST each of `actions`; all but Plain becomes JSON.

    `answers`: path -> function of the query. `actions`: name (`/actions/<name>`) -> function of the user's
    name, as the kernel tells it, and of the JSON object that was sent; it may raise Refused.
    Raises SocketUnusable.
    """
    check_path(path)
    application = web.Application(middlewares=[_admission(turned_away)])
    for route, answer in answers.items():
        application.router.add_get(route, _handler(answer))
    for name, action in actions.items():
        application.router.add_post(f"/actions/{name}", _action_handler(action))
    runner = web.AppRunner(application, logger=_log, access_log=None, shutdown_timeout=_STOP_S)
    await runner.setup()
    try:
        await _open(runner, path)
        yield
    finally:
        await runner.cleanup()
        with suppress(OSError):  # the next start removes it
            _remove(path)


async def _open(runner: web.AppRunner, path: Path) -> None:
    mask = os.umask(0o777 & ~_MODE)
    try:
        _remove(path)
        await web.UnixSite(runner, str(path), backlog=_BACKLOG).start()
    except OSError as error:
        words = text("the socket {path} cannot be made: {reason}", path=path, reason=error.strerror)
        raise SocketUnusable(words) from error
    finally:
        os.umask(mask)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _handler(answer: Answer) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        found = await _all_of(answer(request.query))
        if isinstance(found, Plain):
            return web.Response(body=found.body, headers={"Content-Type": found.content_type})
        if isinstance(found, Listed):
            return await _stream(request, found.members)
        return _json(found)

    return handle


async def _all_of(found: object) -> object:
    """Return an answer that may be made in pieces."""
    return await in_turns(found) if isinstance(found, Generator) else found


async def _stream(request: web.Request, members: Iterator[object]) -> web.StreamResponse:
    """Send a JSON array, MEMBERS_AT_ONCE in a turn of the loop."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    before = b"["
    while some := list(islice(members, MEMBERS_AT_ONCE)):
        await response.write(before + _dumps(some)[1:-1])
        await asyncio.sleep(0)
        before = b","
    await response.write(b"]" if before == b"," else b"[]")
    await response.write_eof()
    return response


def _action_handler(action: Action) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            arguments = orjson.loads(await request.read())
        except orjson.JSONDecodeError as error:
            raise web.HTTPBadRequest from error
        if not isinstance(arguments, dict):
            raise web.HTTPBadRequest
        try:
            return _json(await _all_of(action(_user(request), arguments)))
        except Refused as refusal:
            words = {language: refusal.words.show(language) for language in LANGUAGES}
            return _json(words, status=HTTPStatus.CONFLICT)

    return handle


def _json(found: object, *, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(body=_dumps(found), content_type="application/json", status=status)


def _dumps(found: object) -> bytes:
    return orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS)


def _user(request: web.Request) -> str:
    """Return the login name of whoever asks; the user id where it has no name."""
    return _name(_peer(request)[0])


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _admission(turned_away: TurnedAway) -> Middleware:
    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Admit root, the agent's own user and members of its group, as the kernel names them."""
        uid, gid = _peer(request)
        if uid not in (0, os.geteuid()) and os.getegid() not in _groups(uid, gid):
            turned_away(_name(uid), request.path)
            raise web.HTTPForbidden
        return await handler(request)

    return admit


def _peer(request: web.Request) -> tuple[int, int]:
    """Return the user id and group id of whoever asks. Raises HTTPForbidden where nobody can tell."""
    transport = request.transport
    peer = transport.get_extra_info("socket") if transport is not None else None
    if peer is None:
        raise web.HTTPForbidden
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEERCRED.size)
    _, uid, gid = _PEERCRED.unpack(credentials)
    return uid, gid


def _groups(uid: int, gid: int) -> set[int]:
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return {gid}
    return {gid, *(group.gr_gid for group in grp.getgrall() if name in group.gr_mem)}
