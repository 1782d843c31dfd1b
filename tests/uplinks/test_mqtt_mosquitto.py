"""TLS, passwords, permissions and limits, with Debian's mosquitto."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from agent.uplinks.contract import UplinkDown, UplinkRefused
from config.uplinks import Tls
from tests.brokers import MOSQUITTO, MOSQUITTO_PASSWD, Broker, mosquitto
from tests.uplinks.certificates import DAY, Authority, Files
from tests.uplinks.contract_suite import message
from tests.uplinks.mqtt_platform import TOPIC, uplink_to
from tests.uplinks.observer import observing
from tests.uplinks.waiting import eventually

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="Debian's mosquitto is not installed")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@contextmanager
def tls_broker(directory: Path, authority: Authority, server: Files, *more: str) -> Iterator[Broker]:
    options = (
        "allow_anonymous true",
        f"cafile {authority.ca.certificate}",
        f"certfile {server.certificate}",
        f"keyfile {server.key}",
        *more,
    )
    with mosquitto(directory, "\n".join(options)) as broker:
        yield broker


async def refused(port: int, tls: Tls | None, words: str, **more: object) -> None:
    """Connecting must fail, and say why."""
    uplink = uplink_to(port, tls=tls, **more)
    with pytest.raises(UplinkDown, match=words):
        await uplink.connect()
    await uplink.close()


async def test_messages_pass_over_tls(tmp_path: Path, authority: Authority) -> None:
    with tls_broker(tmp_path, authority, authority.issue("good")) as broker:
        uplink = uplink_to(broker.port, tls=Tls(ca=authority.ca.certificate))
        await uplink.connect()
        await asyncio.gather(*(uplink.send(message(bytes(3_000))) for _ in range(300)))
        await uplink.send(message(bytes(900_000)))
        await uplink.close()


@pytest.mark.parametrize(
    ("host", "start", "end", "words"),
    [
        ("127.0.0.2", -DAY, DAY, "another host"),
        ("broker.example", -DAY, DAY, "another host"),
        ("127.0.0.1", -2 * DAY, -DAY, "has expired"),
        ("127.0.0.1", DAY, 2 * DAY, "not valid yet.*set its clock"),
    ],
)
async def test_a_certificate_that_does_not_hold_is_refused_by_its_fault(
    tmp_path: Path, authority: Authority, host: str, start: timedelta, end: timedelta, words: str
) -> None:
    server = authority.issue("server", host=host, start=start, end=end)
    with tls_broker(tmp_path, authority, server) as broker:
        await refused(broker.port, Tls(ca=authority.ca.certificate), words)


async def test_a_certificate_of_another_authority_is_refused(tmp_path: Path, authority: Authority) -> None:
    stranger = Authority(tmp_path, "stranger")
    with tls_broker(tmp_path, stranger, stranger.issue("server")) as broker:
        await refused(broker.port, Tls(ca=authority.ca.certificate), "not from the CA")
        await refused(broker.port, Tls(), "not from the CA")


async def test_tls_never_falls_back_to_plain(tmp_path: Path, authority: Authority) -> None:
    with mosquitto(tmp_path) as broker:
        await refused(broker.port, Tls(ca=authority.ca.certificate), "TLS failed|no connection")
        assert "New client connected" not in broker.log.read_text()


async def test_plain_towards_a_tls_broker_fails_in_time(tmp_path: Path, authority: Authority) -> None:
    with tls_broker(tmp_path, authority, authority.issue("server")) as broker:
        await refused(broker.port, None, "connection was lost|no connection")


async def test_a_broker_that_asks_for_a_certificate_gets_ours(tmp_path: Path, authority: Authority) -> None:
    server, ours = authority.issue("server"), authority.issue("ours")
    with tls_broker(tmp_path, authority, server, "require_certificate true") as broker:
        tls = Tls(ca=authority.ca.certificate, certificate=ours.certificate, key=ours.key)
        uplink = uplink_to(broker.port, tls=tls)
        await uplink.connect()
        await uplink.close()
        await refused(broker.port, Tls(ca=authority.ca.certificate), "connection was lost|TLS failed|no conn")


@pytest.mark.parametrize("missing", ["ca", "certificate"])
async def test_files_that_cannot_be_read_are_named(tmp_path: Path, missing: str) -> None:
    await refused(1, Tls.model_validate({missing: tmp_path / "absent.pem"}), "TLS files cannot be used")


@contextmanager
def guarded(directory: Path) -> Iterator[Broker]:
    """A broker with one user, who may write readings only."""
    assert MOSQUITTO_PASSWD is not None
    passwords, permissions = directory / "passwords", directory / "permissions"
    subprocess.run([MOSQUITTO_PASSWD, "-c", "-b", passwords, "gateway", "s3cret"], check=True, timeout=10)
    permissions.write_text(f"user gateway\ntopic write {TOPIC}/readings\ntopic read {TOPIC}/#\n")
    options = f"allow_anonymous false\npassword_file {passwords}\nacl_file {permissions}"
    with mosquitto(directory, options) as broker:
        yield broker


async def test_the_password_is_looked_up_and_a_wrong_one_is_named_without_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with guarded(tmp_path) as broker:
        monkeypatch.setenv("RIGHT", "s3cret")
        monkeypatch.setenv("WRONG", "gu3ss")
        uplink = uplink_to(broker.port, username="gateway", password="env:RIGHT")
        await uplink.connect()
        await uplink.close()
        await refused(broker.port, None, "not authorised", username="gateway", password="env:WRONG")
        await refused(broker.port, None, "not authorised")
        with pytest.raises(UplinkDown) as caught:
            await uplink_to(broker.port, username="gateway", password="env:ABSENT").connect()
        assert "ABSENT" in str(caught.value)


async def test_a_topic_that_is_not_ours_is_refused_and_not_taken_for_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGHT", "s3cret")
    with (
        guarded(tmp_path) as broker,
        observing(broker.port, TOPIC, username="gateway", password="s3cret") as observer,
    ):
        uplink = uplink_to(broker.port, username="gateway", password="env:RIGHT")
        await uplink.connect()
        await uplink.send(message(b"ours", "readings"))
        with pytest.raises(UplinkRefused, match="not authorised"):
            await uplink.send(message(b"not ours", "event"))
        await uplink.close()
        await eventually(lambda: observer.payloads("readings") == [b"ours"])
        assert observer.payloads("event") == []


async def test_the_size_that_a_real_broker_announces_is_kept_to(tmp_path: Path) -> None:
    with mosquitto(tmp_path, "allow_anonymous true\nmax_packet_size 2000") as broker:
        uplink = uplink_to(broker.port)
        await uplink.connect()
        with pytest.raises(UplinkRefused, match="2000"):
            await uplink.send(message(bytes(2_000)))
        await uplink.send(message(bytes(1_900)))
        await uplink.close()
