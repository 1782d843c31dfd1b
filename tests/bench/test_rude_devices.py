"""The three devices that nobody wants behave as they are said to."""

from __future__ import annotations

import socket

import pytest

from bench.helper import Helper


def test_one_is_silent_one_trickles_and_one_never_stops() -> None:
    with Helper("bench.rude_devices") as rude:
        silent, trickling, flooding = (
            socket.create_connection(("127.0.0.1", port), timeout=10) for port in rude.ready["ports"]
        )
        with silent, trickling, flooding:
            assert trickling.recv(4096) == b"\x00"
            assert sum(len(flooding.recv(4096)) for _ in range(20)) > 1024
            silent.setblocking(False)
            with pytest.raises(BlockingIOError):
                silent.recv(1)
        assert rude.close()["connections"] == [1, 1, 1]
