"""A plant description from its files: all of it sound, or every fault at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from config.consistency import inconsistencies
from config.draft import describe, draft_of
from config.faults import ConfigError, Fault, Place, WrongValue
from config.fields import Model
from config.files import is_folder, read_file
from config.links import Link
from config.models import Description
from config.opcua import OpcUaLink
from config.plant import Plant, number_tags
from config.points.read import Row, read_table
from config.profiles.expand import expand
from config.text import text
from config.uplinks import AnyKindOfUplink, FileUplink, HttpUplink
from config.yaml_source import Document, read_yaml

FILE_NAME: Final = "plant.yaml"
_FILE: Final = "file:"


def load(path: Path) -> Plant:
    """Return the plant that `path` describes: a `plant.yaml`, or a folder that holds one.

    Relative paths of point tables, certificates and secrets count from the file's folder. Raises ConfigError
    with every fault; only where the YAML is no YAML are the faults of the rest not known.
    """
    file = path / FILE_NAME if is_folder(path) else path
    reading = _Reading()
    document = reading.description(file)
    if not document.data:
        raise ConfigError(reading.faults)
    reading.tables(document)
    expanded = expand(document, reading.rows)
    document = expanded.document
    description, faults = describe(document)
    faults += reading.faults + expanded.faults
    faults += inconsistencies(draft_of(document), expanded.rows, all_read=reading.all_read)
    if faults or description is None:
        raise ConfigError(faults)
    return number_tags(
        _anchored(description, file.parent),
        [(row.tag, row.place()) for row in expanded.rows],
        reading.digest,
        {loc: mark.value for loc, mark in document.marks.items()},
        tuple(expanded.remarks),
    )


@dataclass(slots=True)
class _Reading:
    """What the files of a plant gave so far; `all_read` as long as every table gave rows."""

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    all_read: bool = True
    contents: list[bytes] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all contents, each behind its length."""
        return hashlib.sha256(b"".join(len(raw).to_bytes(8) + raw for raw in self.contents)).hexdigest()

    def description(self, file: Path) -> Document:
        """Read `plant.yaml`; the document is empty where that failed."""
        raw = self._content(file, Place(file))
        if raw is None:
            return Document(file)
        document, faults = read_yaml(file, raw)
        self.faults += faults
        return document

    def tables(self, document: Document) -> None:
        """Read every point table that the description names."""
        named = document.data.get("points")
        names = [str(name) for name in named] if isinstance(named, list) else []
        for index, name in enumerate(names):
            place = document.place("points", index)
            if name in names[:index]:
                self.faults.append(Fault(place, text('table "{name}" is named twice; keep one', name=name)))
            else:
                self._table(document.path.parent / name, place)
        self.all_read = self.all_read and bool(names)

    def _table(self, path: Path, place: Place) -> None:
        raw = self._content(path, place)
        rows, faults = read_table(path, raw) if raw is not None else ([], [])
        self.rows += rows
        self.faults += faults
        self.all_read = self.all_read and bool(rows)

    def _content(self, path: Path, place: Place) -> bytes | None:
        """Return a file's content; None, with a fault, where it cannot be had."""
        try:
            raw = read_file(path)
        except WrongValue as error:
            self.faults.append(Fault(place, error.words))
            return None
        self.contents.append(raw)
        return raw


def _anchored(description: Description, folder: Path) -> Description:
    """Return the description with the files of links and uplinks counted from `folder`."""
    links = {name: _anchored_link(link, folder) for name, link in description.links.items()}
    uplinks = {name: _anchored_uplink(uplink, folder) for name, uplink in description.uplinks.items()}
    return description.model_copy(update={"links": links, "uplinks": uplinks})


def _anchored_link(link: Link, folder: Path) -> Link:
    if not isinstance(link, OpcUaLink) or link.user is None:
        return link
    update = _anchored_files(link.user, folder) | {"password": _anchored_secret(link.user.password, folder)}
    return link.model_copy(update={"user": link.user.model_copy(update=update)})


def _anchored_uplink(uplink: AnyKindOfUplink, folder: Path) -> AnyKindOfUplink:
    if isinstance(uplink, FileUplink):
        return uplink.model_copy(update={"directory": folder / uplink.directory})
    key, secret = ("token", uplink.token) if isinstance(uplink, HttpUplink) else ("password", uplink.password)
    update: dict[str, object] = {key: _anchored_secret(secret, folder)}
    if uplink.tls is not None:
        update["tls"] = uplink.tls.model_copy(update=_anchored_files(uplink.tls, folder))
    return uplink.model_copy(update=update)


def _anchored_files(part: Model, folder: Path) -> dict[str, object]:
    return {key: folder / value for key, value in part if isinstance(value, Path)}


def _anchored_secret(reference: str | None, folder: Path) -> str | None:
    if reference is None or not reference.startswith(_FILE):
        return reference
    return f"{_FILE}{folder / reference.removeprefix(_FILE)}"
