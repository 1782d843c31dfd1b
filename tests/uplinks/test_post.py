from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from agent.uplinks.contract import UplinkBusy, UplinkDown, UplinkRefused, UplinkTurnedAway
from agent.uplinks.post import Address, PostUplink
from config.uplinks import Tls
from config.vocabulary import Stream
from tests.uplinks.certificates import Authority, Files
from tests.uplinks.contract_suite import AnsweringContract, message
from tests.uplinks.http_platform import HttpPlatform, server, settings
from tests.uplinks.station import UPLINK, Station, forwarding
from tests.uplinks.waiting import eventually


class TestPost(AnsweringContract):
    @pytest.fixture
    def platform(self, tmp_path: Path) -> Iterator[HttpPlatform]:
        with server(tmp_path) as process:
            yield HttpPlatform(process)


@asynccontextmanager
async def answering(
    statuses: list[int], heads: list[dict[str, str]] | None = None, files: Files | None = None
) -> AsyncIterator[int]:
    """Serve POSTs with these reply codes, one after another; yield the port."""

    async def take(request: web.Request) -> web.Response:
        if heads is not None:
            heads.append(dict(request.headers))
        return web.Response(status=statuses.pop(0), headers={"Location": "/in/elsewhere"})

    async with serving(take, files) as port:
        yield port


@asynccontextmanager
async def serving(
    take: Callable[[web.Request], Awaitable[web.StreamResponse]], files: Files | None = None
) -> AsyncIterator[int]:
    """Serve POSTs; yield the port."""
    app = web.Application()
    app.router.add_post("/in/{kind}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    context = None
    if files is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, None),
        (204, None),
        (302, UplinkBusy),
        (400, UplinkRefused),
        (401, UplinkTurnedAway),
        (404, UplinkTurnedAway),
        (413, UplinkRefused),
        (422, UplinkRefused),
        (429, UplinkBusy),
        (500, UplinkDown),
        (503, UplinkBusy),
    ],
)
async def test_the_reply_code_is_the_acknowledgement(status: int, outcome: type[Exception] | None) -> None:
    async with answering([status, 200]) as port:
        uplink = PostUplink(settings(port))
        await uplink.connect()
        if outcome is None:
            await uplink.send(message(b"{}"))
        else:
            with pytest.raises(outcome, match=str(status)) as caught:
                await uplink.send(message(b"{}"))
            assert type(caught.value) is outcome
        await uplink.send(message(b"{}"))
        await uplink.close()


async def test_a_token_is_looked_up_and_sent_and_what_is_to_be_kept_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heads: list[dict[str, str]] = []
    monkeypatch.setenv("RIGHT", "s3cret")
    async with answering([200, 200], heads) as port:
        uplink = PostUplink(settings(port, token="env:RIGHT"))
        await uplink.connect()
        await uplink.send(message(b"{}", "status", retain=True))
        await uplink.send(message(b"{}"))
        await uplink.close()
        with pytest.raises(UplinkDown, match="ABSENT"):
            await PostUplink(settings(port, token="env:ABSENT")).connect()
    assert [head["Authorization"] for head in heads] == ["Bearer s3cret"] * 2
    assert [head.get("Fengsui-Keep") for head in heads] == ["1", None]


async def test_a_certificate_is_verified_and_a_name_too(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    right, wrong = authority.issue("right"), authority.issue("wrong", host="elsewhere.example.com")
    tls = Tls(ca=authority.ca.certificate)
    async with answering([200], files=right) as port:
        uplink = PostUplink(settings(port, url=f"https://127.0.0.1:{port}/in", tls=tls))
        await uplink.connect()
        await uplink.send(message(b"{}"))
        await uplink.close()
    async with answering([200], files=wrong) as port:
        with pytest.raises(UplinkDown, match="another host"):
            await PostUplink(settings(port, url=f"https://127.0.0.1:{port}/in", tls=tls)).connect()


async def test_every_address_of_a_platform_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering([200]) as port:
        uplink = PostUplink(settings(port, timeout="10s"))

        async def two() -> list[Address]:
            return [(socket.AF_INET, "127.0.0.2"), (socket.AF_INET, "127.0.0.1")]

        monkeypatch.setattr(uplink, "_addresses", two)
        await uplink.connect()
        await uplink.send(message(b"{}"))
        await uplink.close()


async def test_a_record_at_which_the_platform_fails_is_put_aside_and_the_rest_flows(tmp_path: Path) -> None:
    tried = []

    async def take(request: web.Request) -> web.Response:
        content = orjson.loads(await request.read())
        culprit = content.get("stream") == "readings" and content["seq"] == 3
        tried.extend([content["seq"]] if culprit else [])
        return web.Response(status=500 if culprit else 200)

    async with serving(take) as port:
        gateway = Station(directory=tmp_path, port=port)
        gateway.forwarder._make_uplink = lambda _: PostUplink(settings(port))
        gateway.read(*([n, n, n] for n in range(10)))
        async with forwarding(gateway):
            await eventually(lambda: not gateway.backlog)
        balance = gateway.log.ledger().balances[UPLINK][Stream.READINGS]
        gateway.log.close()
    assert (balance.delivered.records, balance.quarantined.records) == (9, 1)
    assert len(tried) <= 4


async def test_a_platform_that_answers_nothing_is_left_in_time() -> None:
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    uplink = PostUplink(settings(server.sockets[0].getsockname()[1]))
    await uplink.connect()
    with pytest.raises(UplinkDown, match="does not answer"):
        async with asyncio.timeout(3):
            await uplink.send(message(b"{}"))
    assert "does not answer" in str(await uplink.closed())
    await uplink.close()
    server.close()
    for writer in writers:
        writer.close()
