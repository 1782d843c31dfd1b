"""The STATE record: what the agent itself must remember across a kill, and before it what the judge must."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import orjson
from pydantic import TypeAdapter

from agent.bodies import RecordError, unpack_json
from agent.ledger import IntakeLedger, Totals
from filters.engine import Engine

_LENGTH_BYTES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnState:
    """What the agent itself remembers.

    `run`: who wrote it. `before`: readings of all runs before that one; `so_far`: of that one until then.
    `mains_lost`: whether the machine lived on its battery.
    """

    version: Literal[1] = 1
    run: int = 0
    before: Totals = field(default_factory=Totals)
    so_far: Totals = field(default_factory=Totals)
    mains_lost: bool = False


@dataclass(slots=True)
class Keepsake:
    """What goes into a STATE body: the length of the agent's JSON (u32, little), it, and the judge's."""

    run: int
    engine: Engine
    intake: IntakeLedger
    mains_lost: bool = False

    def state(self) -> bytes:
        """Return the STATE body as of now."""
        own = orjson.dumps(
            OwnState(
                run=self.run,
                before=self.intake.before,
                so_far=self.intake.totals(),
                mains_lost=self.mains_lost,
            )
        )
        return len(own).to_bytes(_LENGTH_BYTES, "little") + own + self.engine.state()


_OWN: Final = TypeAdapter(OwnState)


def open_state(body: bytes) -> tuple[OwnState, bytes]:
    """Return what the agent and what the judge put into a STATE body. Raises RecordError."""
    end = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "little")
    if end > len(body):
        raise RecordError("the body ends within the agent's own state")
    return unpack_json(_OWN, body[_LENGTH_BYTES:end]), body[end:]
