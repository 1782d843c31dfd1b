from __future__ import annotations

import asyncio
import errno
import os
import threading
from pathlib import Path

import pytest

from agent.uplinks import drop, drop_folder
from agent.uplinks.contract import UplinkDown
from agent.uplinks.drop import DropUplink
from agent.uplinks.drop_file import SUFFIX, NotWhole, pack_file, unpack_file
from agent.uplinks.drop_folder import DropFolder
from tests.uplinks.contract_suite import UplinkContract, message, numbered
from tests.uplinks.folder_platform import EVERY_S, PREFIX, FolderPlatform, settings
from tests.uplinks.waiting import eventually

MESSAGES = [message(b"{}", "status", retain=True), message("读数\n\x00".encode()), message(b"", "meta/2")]


class TestDrop(UplinkContract):
    @pytest.fixture
    def platform(self, tmp_path: Path) -> FolderPlatform:
        return FolderPlatform(tmp_path / "drop")


async def writing(directory: Path, start: int = 1, **more: object) -> DropUplink:
    uplink = DropUplink(DropFolder(settings(directory, **more), PREFIX, start), EVERY_S)
    await uplink.connect()
    return uplink


def files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.name.endswith(SUFFIX))


def everything(directory: Path) -> list[Path]:
    return list(directory.iterdir())


def payloads(directory: Path) -> list[bytes]:
    return [found.payload for path in files(directory) for found in unpack_file(path.read_bytes())]


def test_a_file_gives_back_its_messages() -> None:
    assert unpack_file(pack_file(MESSAGES)) == MESSAGES
    assert unpack_file(pack_file([])) == []


def test_no_part_of_a_file_and_no_altered_one_passes_for_a_whole() -> None:
    content = pack_file(MESSAGES)
    for end in range(len(content)):
        with pytest.raises(NotWhole):
            unpack_file(content[:end])
    for at in range(len(content)):
        with pytest.raises(NotWhole):
            unpack_file(content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :])


async def test_names_sort_in_the_order_of_writing_over_connections_and_starts(tmp_path: Path) -> None:
    folder = DropFolder(settings(tmp_path), PREFIX, 9)
    for start, made in ((9, folder), (9, folder), (10, DropFolder(settings(tmp_path), PREFIX, 10))):
        uplink = DropUplink(made, EVERY_S)
        await uplink.connect()
        for turn in range(11):
            await uplink.send(message(b"%d.%02d" % (start, turn)))
        await uplink.close()
    assert payloads(tmp_path) == [
        *(b"9.%02d" % n for n in range(11)),
        *(b"9.%02d" % n for n in range(11)),
        *(b"10.%02d" % n for n in range(11)),
    ]


async def test_a_name_is_never_used_for_two_files_even_where_starts_count_anew(tmp_path: Path) -> None:
    for _ in range(3):
        uplink = await writing(tmp_path, start=1)
        await uplink.send(message(b"x"))
        await uplink.close()
    assert payloads(tmp_path) == [b"x"] * 3


async def test_many_messages_share_a_file_and_none_waits_longer_than_said(tmp_path: Path) -> None:
    uplink = await writing(tmp_path)
    await asyncio.gather(*(uplink.send(message(payload)) for payload in numbered(100)))
    assert len(files(tmp_path)) == 1
    async with asyncio.timeout(5):
        await uplink.send(message(b"alone"))
    await uplink.close()
    assert payloads(tmp_path) == [*numbered(100), b"alone"]


async def test_nothing_is_held_back_once_the_agent_is_about_to_leave(tmp_path: Path) -> None:
    uplink = DropUplink(DropFolder(settings(tmp_path), PREFIX, 1), every_s=3600)
    await uplink.connect()
    early = asyncio.create_task(uplink.send(message(b"early")))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        uplink.hurry()
        await early
        await uplink.send(message(b"stopped"))
    await uplink.close()
    assert payloads(tmp_path) == [b"early", b"stopped"]


async def test_a_reader_never_sees_an_unfinished_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    real = os.fsync

    def look(descriptor: int) -> None:
        seen.append([path.name for path in tmp_path.iterdir() if path.name.endswith(SUFFIX)])
        real(descriptor)

    monkeypatch.setattr(drop_folder.os, "fsync", look)
    uplink = await writing(tmp_path)
    await uplink.send(message(b"x"))
    await uplink.close()
    assert [len(names) for names in seen] == [0, 1]  # synced under its other name, then the folder


async def test_what_an_earlier_process_left_unfinished_is_cleared_away_and_nothing_else(
    tmp_path: Path,
) -> None:
    (tmp_path / f".{PREFIX}.00000001.0000000001.fengsui.part").write_bytes(b"half")
    others = [
        tmp_path / ".somebody.else.part",
        tmp_path / f".{PREFIX}.b.00000001.0000000001.fengsui.part",
        tmp_path / "notes.txt",
    ]
    for other in others:
        other.write_bytes(b"")
    uplink = await writing(tmp_path)
    await uplink.close()
    assert {path.name for path in everything(tmp_path)} == {other.name for other in others}


@pytest.mark.parametrize("limit", [{"most_files": 3}, {"most_bytes": "1MB"}])
async def test_a_dead_reader_does_not_fill_the_disk(tmp_path: Path, limit: dict[str, object]) -> None:
    uplink = await writing(tmp_path, **limit)
    for _ in range(3):
        await uplink.send(message(bytes(400_000)))
    with pytest.raises(UplinkDown, match="unread; does its reader run"):
        await uplink.send(message(b"one too many"))
    assert "unread" in str(await uplink.closed())
    await uplink.close()
    assert len(files(tmp_path)) == 3
    with pytest.raises(UplinkDown, match="unread"):
        await writing(tmp_path, **limit)
    files(tmp_path)[0].unlink()
    again = await writing(tmp_path, start=2, **limit)
    await again.send(message(b"there is room again"))
    await again.close()
    assert payloads(tmp_path)[-1] == b"there is room again"


async def test_a_full_disk_is_named_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uplink = await writing(tmp_path)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(drop_folder.os, "write", full)
    with pytest.raises(UplinkDown, match="No space left"):
        await uplink.send(message(b"x"))
    await uplink.close()
    assert everything(tmp_path) == []


async def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """Where a share is not mounted, files in its place would fill the disk."""
    absent = tmp_path / "absent"
    uplink = DropUplink(DropFolder(settings(absent), PREFIX, 1), EVERY_S)
    with pytest.raises(UplinkDown, match="No such file"):
        await uplink.connect()
    await uplink.close()
    assert not absent.exists()


async def test_a_share_that_hangs_is_left_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drop, "FOLDER_TIMEOUT_S", 0.1)
    uplink = await writing(tmp_path)
    answer = threading.Event()
    monkeypatch.setattr(drop_folder.os, "fsync", lambda _: answer.wait(10))
    with pytest.raises(UplinkDown, match="does not answer"):
        await uplink.send(message(b"x"))
    await uplink.close()
    threads = threading.active_count()
    for _ in range(5):
        again = DropUplink(uplink._folder, EVERY_S)
        with pytest.raises(UplinkDown, match="does not answer"):
            await again.connect()
    assert threading.active_count() <= threads + 1
    answer.set()


async def test_closing_is_quick_even_while_a_share_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uplink = await writing(tmp_path)
    asked, answer = threading.Event(), threading.Event()
    monkeypatch.setattr(drop_folder.os, "fsync", lambda _: asked.set() or answer.wait(10))
    sends = [asyncio.create_task(uplink.send(message(payload))) for payload in numbered(5)]
    await eventually(asked.is_set)
    sends.append(asyncio.create_task(uplink.send(message(b"behind"))))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        await uplink.close()
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {UplinkDown}
    answer.set()
