"""Whether the parts of a plant description fit one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config.consistency.addresses import address_faults
from config.consistency.alarms import alarm_faults
from config.consistency.devices import device_faults
from config.consistency.expressions import expression_faults, resolution_of
from config.consistency.interlocks import interlock_faults
from config.consistency.named import calendar_faults, named_faults
from config.consistency.opcua import opcua_faults
from config.consistency.registers import register_faults
from config.consistency.site import site_faults
from config.consistency.tags import tag_faults
from config.consistency.types import type_faults
from config.draft import Draft
from config.faults import Fault
from config.points.read import Row


def inconsistencies(draft: Draft, rows: Sequence[Row], *, all_read: bool) -> Iterator[Fault]:
    """Yield every fault between the parts.

    Unless `all_read`, some tables are missing, and nothing is said of names that could stand in them.
    """
    all_read = all_read and all(row.sound("tag", "device") for row in rows)
    yield from site_faults(draft)
    yield from device_faults(draft, rows, all_read=all_read)
    yield from tag_faults(draft, rows)
    yield from alarm_faults(rows, draft.series, all_read=all_read)
    yield from address_faults(draft, rows)
    yield from named_faults(draft, rows, all_read=all_read)
    yield from calendar_faults(draft, rows)
    yield from type_faults(draft, rows)
    yield from register_faults(draft, rows)
    resolution = resolution_of(draft, rows, all_read=all_read)
    yield from expression_faults(draft, rows, resolution)
    yield from opcua_faults(draft, rows, resolution.virtuals)
    virtuals = {virtual.name: virtual for virtual in resolution.virtuals}
    yield from interlock_faults(draft, rows, virtuals, all_read=all_read)
