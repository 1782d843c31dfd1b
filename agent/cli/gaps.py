"""`fengsui gaps`: when there was no data, of what, and why; read from the log itself."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
import orjson
from rich.table import Table

from agent.availability import Availability, availability
from agent.cli.exits import Exit
from agent.cli.instant import INSTANT
from agent.cli.options import json_option, log_option
from agent.cli.speech import fail, language, say, shown
from agent.cli.tables import show, shown_name, table
from agent.gap import CAUSES, GapBody, Moment, Part, Subject
from agent.history import History, read_history
from buffer.errors import LogError
from config.text import Text, text
from config.units import S

_PARTS = {
    Part.GATEWAY: text("the whole gateway"),
    Part.LINK: text("link"),
    Part.DEVICE: text("device"),
    Part.UPLINK: text("uplink"),
}


@click.command(
    help=shown(
        text(
            "Show every time without data, of the gateway, a link, a device or an uplink, and its cause. "
            "Reads the log's records; an agent may run on it, or it may be a copy."
        )
    )
)
@log_option
@click.option(
    "--since",
    type=INSTANT,
    metavar="TIME",
    help=shown(text("what ended before is left out; 2h: 2 hours ago")),
)
@click.option("--device", help=shown(text("only this device; what stopped the whole gateway stays")))
@click.option(
    "--summary", is_flag=True, help=shown(text("by month: for how much of the time there was data"))
)
@json_option
def gaps(log: Path, since: int | None, device: str | None, summary: bool, as_json: bool) -> None:
    """Show the gap journal."""
    history = _read(log)
    if device is not None and Subject(Part.DEVICE, device) not in history.subjects:
        fail(text("no such device in this log: {device}", device=device), Exit.USAGE)
    chosen = (None, "") if device is None else (Part.DEVICE, device)
    if summary:
        _tell_summary([found for found in availability(history) if _meant(found.subject, *chosen)], as_json)
        return
    found = [gap for gap in history.gaps if gap.end is None or gap.end.utc_ns >= (since or 0)]
    _tell(history, [gap for gap in found if _meant(gap.subject, *chosen)], as_json)


def _read(directory: Path) -> History:
    try:
        history = read_history(directory)
    except LogError as error:
        fail(error.words, Exit.UNAVAILABLE)
    except OSError as error:
        fail(
            text("{directory} cannot be read: {reason}", directory=directory, reason=error.strerror),
            Exit.UNAVAILABLE,
        )
    if history is None:
        fail(text("there is no log in {directory}", directory=directory), Exit.UNAVAILABLE)
    if history.unreadable:
        click.echo(shown(text("{count} records could not be read", count=history.unreadable)), err=True)
    return history


def _meant(subject: Subject, part: Part | None, name: str) -> bool:
    return part is None or subject == (part, name) or subject.part is Part.GATEWAY


def _tell(history: History, found: list[GapBody], as_json: bool) -> None:
    if as_json:
        told = {"first": history.first, "last": history.last, "gaps": [_json(gap) for gap in found]}
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    rows = table(
        text("began"), text("length"), text("subject"), text("cause"), text("scans missed"), text("who")
    )
    for gap in found:
        missed = "" if gap.scans_missed is None else str(gap.scans_missed)
        cause = shown(CAUSES[gap.cause])
        subject = shown_name(_what(gap.subject), gap.title)
        rows.add_row(_clock(gap.start), shown(_length(gap)), subject, cause, missed, gap.by)
    show(rows)
    say(text("the log goes from {first} to {last}", first=_clock(history.first), last=_clock(history.last)))


def _json(gap: GapBody) -> dict[str, object]:
    length_ns = gap.length_ns
    return {
        **asdict(gap),
        "length_s": None if length_ns is None else length_ns / S,
        "text": {"en": gap.words().show("en"), "zh": gap.words().show("zh")},
    }


def _tell_summary(found: list[Availability], as_json: bool) -> None:
    if as_json:
        told = [{**asdict(month), "share": month.share} for month in found]
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    show(_months(found))


def _months(found: list[Availability]) -> Table:
    rows = table(
        text("month"),
        text("subject"),
        text("available"),
        text("hours without"),
        text("of these planned"),
        text("gaps"),
    )
    for month in found:
        rows.add_row(
            month.month,
            _what(month.subject),
            f"{100 * month.share:.3f} %",
            f"{month.down_s / 3600:.2f}",
            f"{month.maintenance_s / 3600:.2f}",
            str(month.gaps),
        )
    return rows


def _what(subject: Subject) -> str:
    return f"{_PARTS[subject.part].show(language())} {subject.name}".rstrip()


def _length(gap: GapBody) -> Text:
    if gap.end is None:
        return text("lasts")
    if gap.length_ns is None:
        return text("not known")
    return text("{seconds} s", seconds=f"{gap.length_ns / S:.1f}")


def _clock(moment: Moment) -> str:
    """Return local time."""
    return datetime.fromtimestamp(moment.utc_ns / S).astimezone().isoformat(" ", "seconds")
