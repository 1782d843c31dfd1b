"""On which terms an uplink is served: what the plant description says beyond its transport."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from config.uplinks import AnyKindOfUplink, FileUplink, MqttUplink

PROMPT_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a session keeps to.

    `replay_ns`: how much of the past is sent again on every connection. `confirm_within_s`: when the platform
    must have confirmed a record by a message of its own, None where the transport's acknowledgement is
    enough. `prompt_s`: an answer within this time shows that the line is not busy. `seed`: of this gateway's
    own chances, so that a thousand gateways do not do everything at once.
    """

    backfill_bytes_per_s: int = 4_000_000
    replay_ns: int = 0
    confirm_within_s: float | None = None
    prompt_s: float = PROMPT_S
    seed: int = 0

    @property
    def phase(self) -> float:
        """This gateway's place among all gateways, 0 to 1."""
        return self.seed / 2**64


def terms_of(settings: AnyKindOfUplink, identity: str) -> Terms:
    """Return the terms of an uplink of the plant description; `identity` tells it from all others."""
    seed = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8])
    confirm_within_s, prompt_s = None, PROMPT_S
    if isinstance(settings, FileUplink):
        prompt_s += settings.every / 1e9
    elif isinstance(settings, MqttUplink) and settings.ack_topic is not None:
        confirm_within_s = settings.ack_timeout / 1e9
    return Terms(
        backfill_bytes_per_s=settings.backfill,
        replay_ns=settings.replay,
        confirm_within_s=confirm_within_s,
        prompt_s=prompt_s,
        seed=seed,
    )
