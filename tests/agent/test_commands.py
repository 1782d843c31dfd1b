"""The command line beyond the commands' own work: its library's words, and what is asked of it wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.program import command

USAGE = 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("gapz",), "错误：没有命令 'gapz'。"),
        (("status", "--xx"), "错误：没有选项 '--xx'。"),
        (("check",), "错误：缺少参数 'PLANT'"),
        (("receive", "--port", "99999"), "错误：'--port' 的取值无效：99999 不在范围 1<=x<=65535 内。"),
    ],
    ids=["command", "option", "argument", "value"],
)
def test_what_is_asked_wrongly_is_told_in_chinese(asked: tuple[str, ...], said: str) -> None:
    ended = command(*asked, language="zh")
    assert ended.returncode == USAGE
    assert ended.stderr.startswith("用法：")
    assert said in ended.stderr
    assert not {"Usage", "Error", "Try"} & set(ended.stderr.replace(":", " ").split())


def test_help_is_chinese_from_end_to_end() -> None:
    said = command("gaps", "--help", language="zh").stdout
    assert "选项:" in said
    assert "显示本帮助后退出。" in said
    assert "Options" not in said


def test_gaps_of_a_folder_without_a_log_are_refused(tmp_path: Path) -> None:
    ended = command("gaps", "--state", str(tmp_path))
    assert ended.returncode == 69
    assert ended.stderr == f"there is no log in {tmp_path}\n"
