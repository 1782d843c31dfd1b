"""Ask the running agent: HTTP over its Unix socket, with the standard library only."""

from __future__ import annotations

import http.client
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import orjson

from agent.cli.exits import Exit
from agent.cli.speech import fail, language
from agent.layout import SOCKET_NAME
from config.text import Text, text

_PLACES: Final = (Path("/run/fengsui"), Path("/var/lib/fengsui"))
_TIMEOUT_S: Final = 5.0


class Unanswered(Exception):  # noqa: N818 - the failure's own word
    """The agent has no answer to this question."""

    def __init__(self, words: Text) -> None:
        self.words = words
        super().__init__(str(words))


class NotRunning(Unanswered):
    """No agent answers at the socket."""


def find_socket(state: Path | None) -> Path:
    """Return the socket to ask: that of `state`, else the first installed place that has one."""
    if state is not None:
        return state / SOCKET_NAME
    places = [place / SOCKET_NAME for place in _PLACES]
    return next((place for place in places if _may_exist(place)), places[0])


class ActionRefused(Exception):  # noqa: N818
    """The agent will not do what was asked for; `words`: why, in the language shown."""

    def __init__(self, words: str) -> None:
        self.words = words
        super().__init__(words)


def ask(path: Path, question: str) -> Any:
    """Return the answer to GET `question` as JSON. Raises Unanswered."""
    status, body = _exchange(path, "GET", question)
    if status != http.HTTPStatus.OK:
        raise Unanswered(text("the agent at {path} refused: {status}", path=path, status=status))
    return orjson.loads(body)


def act(path: Path, action: str, **arguments: object) -> Any:
    """Have the agent do something on behalf of this user, and return its answer.

    Raises Unanswered, ActionRefused.
    """
    status, body = _exchange(path, "POST", f"/actions/{action}", orjson.dumps(arguments))
    if status == http.HTTPStatus.CONFLICT:
        raise ActionRefused(orjson.loads(body)[language()])
    if status != http.HTTPStatus.OK:
        raise Unanswered(text("the agent at {path} refused: {status}", path=path, status=status))
    return orjson.loads(body)


@contextmanager
def answered() -> Iterator[None]:
    """End the command where the agent does not answer or refuses, with its words."""
    try:
        yield
    except Unanswered as error:
        fail(error.words, Exit.UNAVAILABLE)
    except ActionRefused as error:
        click.echo(error.words, err=True)
        sys.exit(Exit.USAGE)


def _exchange(path: Path, method: str, question: str, sent: bytes | None = None) -> tuple[int, bytes]:
    connection = _UnixConnection(path)
    try:
        connection.request(method, question, sent)
        response = connection.getresponse()
        return response.status, response.read()
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        raise NotRunning(
            text("no agent answers at {path}; is it running? (--state names its state directory)", path=path)
        ) from None
    except PermissionError:
        raise NotRunning(text("{path} may not be opened; join the group that owns it", path=path)) from None
    except TimeoutError:
        raise NotRunning(text("the agent at {path} does not answer", path=path)) from None
    except OSError as error:  # it ends just now, or no socket can have such a path
        raise NotRunning(
            text("the agent at {path} cannot be asked: {reason}", path=path, reason=error.strerror or error)
        ) from None
    finally:
        connection.close()


def _may_exist(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return True  # whoever asks there is told so


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(os.fspath(self._path))
