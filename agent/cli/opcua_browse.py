"""`fengsui opcua browse`: the variables of a server as rows of a point table."""

from __future__ import annotations

import asyncio
import csv
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent.certificates.store import CertificateStore
from agent.cli.describe import plant_or_exit
from agent.cli.exits import Exit
from agent.cli.options import state_option
from agent.cli.speech import fail, shown
from agent.layout import Layout
from config.address import parse_node_id
from config.faults import WrongValue
from config.models import Gateway
from config.opcua import OpcUaLink
from config.text import text
from drivers.contract import DeviceError

if TYPE_CHECKING:
    from drivers.opcua.browse import Variable

_URL: Final = "opc.tcp://"
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}(/.*)?")
_COLUMNS: Final = (
    "tag", "title", "device", "scan_class", "address", "type", "unit", "range_low", "range_high", "note",
)  # fmt: skip
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_LONGEST_NAME: Final = 56  # of 64, so that a number fits behind it
_LONGEST_LINE: Final = 200


@click.command(
    help=shown(
        text(
            "Print the variables of a server as rows of a point table. It is named by its URL "
            "(opc.tcp://host:port) or by a plant description that has a link to it."
        )
    )
)
@click.argument("target", metavar="URL|PLANT")
@click.option("--link", help=shown(text("which of the plant's links, where it has several to OPC UA")))
@click.option("--from", "start", help=shown(text("NodeId to begin at; default: the folder Objects")))
@click.option("--device", default="plc", help=shown(text("what to write into the column device")))
@click.option("--scan-class", default="normal", help=shown(text("what to write into the column scan_class")))
@state_option
def browse(
    target: str, link: str | None, start: str | None, device: str, scan_class: str, state: Path | None
) -> None:
    """Print point-table rows."""
    from drivers.opcua.browse import browse_server

    settings, gateway = _server(target, link)
    store = CertificateStore(Layout.of(state, gateway.state).certificates, gateway)
    try:
        begin = None if start is None else parse_node_id(start)
        found = asyncio.run(browse_server(settings, store, begin))
    except WrongValue as error:
        fail(error.words, Exit.USAGE)
    except DeviceError as error:
        fail(error.words, Exit.UNAVAILABLE)
    table = csv.DictWriter(sys.stdout, _COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    for row in rows_of(found):
        table.writerow({**row, "device": device, "scan_class": scan_class})


def rows_of(variables: Sequence[Variable]) -> Iterator[dict[str, str]]:
    """Yield a row for every variable that can be a tag, with a name that is its own."""
    taken: set[str] = set()
    for found in variables:
        if found.type is None:
            continue
        name = _name(found.path, taken)
        taken.add(name)
        low, high = found.range or ("", "")
        yield {
            "tag": name,
            "title": _line(found.title),
            "address": found.address,
            "type": found.type.value,
            "unit": _line(found.unit),
            "range_low": str(low),
            "range_high": str(high),
            "note": _line(f"{'/'.join(found.path)} = {found.value}"),
        }


def _server(target: str, link: str | None) -> tuple[OpcUaLink, Gateway]:
    """Return the link that is meant, and who we are there; end where it is none."""
    if target.startswith(_URL):
        return OpcUaLink(type="opcua", url=target), Gateway(enterprise="unknown", name="browse")
    if _HOST.fullmatch(target) and not Path(target).exists():
        fail(text("a server is named by its URL; write {url}", url=_URL + target), Exit.USAGE)
    description = plant_or_exit(Path(target)).description
    links = {name: found for name, found in description.links.items() if isinstance(found, OpcUaLink)}
    if link is None and len(links) == 1:
        (link,) = links
    if link not in links:
        words = text("say which of the links to OPC UA: --link {links}", links=" | ".join(links) or "-")
        fail(words, Exit.USAGE)
    return links[link], description.gateway


def _name(path: Sequence[str], taken: set[str]) -> str:
    """Return a tag's name that is not taken: as much of the end of its path as fits."""
    parts = [part for part in (_NO_NAME.sub("_", name).strip("_.-") for name in path) if part]
    name = ".".join(parts)[-_LONGEST_NAME:].lstrip("_.-") or "tag"
    number = 1
    candidate = name
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _line(content: str) -> str:
    return _CONTROL.sub(" ", content).strip()[:_LONGEST_LINE]
