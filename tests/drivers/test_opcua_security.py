"""Signed and encrypted sessions: with whom we speak, as whom, and never with less than was asked for."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from asyncua import ua

from agent.certificates.folder import MOST_REJECTED
from agent.certificates.own import today
from agent.certificates.store import CertificateStore
from agent.simulate.opcua_security import ServerSecurity
from config.opcua import SecurityMode, SecurityPolicy
from config.tags import ValueType
from drivers.contract import DeviceRefused, LinkDown
from drivers.opcua.connection import make_client
from drivers.opcua.failures import SecurityRefused
from drivers.opcua.keys import fingerprint
from drivers.opcua.security import _refuse_clear_text, choose, trusted
from tests.drivers.contract_suite import Bench, DriverContract, plant_of, tag_of
from tests.drivers.opcua_certificates import Pair
from tests.drivers.opcua_rig import NODES, OpcUaRig, ServerThread, rig_on, server_thread
from tests.drivers.proxy import Proxy

NODE = "ns=2;i=77"
STRONG = {"policy": "Basic256Sha256", "mode": "sign-and-encrypt"}
PASSWORD = "烽燧-s3cret"
USER = {"name": "fengsui", "password": "env:OPCUA_PASSWORD"}


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPCUA_PASSWORD", PASSWORD)


@pytest.fixture(scope="module")
def authority() -> Pair:
    return Pair.make("server")


@pytest.fixture(scope="module")
def person() -> Pair:
    return Pair.make("person")


@pytest.fixture(scope="module")
def security(authority: Pair, person: Pair) -> ServerSecurity:
    return ServerSecurity(
        certificate=authority.der,
        key=authority.key_pem,
        clients=[],
        users={"fengsui": PASSWORD},
        user_certificates=[person.der],
        anonymous=False,
    )


@pytest.fixture(scope="module")
def server(security: ServerSecurity) -> Iterator[ServerThread]:
    with server_thread({**NODES, NODE: (ValueType.INT32, 77)}, security) as server:
        yield server
        assert server.simulator.counts.writes == 0


@pytest.fixture
async def proxy(server: ServerThread) -> AsyncIterator[Proxy]:
    proxy = Proxy(server.simulator.port)
    await proxy.mend()
    yield proxy
    proxy.release()
    await proxy.cut()


@pytest.fixture
def secured(proxy: Proxy) -> dict[str, object]:
    return {
        "type": "opcua",
        "url": f"opc.tcp://127.0.0.1:{proxy.port}/",
        "security": STRONG,
        "user": USER,
        "timeout": "20s",
    }


def store_in(folder: Path, link: dict[str, object]) -> CertificateStore:
    return CertificateStore(folder / "certificates", plant_of(link, [tag_of("a", NODE)]).description.gateway)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, security: ServerSecurity) -> Path:
    """The state directory of a gateway that trusts the server."""
    folder = tmp_path_factory.mktemp("gateway")
    store = store_in(folder, {"type": "opcua", "url": "opc.tcp://plc:4840"})
    store.own()
    trust(store, security.certificate)
    return folder


@pytest.fixture
def store(folder: Path, secured: dict[str, object], security: ServerSecurity) -> Iterator[CertificateStore]:
    """Who trusts the server and is trusted by it."""
    store = store_in(folder, secured)
    security.clients.append(store.own().certificate)
    yield store
    security.clients.clear()


def trust(store: CertificateStore, certificate: bytes) -> None:
    store.reject(certificate)
    (kept,) = store.rejected()
    store.trust(kept)


async def value_of(link: dict[str, object], store: CertificateStore) -> float:
    """Return the first value that a driver reads; it is closed afterwards."""
    tags = [tag_of("a", NODE), tag_of("b", NODE, scan_class="slow")]
    bench = Bench(plant_of(link, tags), store)
    try:
        return float((await bench.scan()).raw[0])
    finally:
        await bench.driver.close()


class TestSecuredContract(DriverContract):
    """The suite, over a signed and encrypted session."""

    @pytest.fixture
    async def rig(self, server: ServerThread, store: CertificateStore) -> AsyncIterator[OpcUaRig]:
        async with rig_on(server, store, security=STRONG, user=USER) as rig:
            yield rig


@pytest.mark.parametrize("policy", SecurityPolicy)
@pytest.mark.parametrize("mode", SecurityMode)
async def test_every_policy_reads(
    secured: dict[str, object], store: CertificateStore, policy: SecurityPolicy, mode: SecurityMode
) -> None:
    assert await value_of({**secured, "security": {"policy": policy, "mode": mode}}, store) == 77


async def test_an_unknown_server_is_refused_until_a_person_trusts_its_fingerprint(
    secured: dict[str, object], security: ServerSecurity, store: CertificateStore, tmp_path: Path
) -> None:
    stranger = store_in(tmp_path / "stranger", secured)
    with pytest.raises(SecurityRefused) as refusal:
        await value_of(secured, stranger)
    (kept,) = stranger.rejected()
    assert kept.fingerprint == fingerprint(security.certificate)
    assert kept.fingerprint in str(refusal.value)
    assert not stranger.trusted()
    stranger.trust(kept)
    security.clients.append(stranger.own().certificate)
    assert await value_of(secured, stranger) == 77
    assert not stranger.rejected()


async def test_a_server_that_does_not_trust_us_refuses(
    secured: dict[str, object], security: ServerSecurity, store: CertificateStore
) -> None:
    security.clients.clear()
    with pytest.raises(DeviceRefused, match="BadCertificateUntrusted"):
        await value_of(secured, store)


async def test_a_refusal_stands_for_a_while_instead_of_being_asked_for_again(
    secured: dict[str, object], proxy: Proxy, tmp_path: Path
) -> None:
    bench = Bench(
        plant_of(secured, [tag_of("a", NODE), tag_of("b", NODE, scan_class="slow")]),
        store_in(tmp_path, secured),
    )
    for _ in range(5):
        with pytest.raises(SecurityRefused):
            await bench.scan()
    assert bench.driver.counters.connects == 1
    bench.driver._server._refused_until_s = 0.0
    with pytest.raises(SecurityRefused):
        await bench.scan()
    assert bench.driver.counters.connects == 2
    await bench.driver.close()


async def test_a_user_with_a_certificate_logs_in_and_a_strange_one_does_not(
    secured: dict[str, object], store: CertificateStore, person: Pair, tmp_path: Path
) -> None:
    assert await value_of({**secured, "user": person.files(tmp_path)}, store) == 77
    with pytest.raises(DeviceRefused, match="BadUserAccessDenied"):
        await value_of({**secured, "user": Pair.make("stranger").files(tmp_path)}, store)


async def test_nobody_a_wrong_password_and_a_missing_file_are_told_apart(
    secured: dict[str, object], store: CertificateStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeviceRefused, match="BadIdentityTokenRejected"):
        await value_of({**secured, "user": None}, store)
    missing = {"certificate": str(tmp_path / "no.crt"), "key": str(tmp_path / "no.key")}
    with pytest.raises(SecurityRefused, match=r"no\.crt"):
        await value_of({**secured, "user": missing}, store)
    monkeypatch.setenv("OPCUA_PASSWORD", "wrong")
    with pytest.raises(DeviceRefused, match="BadUserAccessDenied"):
        await value_of(secured, store)
    monkeypatch.delenv("OPCUA_PASSWORD")
    with pytest.raises(SecurityRefused, match="OPCUA_PASSWORD"):
        await value_of(secured, store)


def test_nothing_less_than_what_was_asked_for_is_taken() -> None:
    offered = [
        ua.EndpointDescription(
            SecurityPolicyUri=f"http://opcfoundation.org/UA/SecurityPolicy#{policy}", SecurityMode=mode
        )
        for policy, mode in (
            ("None", ua.MessageSecurityMode.None_),
            ("Basic256Sha256", ua.MessageSecurityMode.Sign),
            ("Basic256", ua.MessageSecurityMode.SignAndEncrypt),
        )
    ]
    link = {"type": "opcua", "url": "opc.tcp://plc:4840", "security": STRONG}
    wanted = plant_of(link, [tag_of("a", NODE)]).description.links["wire"].security
    with pytest.raises(SecurityRefused) as refusal:
        choose("opc.tcp://plc:4840", offered, wanted)
    assert "Basic256Sha256/sign-and-encrypt; it offers" in str(refusal.value)
    assert "Basic256/sign-and-encrypt, Basic256Sha256/sign, None/none" in str(refusal.value)
    assert issubclass(SecurityRefused, LinkDown)


def test_a_password_is_never_sent_in_clear_text() -> None:
    client = make_client("opc.tcp://plc:4840", 1.0)
    client._policy_ids = [
        ua.UserTokenPolicy(
            TokenType=ua.UserTokenType.UserName,
            SecurityPolicyUri="http://opcfoundation.org/UA/SecurityPolicy#None",
        )
    ]
    for mode in (ua.MessageSecurityMode.None_, ua.MessageSecurityMode.Sign):
        client.security_policy.Mode = mode
        with pytest.raises(SecurityRefused, match="clear text"):
            _refuse_clear_text(client, "opc.tcp://plc:4840")
    client.security_policy.Mode = ua.MessageSecurityMode.SignAndEncrypt
    _refuse_clear_text(client, "opc.tcp://plc:4840")


@pytest.mark.parametrize("made", [today() - timedelta(days=5000), today() + timedelta(days=50)])
def test_a_certificate_that_is_not_valid_today_is_refused_with_both_dates(
    made: object, tmp_path: Path
) -> None:
    pair = Pair.make("old", made=made)
    store = store_in(tmp_path, {"type": "opcua", "url": "opc.tcp://plc:4840"})
    trust(store, pair.der)
    with pytest.raises(SecurityRefused, match="the clock of this machine says"):
        trusted("opc.tcp://plc:4840", pair.der, store)


def test_garbage_instead_of_a_certificate_is_refused_and_not_kept(tmp_path: Path) -> None:
    store = store_in(tmp_path, {"type": "opcua", "url": "opc.tcp://plc:4840"})
    for garbage in (b"", b"\x30\x82", os.urandom(500)):
        with pytest.raises(SecurityRefused, match="cannot be read"):
            trusted("opc.tcp://plc:4840", garbage, store)
    assert not store.rejected()


def test_our_certificate_is_made_once_names_our_uri_and_its_key_is_for_us_alone(tmp_path: Path) -> None:
    link = {"type": "opcua", "url": "opc.tcp://plc:4840"}
    own, again = store_in(tmp_path, link).own(), store_in(tmp_path, link).own()
    assert own == again
    assert own.uri == "urn:fengsui:e:g"
    assert "PRIVATE" not in repr(own)
    assert (tmp_path / "certificates/own/key.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "certificates/own/certificate.der").read_bytes() == own.certificate


def test_a_damaged_key_is_told_and_not_replaced(tmp_path: Path) -> None:
    link = {"type": "opcua", "url": "opc.tcp://plc:4840"}
    store_in(tmp_path, link).own()
    (tmp_path / "certificates/own/certificate.der").write_bytes(b"torn")
    with pytest.raises(LinkDown, match="damaged"):
        store_in(tmp_path, link).own()


def test_rejected_certificates_do_not_fill_the_disk(tmp_path: Path) -> None:
    store = store_in(tmp_path, {"type": "opcua", "url": "opc.tcp://plc:4840"})
    for number in range(MOST_REJECTED + 10):
        store.reject(b"%d" % number)
    assert len(list((tmp_path / "certificates/rejected").iterdir())) == MOST_REJECTED


def test_a_certificate_that_a_person_puts_into_the_folder_counts_as_pem_too(tmp_path: Path) -> None:
    store = store_in(tmp_path, {"type": "opcua", "url": "opc.tcp://plc:4840"})
    pair = Pair.make("plc")
    (tmp_path / "certificates/trusted").mkdir(parents=True)
    pair.files(tmp_path / "certificates/trusted")
    assert store.trusts(pair.der)
    assert not store.trusts(Pair.make("plc").der)
