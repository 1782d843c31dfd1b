"""`fengsui opcua`: what a server has, and whom to trust."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from agent.certificates.folder import CertificateFolder, Kept
from agent.cli.exits import Exit
from agent.cli.opcua_browse import browse
from agent.cli.options import running_state_option
from agent.cli.speech import fail, say, shown
from agent.layout import Layout
from config.text import text
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
    states = (
        (text("our own"), folder.ours()),
        (text("trusted"), folder.trusted()),
        (text("rejected"), folder.rejected()),
    )
    if not any(certificates for _, certificates in states):
        say(text("there are no certificates in {path} yet", path=folder.folder))
    for state, certificates in states:
        for kept in certificates:
            owner = kept.certificate.subject.rfc4514_string()
            until = f"{kept.certificate.not_valid_after_utc:%Y-%m-%d}"
            say(text("{state}: {owner}, valid until {until}", state=state, owner=owner, until=until))
            click.echo(f"    {kept.fingerprint}")


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
