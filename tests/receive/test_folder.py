from __future__ import annotations

from pathlib import Path

from agent.receive.folder import FolderReader, FolderSource
from agent.receive.subscriber import Arrival
from agent.uplinks.contract import Message
from agent.uplinks.drop_file import pack_file
from config.text import Text


class Reading:
    """What a reader says while it looks at a folder a few times."""

    def __init__(self, folder: Path, *, take: bool = False, looks: int = 1) -> None:
        self.arrived: list[Arrival] = []
        self.states: list[Text | None] = []
        self.faults: list[str] = []
        self.persisted = 0
        self._left = looks
        reader = FolderReader(
            FolderSource(folder=folder, take=take),
            self.arrived.append,
            self.states.append,
            lambda said: self.faults.append(str(said)),
            self._persist,
        )
        reader.run(self._stop)

    def _persist(self) -> None:
        self.persisted += 1

    def _stop(self) -> bool:
        self._left -= 1
        return self._left < 0


def put(folder: Path, name: str, *payloads: bytes) -> Path:
    path = folder / f"{name}.fengsui"
    path.write_bytes(pack_file(Message(kind="event", payload=payload) for payload in payloads))
    return path


def test_whole_files_are_read_in_the_order_of_their_names_and_once(tmp_path: Path) -> None:
    put(tmp_path, "b", b"3")
    put(tmp_path, "a", b"1", b"2")
    (tmp_path / ".c.fengsui.part").write_bytes(b"half")
    (tmp_path / "notes.txt").write_bytes(b"")
    read = Reading(tmp_path, looks=5)
    assert [arrival.payload for arrival in read.arrived] == [b"1", b"2", b"3"]
    assert set(read.states) == {None}
    assert len(list(tmp_path.iterdir())) == 4


def test_a_file_is_taken_away_only_when_its_messages_are_kept(tmp_path: Path) -> None:
    put(tmp_path, "a", b"1")
    put(tmp_path, "b", b"2")
    read = Reading(tmp_path, take=True, looks=5)
    assert read.persisted == 2
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_whole_is_named_and_stays(tmp_path: Path) -> None:
    path = put(tmp_path, "a", b"1")
    path.write_bytes(path.read_bytes()[:-10])
    put(tmp_path, "b", b"2")
    read = Reading(tmp_path, take=True, looks=5)
    assert [arrival.payload for arrival in read.arrived] == [b"2"]
    assert read.faults == ["a.fengsui is not whole: the digest does not fit"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    read = Reading(tmp_path / "absent")
    assert "cannot be used" in str(read.states[0])
