"""Small plants for tests, made from the models without files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.faults import Place
from config.models import Description
from config.plant import Plant, number_tags
from config.tags import Tag


def make_plant(
    *,
    devices: tuple[str, ...] = ("plc",),
    period: str = "1s",
    tags_each: int = 2,
    tag: dict[str, Any] | None = None,
    link: str | None = None,
    title: str = "",
    **description: Any,
) -> Plant:
    """Make a plant whose devices have `tags_each` holding registers each, `<device>_<n>`.

    `link`: the one that all of them are on; each has one of its own where none is given.
    `title`: of every device.
    """
    found = Description.model_validate(
        {
            "fengsui": 1,
            "gateway": {"enterprise": "test-works", "name": "gw-1"},
            "scan_classes": {"normal": {"period": period}},
            "links": {link or name: {"type": "modbus-tcp", "host": "127.0.0.1"} for name in devices},
            "devices": {
                name: {"link": link or name, "unit_id": unit, "title": title}
                for unit, name in enumerate(devices, start=1)
            },
            "points": ["points.csv"],
            **description,
        }
    )
    rows = [
        (
            Tag.model_validate(
                {
                    "tag": f"{device}_{number}",
                    "device": device,
                    "scan_class": "normal",
                    "address": f"hr:{number}",
                    **(tag or {}),
                }
            ),
            Place(Path("points.csv"), number + 2),
        )
        for device in devices
        for number in range(tags_each)
    ]
    return number_tags(found, rows, "0" * 64)
