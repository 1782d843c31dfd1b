"""Names with their titles: what commands take, and what people say."""

from __future__ import annotations

from config.plant import Plant
from config.text import Text, text


def titled(name: str, title: str) -> Text | str:
    """Return a name with the title behind it; alone where there is none, or it says the same."""
    return name if title in ("", name) else text("{tag} ({title})", tag=name, title=title)


def device(plant: Plant, name: str) -> Text | str:
    """Return a device by its name and title."""
    return titled(name, plant.description.devices[name].title)
