"""A copy of a plant description whose links lead to simulators, ready for `fengsui run`."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from agent.simulate.place import LOOPBACK, Endpoint
from config.links import ModbusRtuLink, OpcUaLink
from config.load import FILE_NAME

_HERE: Final = frozenset((LOOPBACK, "::1", "localhost"))
_EVERYWHERE: Final = frozenset(("0.0.0.0", "::"))

Yaml = MutableMapping[str, Any]
"""A YAML file as ruamel keeps it, with its comments."""


def write_copy(source: Path, target: Path, served: Mapping[str, Endpoint]) -> tuple[str, ...]:
    """Write the copy at once and whole; return the uplinks that were left out. Raises OSError.

    Files are named from where they lie, the log goes beside `target`, and uplinks to anywhere but this
    machine are left out: what is made up must not reach a platform.
    """
    file = source / FILE_NAME if source.is_dir() else source
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    plant: Yaml = yaml.load(file.read_bytes())
    for name, endpoint in served.items():
        plant["links"][name].update(_reached_at(endpoint))
    plant["points"] = [str((file.parent / name).resolve()) for name in plant["points"]]
    plant["gateway"]["state"] = str(target.resolve().with_suffix(".state"))
    left_out = _leave_out_uplinks(plant.get("uplinks", {}), file.parent)
    part = target.with_name(f"{target.name}.part")
    with part.open("wb") as whole:
        yaml.dump(plant, whole)
    part.replace(target)
    return left_out


def _reached_at(endpoint: Endpoint) -> dict[str, object]:
    if isinstance(endpoint.link, ModbusRtuLink):
        return {"port": str(endpoint.path)}
    host = LOOPBACK if endpoint.host in _EVERYWHERE else endpoint.host
    if isinstance(endpoint.link, OpcUaLink):
        return {"url": f"opc.tcp://{host}:{endpoint.port}"}
    return {"host": host, "port": endpoint.port}


def _leave_out_uplinks(uplinks: Yaml, folder: Path) -> tuple[str, ...]:
    left_out = tuple(name for name, uplink in uplinks.items() if uplink.get("host") not in _HERE)
    for name in left_out:
        del uplinks[name]
    for uplink in uplinks.values():
        for key, name in uplink.get("tls", {}).items():
            uplink["tls"][key] = str((folder / str(name)).resolve())
    return left_out
