"""The JSON Schemas of `fengsui/1`, compiled once."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, Final

import orjson
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

KINDS: Final = ("readings", "window", "event", "gap", "loss", "status", "meta")
"""What a gateway sends."""

_ALL: Final = (*KINDS, "ack")


def fault_of(kind: str, message: object) -> str | None:
    """Return what is wrong with a message by the schema of its kind; None where nothing is."""
    error = next(iter(_validators()[kind].iter_errors(message)), None)
    return None if error is None else f"{error.json_path}: {error.message}"


@cache
def _validators() -> dict[str, Draft202012Validator]:
    folder = resources.files("agent.platforms") / "schema"
    schemas = {name: orjson.loads((folder / f"{name}.json").read_bytes()) for name in ("common", *_ALL)}
    registry = Registry[Any]().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()
    )
    return {kind: Draft202012Validator(schemas[kind], registry=registry) for kind in _ALL}
