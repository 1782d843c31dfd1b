"""`fengsui receive`: the reference receiver on the command line."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import BinaryIO

import click

from agent.cli.exits import Exit
from agent.cli.speech import fail, language, shown
from config.text import text


@click.command(
    help=shown(
        text(
            "Receive as a platform would: check, deduplicate, say what is missing. "
            "Ends with 0 where nothing was wrong, with 1 where something was or nobody could be heard."
        )
    )
)
@click.option("--host", default="127.0.0.1", show_default=True, help=shown(text("The broker.")))
@click.option(
    "--port",
    default=1883,
    show_default=True,
    type=click.IntRange(1, 65535),
    help=shown(text("Its port.")),
)
@click.option("--topic", default="fengsui/1/#", show_default=True, help=shown(text("What to subscribe to.")))
@click.option(
    "--client-id", default="", help=shown(text("Name of a session that the broker keeps while we are away."))
)
@click.option(
    "--ack-topic",
    default="",
    help=shown(text("Confirm on this topic what was written to --out, once the disk has it.")),
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help=shown(text("Read the files of a file drop instead of listening to a broker.")),
)
@click.option("--take", is_flag=True, help=shown(text("Remove each file of --folder when it was read.")))
@click.option("--username", help=shown(text("Who we are to the broker.")))
@click.option("--password", help=shown(text("A reference: env:NAME, file:/path or credential:NAME.")))
@click.option("--ca", type=click.Path(path_type=Path), help=shown(text("Use TLS and trust this CA.")))
@click.option("--certificate", type=click.Path(path_type=Path), help=shown(text("Our certificate, for TLS.")))
@click.option("--key", type=click.Path(path_type=Path), help=shown(text("Its key.")))
@click.option("--seconds", type=float, help=shown(text("End after so many seconds; without it, on Ctrl-C.")))
@click.option(
    "--from-start", is_flag=True, help=shown(text("Every run is heard from its first record: none may lack."))
)
@click.option(
    "--out", type=click.File("wb"), help=shown(text("Write every arrival to this file, a line of JSON each."))
)
@click.option(
    "--json", "as_json", is_flag=True, help=shown(text("Say nothing but a summary in JSON at the end."))
)
def receive(
    host: str,
    port: int,
    topic: str,
    client_id: str,
    ack_topic: str,
    folder: Path | None,
    take: bool,
    username: str | None,
    password: str | None,
    ca: Path | None,
    certificate: Path | None,
    key: Path | None,
    seconds: float | None,
    from_start: bool,
    out: BinaryIO | None,
    as_json: bool,
) -> None:
    """Listen until stopped."""
    from agent.receive.folder import FolderSource
    from agent.receive.listen import listen
    from agent.receive.subscriber import Source
    from config.fields import HOST_PATTERN
    from config.secrets import SecretError, resolve
    from config.uplinks import Tls

    if not re.fullmatch(HOST_PATTERN, host):
        fail(text("write a host name or an IP address alone, for example 192.168.1.10"), Exit.USAGE)
    try:
        secret = None if password is None else resolve(password).reveal()
    except SecretError as error:
        fail(error.words, Exit.CONFIG)
    if ack_topic and out is None:
        fail(text("only what is written down can be confirmed; add --out"), Exit.USAGE)
    broker = Source(
        host=host,
        port=port,
        topic=topic,
        ack_topic=ack_topic,
        client_id=client_id,
        username=username,
        password=secret,
        tls=None
        if ca is None and certificate is None and key is None
        else Tls(ca=ca, certificate=certificate, key=key),
    )
    faultless = listen(
        broker if folder is None else FolderSource(folder=folder, take=take),
        seconds=seconds,
        from_start=from_start,
        out=out,
        as_json=as_json,
        language=language(),
    )
    sys.exit(Exit.OK if faultless else Exit.FAILED)
