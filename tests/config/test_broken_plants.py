"""Every broken plant gives all its faults, in both languages, and nothing else."""

from pathlib import Path

import pytest

from config.faults import ConfigError
from config.load import load

BROKEN = Path(__file__).parents[1] / "golden" / "broken"
CASES = sorted(path.name for path in BROKEN.iterdir())


@pytest.mark.parametrize("case", CASES)
def test_a_broken_plant_gives_all_its_faults_at_once(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN / case)
    with pytest.raises(ConfigError) as raised:
        load(Path("plant.yaml"))
    assert raised.value.show("en") + "\n" == Path("expected.txt").read_text(encoding="utf-8")
    assert raised.value.show("zh") + "\n" == Path("expected.zh.txt").read_text(encoding="utf-8")


def test_there_are_fifteen_broken_plants() -> None:
    assert len(CASES) >= 15
