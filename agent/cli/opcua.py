"""`fengsui opcua`: what a server has, and whom to trust."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from rich.table import Table

from agent.certificates.folder import CertificateFolder, Kept
from agent.cli.exits import Exit
from agent.cli.opcua_browse import browse
from agent.cli.options import running_state_option
from agent.cli.speech import fail, say, shown
from agent.cli.tables import show, table
from agent.layout import Layout
from config.text import Text, text
from drivers.contract import LinkDown

_FEWEST_DIGITS: Final = 8


@click.group(help=shown(text("OPC UA: look at what servers have, and trust them.")))
def opcua() -> None:
    """Group the commands."""


@opcua.command(
    help=shown(
        text(
            "Show our own certificate and those of servers; with FINGERPRINT (its first digits are enough), "
            "trust the rejected one that has it."
        )
    )
)
@click.argument("fingerprint", required=False)
@running_state_option
def trust(fingerprint: str | None, state: Path | None) -> None:
    """List certificates, or trust one."""
    folder = CertificateFolder(Layout.of(state).certificates)
    if fingerprint is None:
        _show(folder)
        return
    kept = _meant(folder, fingerprint)
    try:
        folder.trust(kept)
    except LinkDown as error:
        fail(error.words, Exit.CANNOT_CREATE)
    say(text("{fingerprint} is trusted from now on", fingerprint=kept.fingerprint))


def _show(folder: CertificateFolder) -> None:
    rows = table(text("certificate"), text("belongs to"), text("valid until"), text("fingerprint (SHA-256)"))
    for state, kept in (
        (text("our own"), folder.ours()),
        (text("trusted"), folder.trusted()),
        (text("rejected"), folder.rejected()),
    ):
        _add(rows, state, kept)
    if not rows.row_count:
        say(text("there are no certificates in {path} yet", path=folder.folder))
    show(rows)


def _add(rows: Table, state: Text, certificates: list[Kept]) -> None:
    for kept in certificates:
        rows.add_row(
            shown(state),
            kept.certificate.subject.rfc4514_string(),
            f"{kept.certificate.not_valid_after_utc:%Y-%m-%d}",
            kept.fingerprint,
        )


def _meant(folder: CertificateFolder, fingerprint: str) -> Kept:
    """Return the rejected certificate with this fingerprint; end where there is not exactly one."""
    wanted = fingerprint.replace(":", "").upper()
    found = [kept for kept in folder.rejected() if kept.fingerprint.replace(":", "").startswith(wanted)]
    if len(wanted) < _FEWEST_DIGITS:
        fail(text("give at least {count} digits of the fingerprint", count=_FEWEST_DIGITS), Exit.USAGE)
    if len(found) != 1:
        fail(text("{count} rejected certificates have this fingerprint", count=len(found)), Exit.USAGE)
    return found[0]


opcua.add_command(browse)
