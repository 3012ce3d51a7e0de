"""Command lines that are shown in Chinese are the table's own words, and understood as such."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.commands.rows import command_table
from bot.errors import Refused
from bot.language.parse import Parse, parse
from bot.language.spelling import Spelling
from bot.language.table import Command
from bot.reply import Span

TABLE = command_table()
ROOT = Path(__file__).parents[2]
_ZH = Spelling(TABLE, "/dbc").of("zh")
_MADE_BY = {"command", "to_type", "typed"}


def in_chinese(line: str) -> str:
    return _ZH(Span(line, "command")).text


def meaning(line: str) -> Parse | None:
    try:
        return parse(TABLE, line)
    except Refused:
        return None  # an example that has something to be filled in


def hints() -> Iterator[str]:
    """Every command line that stands in the source, to be shown."""
    for path in sorted(ROOT.glob("bot/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            first = node.args[0] if node.func.id in _MADE_BY and node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


@pytest.mark.parametrize("command", list(TABLE), ids=lambda command: command.id)
def test_usage_and_example_are_in_chinese_and_mean_the_same(command: Command) -> None:
    assert command.in_chinese[0] in in_chinese(command.usage)
    told = in_chinese(command.example)
    assert command.in_chinese[0] in told
    assert meaning(told) == meaning(command.example)


def test_every_hint_is_in_chinese() -> None:
    lines = sorted(set(hints()))
    assert lines
    assert [line for line in lines if in_chinese(line) == f"/dbc {line}"] == []
    # What people fill in is named in each language.
    whole = [line for line in lines if "<" not in line]
    assert [line for line in whole if meaning(in_chinese(line)) != meaning(line)] == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("vm restart train-01 force", "虚拟机 重启 train-01 强制"),
        ("vm restart <machine> [force]", "虚拟机 重启 <虚拟机> [强制]"),
        ("vm logs train-01 head 20", "虚拟机 日志 train-01 开头 20"),
        ("disk list train-01 on gpu1", "磁盘 列表 train-01 在 gpu1 上"),
        ("session share gpu1 with @bob", "会话 共享 gpu1 给 @bob"),
        ("vm list state=off sort=age", "虚拟机 列表 状态=关 排序=时间"),
        ("vm help", "虚拟机 帮助"),
        ("vm restart help", "虚拟机 重启 帮助"),
        ("help", "帮助"),
        ("vm delete force", "虚拟机 删除 force"),
    ],
)
def test_a_line_reads_as_people_type_it(line: str, told: str) -> None:
    assert in_chinese(line) == f"/dbc {told}"


@pytest.mark.parametrize("command", ["vm.list", "vm.show", "settings"])
def test_the_usage_has_no_english_word_beside_the_chinese(command: str) -> None:
    words = re.sub(r"^/dbc ", "", in_chinese(TABLE[command].usage).strip("`"))
    assert re.findall("[a-z_]+", words) == []


def test_a_pasted_placeholder_is_to_be_filled_in_also_in_chinese() -> None:
    with pytest.raises(Refused, match="Put a value in place of “<虚拟机>”"):
        parse(TABLE, "虚拟机 重启 &lt;虚拟机&gt; [强制]")
    assert meaning("虚拟机 重启 train-01 [强制]") == meaning("vm restart train-01")
