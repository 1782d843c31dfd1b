"""The program's own log lines, and what libraries have to say."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from agent import journal
from config.text import Language, text


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Take away again what the journal adds to the root of all loggers."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    yield
    root.handlers[:] = handlers


def say(language: Language) -> None:
    journal.open_journal(language)
    journal.info(text("polling"), groups=2)
    journal.warn(text("device lost"), device="plc", cause=text("no answer within {seconds} s", seconds=1))
    journal.error(text("records of the log are lost"), count=7)


def test_a_line_has_its_time_its_level_and_its_facts_in_the_persons_language(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("zh")
    lines = capsys.readouterr().err.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} ", line) for line in lines)
    assert [line.partition(" ")[2] for line in lines] == [
        "INFO  开始采集 groups=2",
        "WARN  设备失联 device=plc cause=1 秒内无应答",
        "ERROR 日志记录丢失 count=7",
    ]


def test_under_systemd_a_line_has_its_priority_and_no_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:12345")
    say("en")
    assert capsys.readouterr().err.splitlines() == [
        "<6>polling groups=2",
        "<4>device lost device=plc cause=no answer within 1 s",
        "<3>records of the log are lost count=7",
    ]


def test_what_a_library_warns_of_is_a_line_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:12345")
    journal.open_journal("en")
    library = logging.getLogger("library.part")
    library.info("not of interest")
    library.warning("odd: %s", 5)
    library.critical("very odd")
    try:
        raise ValueError("a bug")
    except ValueError:
        library.exception("did not work")
    odd, very, failed, *trace = capsys.readouterr().err.splitlines()
    assert (odd, very) == ("<4>library.part: odd: 5", "<3>library.part: very odd")
    assert failed.startswith("<3>library.part: did not work")
    assert trace[-1] == "ValueError: a bug"
