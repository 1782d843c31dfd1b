"""`fengsui profile`: what the industry profiles ask for, and a point table to begin with."""

from __future__ import annotations

import csv
import io
from typing import Final

import click
import orjson
from rich.table import Table

from agent.cli.exits import Exit
from agent.cli.options import json_option
from agent.cli.speech import fail, language, say, shown
from agent.cli.tables import show, table
from config.profiles.library import names, profile
from config.profiles.models import (
    LimitValue,
    Mark,
    Parameter,
    Profile,
    ProfileInterlock,
    RoleEffect,
    RoleIs,
)
from config.text import Text, text
from config.wording import unknown

MARKS: Final[dict[Mark, Text]] = {
    Mark.SOURCED: text("sourced"),
    Mark.GENERAL: text("generally known"),
    Mark.PROPOSAL: text("proposal"),
}
_POINTS: Final = ("tag", "title", "device", "scan_class", "address", "type", "unit")


@click.group(name="profile", help=shown(text("Show the industry profiles that a plant may use.")))
def profile_command() -> None:
    """Group of the commands about profiles."""


@profile_command.command(name="list", help=shown(text("List the profiles.")))
def list_() -> None:
    """List the profiles."""
    rows = table(text("profile"), text("kind of plant"), text("roles"), text("alarms"), text("interlocks"))
    for found in map(profile, names()):
        counts = (str(len(part)) for part in (found.roles, found.alarms, found.interlocks))
        rows.add_row(found.name, found.show(language()), *counts)
    show(rows)


@profile_command.command(
    name="show", help=shown(text("Show what profile NAME asks for: roles, limits, alarms, interlocks."))
)
@click.argument("name")
@click.option("--points", is_flag=True, help=shown(text("print a point table of its roles to fill in")))
@json_option
def show_(name: str, points: bool, as_json: bool) -> None:
    """Show one profile."""
    if name not in names():
        fail(unknown(text("profile"), name, names()), Exit.USAGE)
    found = profile(name)
    if points:
        click.echo(point_table(found), nl=False)
    elif as_json:
        click.echo(
            orjson.dumps(found.model_dump(mode="json", exclude_defaults=True), option=orjson.OPT_INDENT_2)
        )
    else:
        say(
            text(
                "{name}: {title} ({basis})", name=found.name, title=found.show(language()), basis=found.basis
            )
        )
        show(_roles(found), _parameters(found), _alarms(found), _interlocks(found))


def point_table(found: Profile) -> str:
    """Return a CSV point table with a row for every role; device, scan class and address are left open."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(_POINTS)
    for name, role in found.roles.items():
        writer.writerow([name, role.zh, "", "", "", "" if role.unit else "bool", role.unit])
    return lines.getvalue()


def _roles(found: Profile) -> Table:
    rows = table(text("role"), text("title"), text("unit"), text("required"), text("scan"), text("limits"))
    for name, role in found.roles.items():
        limits = "  ".join(f"{limit} {_limit(value)}" for limit, value in role.limits.items())
        required = shown(text("yes")) if role.required else ""
        rows.add_row(
            name, role.show(language()), role.unit, required, role.scan and f"<= {role.scan}", limits
        )
    return rows


def _limit(found: LimitValue) -> str:
    if found.ratio is not None:
        number = f"{100 * found.ratio:g} % x normal"
    elif found.distance is not None:
        number = f"normal {found.distance:+g}"
    else:
        number = f"{found.value:g}"
    return f"{number} [{shown(MARKS[found.mark])}]"


def _parameters(found: Profile) -> Table:
    rows = table(text("parameter"), text("value"), text("rests on"), text("basis"))
    for name, parameter in found.parameters.items():
        rows.add_row(name, _number(parameter), shown(MARKS[parameter.mark]), parameter.basis)
    return rows


def _number(parameter: Parameter) -> str:
    if parameter.ratio is None:
        return str(parameter.value)
    return f"{100 * parameter.ratio:g} % x normal {parameter.of}"


def _alarms(found: Profile) -> Table:
    rows = table(text("alarm"), text("title"), text("when"), text("rests on"), text("response"))
    for name, alarm in found.alarms.items():
        rows.add_row(name, alarm.show(language()), alarm.when, shown(MARKS[alarm.mark]), alarm.response)
    return rows


def _interlocks(found: Profile) -> Table:
    rows = table(text("interlock"), text("title"), text("cause"), text("effects"), text("rests on"))
    for name, interlock in found.interlocks.items():
        effects = "; ".join(_effect(effect, found) for effect in interlock.effects)
        rows.add_row(
            name, interlock.show(language()), _cause(interlock), effects, shown(MARKS[interlock.mark])
        )
    return rows


def _cause(interlock: ProfileInterlock) -> str:
    armed = f" [{_condition(interlock.armed_when)}]" if interlock.armed_when else ""
    return _condition(interlock.cause) + armed


def _effect(effect: RoleEffect, found: Profile) -> str:
    within = found.parameters[effect.within].value if effect.within in found.parameters else effect.within
    return f"{_condition(effect)} <= {within}"


def _condition(part: RoleIs) -> str:
    if part.any_of:
        return " | ".join(map(_condition, part.any_of))
    if part.limit is not None:
        return f"{part.role} {part.limit}"
    for sign, number in (("=", part.equals), (">", part.above), ("<", part.below)):
        if number is not None:
            return f"{part.role} {sign} {int(number) if isinstance(number, bool) else number}"
    return part.role
