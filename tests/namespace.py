"""A network namespace at the other end of a cable that a test can cut and narrow; needs root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import pytest

from tests.system.capabilities import complaint_of

_NUMBERS = count(1)


@dataclass(frozen=True)
class Namespace:
    """`host`: the address at the far end; the near end of the cable is `device`."""

    name: str
    host: str
    device: str

    @property
    def inside(self) -> tuple[str, ...]:
        """What to put before a command that is to run in there."""
        return ("ip", "netns", "exec", self.name)

    def cut(self) -> None:
        """Let nothing through any more, in neither direction, and tell nobody."""
        rules = "add table inet cable; " + "".join(
            f"add chain inet cable {hook} {{ type filter hook {hook} priority 0; policy drop; }}; "
            for hook in ("input", "output")
        )
        _run(*self.inside, "nft", rules)

    def mend(self) -> None:
        """Let everything through again."""
        _run(*self.inside, "nft", "delete table inet cable")

    def narrow(self, rate: str) -> None:
        """Give the cable so many bits a second in each direction, with a queue of some seconds before it."""
        shape = ("root", "tbf", "rate", rate, "burst", "2000", "limit", "60000")
        _run("tc", "qdisc", "add", "dev", self.device, *shape)
        _run(*self.inside, "tc", "qdisc", "add", "dev", "far", *shape)


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Make one, with the cable; skip where that is not allowed."""
    number = next(_NUMBERS) % 64
    name, device = f"fengsui-{os.getpid()}-{number}", f"fs{os.getpid() % 10**7}n{number}"
    net = f"198.18.{os.getpid() % 250}.{4 * number}"  # 198.18.0.0/15 is for tests (RFC 2544)
    near, host = (f"{net.rpartition('.')[0]}.{4 * number + last}" for last in (1, 2))
    why = complaint_of("ip", "netns", "add", name)
    if why:
        pytest.skip(f"capability: no network namespace can be made: {why}")
    made = Namespace(name=name, host=host, device=device)
    try:
        _run("ip", "link", "add", device, "type", "veth", "peer", "name", "far", "netns", name)
        _run("ip", "address", "add", f"{near}/30", "dev", device)
        _run("ip", "link", "set", device, "up")
        _run(*made.inside, "ip", "address", "add", f"{host}/30", "dev", "far")
        _run(*made.inside, "ip", "link", "set", "far", "up")
        _run(*made.inside, "ip", "link", "set", "lo", "up")
        yield made
    finally:
        _run("ip", "netns", "delete", name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
