"""Secrets: the description only refers to them, and their values never reach a log, an error or a repr.

env:NAME          an environment variable
file:/path        a file's content without its last line break
credential:NAME   a systemd credential (LoadCredential=), from $CREDENTIALS_DIRECTORY
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from config.faults import Fault, Loc, WrongValue
from config.files import read_file
from config.opcua import OpcUaLink
from config.plant import Plant
from config.text import text
from config.uplinks import HttpUplink, MqttUplink


class SecretError(WrongValue):
    """A reference leads to no secret."""


class Secret:
    """A secret's value, shown only where `reveal` is called."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value; hand it straight to what needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def resolve(reference: str) -> Secret:
    """Return the secret that `reference` names. Raises SecretError where there is none."""
    kind, _, name = reference.partition(":")
    if kind not in _SOURCES:  # it may be the secret itself, so it is not repeated
        raise SecretError(
            text("this is no reference to a secret; write env:NAME, file:PATH or credential:NAME")
        )
    try:
        value = _SOURCES[kind](name)
    except UnicodeDecodeError:
        raise SecretError(
            text("the secret {reference} is not text in UTF-8; write it anew", reference=reference)
        ) from None
    except WrongValue as error:
        raise SecretError(error.words) from None
    if not value:
        raise SecretError(text("the secret {reference} is empty; put it there", reference=reference))
    return Secret(value)


def missing_secrets(plant: Plant) -> list[Fault]:
    """Return a fault for every reference of the plant that leads to no secret here and now."""
    faults: list[Fault] = []
    for loc, reference in _references(plant):
        try:
            resolve(reference)
        except SecretError as error:
            faults.append(Fault(plant.where[loc], error.words))
    return faults


def _references(plant: Plant) -> Iterator[tuple[Loc, str]]:
    for name, link in plant.description.links.items():
        if isinstance(link, OpcUaLink) and link.user is not None and link.user.password is not None:
            yield ("links", name, "user", "password"), link.user.password
    for name, uplink in plant.description.uplinks.items():
        if isinstance(uplink, MqttUplink) and uplink.password is not None:
            yield ("uplinks", name, "password"), uplink.password
        if isinstance(uplink, HttpUplink) and uplink.token is not None:
            yield ("uplinks", name, "token"), uplink.token


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise WrongValue(
            text("the environment variable {name} is not set; set it for the service", name=name)
        )
    return os.environ[name]


def _from_file(name: str) -> str:
    return read_file(Path(name)).decode("utf-8").removesuffix("\n").removesuffix("\r")


def _from_credential(name: str) -> str:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if directory is None:
        words = text(
            "there are no credentials; the service unit gives them by LoadCredential={name}:...", name=name
        )
        raise WrongValue(words)
    return _from_file(f"{directory}/{name}")


_SOURCES: Final[dict[str, Callable[[str], str]]] = {
    "env": _from_environment,
    "file": _from_file,
    "credential": _from_credential,
}
