"""The profiles that come with the program: one YAML file each, beside this one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

from config.faults import ConfigError
from config.profiles.models import Profile
from config.yaml_source import read_yaml

_FOLDER: Final = Path(__file__).parent


def names() -> list[str]:
    """Return the names of all profiles."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


@cache
def profile(name: str) -> Profile:
    """Return a profile of `names()`."""
    path = _FOLDER / f"{name}.yaml"
    document, faults = read_yaml(path, path.read_bytes())
    if faults:
        raise ConfigError(faults)
    return Profile.model_validate_json(json.dumps(document.data), strict=True)
