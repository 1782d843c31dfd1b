"""The steps of asyncua's client that we take; none of its supervisors runs, nothing reconnects by itself."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_session import UaSession
from asyncua.ua.uaerrors import UaError

_GOODBYE_S: Final = 1.0

# asyncua logs each failure with its traceback; here each one is raised, and `agent/poll.py` logs transitions.
logging.getLogger("asyncua").setLevel(logging.CRITICAL)


class _Session(UaSession):
    """A session without asyncua's publish loop, which swallows what goes wrong; ours is `publishing.py`."""

    def ensure_publish_loop(self) -> None:
        """Start nothing."""


def make_client(url: str, timeout_s: float) -> Client:
    """Return a client that is not connected yet."""
    client = Client(url, timeout=timeout_s, auto_reconnect=False)
    client.name = client.description = "Fengsui"  # what the server's people see in its list of sessions
    client.application_uri = client.product_uri = "urn:fengsui"
    client.uaclient.session = _Session(client.uaclient)
    return client


async def say_hello(client: Client) -> None:
    """Connect the socket and agree on the size of messages."""
    await client.connect_socket()
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError  # asyncio.wait_for may swallow a cancellation (Python 3.11)
    await client.send_hello()


async def endpoints_of(url: str, timeout_s: float) -> list[ua.EndpointDescription]:
    """Return what a server offers, by a connection for this alone; nobody vouches for the answer."""
    client = make_client(url, timeout_s)
    try:
        await say_hello(client)
        await client.open_secure_channel()
        found = await client.get_endpoints()
        with suppress(OSError, UaError):
            await client.close_secure_channel()
    finally:
        abort(client)
    return found


async def say_goodbye(client: Client) -> None:
    """Close session and channel, within a second; the server may be gone."""
    with suppress(OSError, UaError):
        async with asyncio.timeout(_GOODBYE_S):
            await client.close_session()
            await client.close_secure_channel()


def abort(client: Client) -> None:
    """Drop the connection at once; whoever waits for an answer gets a ConnectionError."""
    protocol = client.uaclient.protocol
    client.disconnect_socket()
    if protocol is not None and protocol.transport is not None:
        protocol.transport.abort()


def is_connected(client: Client) -> bool:
    """Tell whether the socket is open, as far as this side knows."""
    protocol = client.uaclient.protocol
    return protocol is not None and protocol.transport is not None
