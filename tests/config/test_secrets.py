"""Secrets are found where they are referred to, and shown nowhere."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from config.load import load
from config.secrets import SecretError, missing_secrets, resolve

VALUE = "hunter2"
EXAMPLE = Path(__file__).parents[2] / "examples" / "deepwell"


def test_a_secret_comes_from_the_environment_a_file_or_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mqtt").write_text(f"{VALUE}\n", encoding="utf-8")
    monkeypatch.setenv("MQTT_PASSWORD", VALUE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    references = ("env:MQTT_PASSWORD", f"file:{tmp_path}/mqtt", "credential:mqtt")
    assert [resolve(reference).reveal() for reference in references] == [VALUE] * 3


def test_a_secret_shows_nothing_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQTT_PASSWORD", VALUE)
    secret = resolve("env:MQTT_PASSWORD")
    assert VALUE not in f"{secret} {secret!r} {[secret]}"
    for leak in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            leak(secret)


@pytest.mark.parametrize("reference", ["env:NOT_SET", "file:not-there", "credential:mqtt", "file:."])
def test_a_missing_secret_is_named_but_not_guessed(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(SecretError):
        resolve(reference)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_an_empty_or_unreadable_secret_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mqtt").write_bytes(content)
    with pytest.raises(SecretError):
        resolve(f"file:{tmp_path}/mqtt")


def test_missing_secrets_are_told_with_their_place(tmp_path: Path) -> None:
    text = (EXAMPLE / "plant.yaml").read_text(encoding="utf-8")
    (tmp_path / "points.csv").write_bytes((EXAMPLE / "points.csv").read_bytes())
    login = "    username: gateway\n    password: file:nowhere\n"
    (tmp_path / "plant.yaml").write_text(text.replace("\nlog:", login + "\nlog:", 1), encoding="utf-8")
    (fault,) = missing_secrets(load(tmp_path))
    assert fault.place.file == tmp_path / "plant.yaml"
    assert "nowhere" in fault.show()
    assert missing_secrets(load(EXAMPLE)) == []
