"""What the receiver says of a message, in a line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from agent.receive.ledger import Verdict
from agent.receive.messages import Received
from config.text import Language, Text, text

_SPOKEN: Final = ("event", "gap", "loss")
_URGENCIES: Final[dict[str, Text]] = {
    "critical": text("critical"),
    "high": text("high"),
    "medium": text("medium"),
    "low": text("low"),
    "gap": text("gap"),
    "loss": text("loss"),
}
_REASONS: Final[dict[str, Text]] = {
    "connected": text("connected"),
    "still_here": text("still here"),
    "stopped": text("stopped"),
    "connection_lost": text("the connection was lost"),
}


def line_of(received: Received, verdict: Verdict, language: Language) -> str | None:
    """Return a line about a message; None for what is not worth one (readings, metas, duplicates)."""
    if verdict is Verdict.CONFLICT:
        said = text("one key, two contents: {key}", key="/".join(map(str, received.key or ())))
    elif verdict is Verdict.NEW and received.kind in _SPOKEN:
        return _record_line(received.content, language)
    elif received.kind == "status":
        said = _status(received.content)
    else:
        return None
    return f"{_clock(None)}  {_who(received.content)}  {said.show(language)}"


def _record_line(content: dict[str, Any], language: Language) -> str:
    instant = content.get("at") or content["start"]
    late = text("(late) ").show(language) if content["backfill"] else ""
    code = content.get("priority", content["kind"])
    urgency = _URGENCIES[code].show(language) if code in _URGENCIES else code
    return f"{_clock(instant['utc_ms'])}  {_who(content)}  {urgency:8}  {late}{content['text'][language]}"


def _status(content: dict[str, Any]) -> Text:
    reason = _REASONS.get(content["reason"], content["reason"])
    if content["state"] == "online":
        return text("online ({reason}), run {run}", reason=reason, run=content["run"])
    return text("OFFLINE ({reason}), run {run}", reason=reason, run=content["run"])


def _who(content: dict[str, Any]) -> str:
    return f"{content['enterprise']}/{content['gateway']}"


def _clock(utc_ms: float | None) -> str:
    """Return local time; of now where none is given."""
    moment = datetime.now(UTC) if utc_ms is None else datetime.fromtimestamp(utc_ms / 1e3, UTC)
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]
