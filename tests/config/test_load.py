"""A sound description becomes a plant."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.faults import ConfigError
from config.links import ModbusTcpLink
from config.load import load
from config.opcua import OpcUaLink
from config.uplinks import FileUplink, HttpUplink
from config.vocabulary import Limit

EXAMPLE = Path(__file__).parents[2] / "examples" / "deepwell"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example, to be changed."""
    for name in ("plant.yaml", "points.csv", "points.zh.csv"):
        (tmp_path / name).write_bytes((EXAMPLE / name).read_bytes())
    return tmp_path


def rewrite(path: Path, old: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")


def test_the_example_is_a_casting_plant_with_one_witnessed_interlock() -> None:
    plant = load(EXAMPLE / "plant.yaml")
    assert isinstance(plant.description.links["caster-plc"], ModbusTcpLink)
    assert isinstance(plant.description.links["furnace-ua"], OpcUaLink)
    (interlock,) = plant.interlocks
    assert interlock.cause.limit is Limit.LL
    assert [effect.within for effect in interlock.effects] == [3 * 10**9, 3 * 10**9]
    assert plant.tags[plant.number_of["mould_p_in"]].limits == {Limit.LL: 0.21, Limit.L: 0.255}


def test_every_scan_group_owns_one_contiguous_slice_in_table_order() -> None:
    plant = load(EXAMPLE)
    numbers = [number for group in plant.groups for number in range(len(plant.tags))[group.span]]
    assert numbers == list(range(len(plant.tags)))
    for group in plant.groups:
        lines = [plant.places[number].line for number in range(len(plant.tags))[group.span]]
        assert lines == sorted(lines)
        assert {(tag.device, tag.scan_class) for tag in plant.tags_of(group)} == {
            (group.device, group.scan_class)
        }


def test_the_chinese_table_in_gb18030_gives_the_same_tags(folder: Path) -> None:
    rewrite(folder / "plant.yaml", "points.csv", "points.zh.csv")
    assert load(folder).tags == load(EXAMPLE).tags


def test_the_digest_tells_any_change_of_any_file(folder: Path) -> None:
    digests = [load(EXAMPLE).digest, load(folder).digest]
    rewrite(folder / "points.csv", "0.255", "0.256")
    digests.append(load(folder).digest)
    rewrite(folder / "plant.yaml", "3GB", "4GB")
    digests.append(load(folder).digest)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_files_of_uplinks_count_from_the_plants_folder(folder: Path) -> None:
    uplink = "    host: 127.0.0.1\n    port: 1883\n"
    more = "    tls: {ca: ca.pem}\n    username: gateway\n    password: file:secret.txt\n"
    rewrite(folder / "plant.yaml", uplink, uplink + more)
    plant = load(folder)
    settings = plant.description.uplinks["platform"]
    assert settings.tls is not None
    assert settings.tls.ca == folder / "ca.pem"
    assert settings.password == f"file:{folder / 'secret.txt'}"
    assert plant.where["uplinks", "platform", "password"].file == folder / "plant.yaml"


def test_several_tables_are_one_plant_and_share_their_names(folder: Path) -> None:
    rewrite(folder / "plant.yaml", "  - points.csv\n", "  - points.csv\n  - points.zh.csv\n")
    with pytest.raises(ConfigError) as raised:
        load(folder)
    assert len(raised.value.faults) == len(load(EXAMPLE).tags)
    assert 'mould_p_in" stands already in' in str(raised.value)


def test_a_plant_that_is_not_there_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        load(tmp_path)


def test_a_plant_that_is_no_file_is_one_fault() -> None:
    with pytest.raises(ConfigError, match="device or a pipe"):
        load(Path("/dev/null"))


def test_a_name_that_no_file_can_have_is_one_fault(folder: Path) -> None:
    with pytest.raises(ConfigError) as failed:
        load(folder / ("a" * 300))
    assert len(failed.value.faults) == 1
    rewrite(folder / "plant.yaml", "points.csv", "a" * 300)
    with pytest.raises(ConfigError) as failed:
        load(folder)
    assert "cannot be read; check the path and the disk" in str(failed.value)


def test_an_uplink_with_tls_may_not_be_sent_in_clear(folder: Path) -> None:
    uplink = "    host: 127.0.0.1\n    port: 1883\n"
    rewrite(
        folder / "plant.yaml", uplink, uplink + "  web: {type: http, url: 'http://p.example/in', tls: {}}\n"
    )
    with pytest.raises(ConfigError, match="there is tls, but the url begins with http; write https"):
        load(folder)


def test_the_files_and_folders_of_every_kind_of_uplink_count_from_the_plants_folder(folder: Path) -> None:
    uplink = "    host: 127.0.0.1\n    port: 1883\n"
    more = (
        "  web: {type: http, url: 'https://platform.example/in', token: 'file:token', tls: {ca: ca.pem}}\n"
        "  diode: {type: file, directory: drop}\n"
    )
    rewrite(folder / "plant.yaml", uplink, uplink + more)
    uplinks = load(folder).description.uplinks
    web, diode = uplinks["web"], uplinks["diode"]
    assert isinstance(web, HttpUplink)
    assert isinstance(diode, FileUplink)
    assert web.tls is not None
    assert web.tls.ca == folder / "ca.pem"
    assert web.token == f"file:{folder}/token"
    assert diode.directory == folder / "drop"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("{type: http, url: 'ftp://x/in'}", "write for example https://"),
        ("{type: http, url: 'https://u:p@x/in'}", "write for example https://"),
        ("{type: http, url: 'http://x/in', tls: {ca: ca.pem}}", "write https"),
        ("{type: mqtt, host: x, ack_topic: 'acks/#'}", "without the wildcards"),
        ("{type: file, directory: drop, most_bytes: 1kB}", "too small; write at least 1MB"),
        ("{type: file, directory: drop, host: x}", 'unknown key "host"'),
        ("{type: mqtt, host: x, backfill: 0B}", "too small; write at least 1kB"),
        ("{type: mqtt, host: x, start: newest}", "now | oldest"),
    ],
)
def test_what_is_wrong_with_an_uplink_is_said(folder: Path, wrong: str, words: str) -> None:
    uplink = "    host: 127.0.0.1\n    port: 1883\n"
    rewrite(folder / "plant.yaml", uplink, f"{uplink}  other: {wrong}\n")
    with pytest.raises(ConfigError) as caught:
        load(folder)
    assert words in caught.value.show("en")
