"""A copy of a plant description whose links lead to simulators, ready for `fengsui run`."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ruamel.yaml import YAML

from agent.simulate.place import LOOPBACK, Endpoint
from config.links import ModbusRtuLink
from config.load import FILE_NAME
from config.opcua import OpcUaLink

_HERE: Final = frozenset((LOOPBACK, "::1", "localhost"))
_EVERYWHERE: Final = frozenset(("0.0.0.0", "::"))

STATE_SUFFIX: Final = ".state"
"""What the log's folder is called behind the copy's name."""

_SECURITY: Final = frozenset(("security", "user"))
_SECRETS: Final = frozenset(("password", "token"))
_FILE: Final = "file:"

Yaml = MutableMapping[str, Any]
"""A YAML file as ruamel keeps it, with its comments."""


def write_copy(source: Path, target: Path, served: Mapping[str, Endpoint]) -> tuple[str, ...]:
    """Write the copy at once and whole; return the uplinks that were left out. Raises OSError.

    Files are named from where they lie, the log goes beside `target`, security is left out as simulators
    offer none, and so are uplinks to anywhere but this machine: what is made up must not reach a platform.
    """
    file = source / FILE_NAME if source.is_dir() else source
    folder = file.parent.resolve()
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    plant: Yaml = yaml.load(file.read_bytes())
    for name, endpoint in served.items():
        _lead_to(endpoint, plant["links"][name])
    plant["points"] = [str(folder / name) for name in plant["points"]]
    plant["gateway"]["state"] = str(target.resolve().with_suffix(STATE_SUFFIX))
    left_out = _leave_out_uplinks(plant.get("uplinks", {}), folder)
    part = target.with_name(f"{target.name}.part")
    with part.open("wb") as whole:
        yaml.dump(plant, whole)
    part.replace(target)
    return left_out


def _lead_to(endpoint: Endpoint, link: Yaml) -> None:
    host = LOOPBACK if endpoint.host in _EVERYWHERE else endpoint.host
    if isinstance(endpoint.link, ModbusRtuLink):
        link["port"] = str(endpoint.path)
    elif isinstance(endpoint.link, OpcUaLink):
        link["url"] = f"opc.tcp://{host}:{endpoint.port}"
        for key in _SECURITY & set(link):
            del link[key]
    else:
        link.update(host=host, port=endpoint.port)


def _host_of(uplink: Yaml) -> str | None:
    """Return the machine that an uplink leads to; None where it is a folder, from which anybody may fetch."""
    host = uplink.get("host", urlsplit(str(uplink.get("url", ""))).hostname)
    return None if host is None else str(host)


def _leave_out_uplinks(uplinks: Yaml, folder: Path) -> tuple[str, ...]:
    left_out = tuple(name for name, uplink in uplinks.items() if _host_of(uplink) not in _HERE)
    for name in left_out:
        del uplinks[name]
    for uplink in uplinks.values():
        for key, name in uplink.get("tls", {}).items():
            uplink["tls"][key] = str(folder / name)
        for key in _SECRETS & set(uplink):
            if uplink[key].startswith(_FILE):
                uplink[key] = f"{_FILE}{folder / uplink[key].removeprefix(_FILE)}"
    return left_out
