"""Commands in Chinese: each has a form, none means two things, and nothing is run by half."""

import pytest

from bot.commands.rows import command_table
from bot.language.chinese import ALONE, GROUPS
from bot.language.parse import HelpWanted, NotUnderstood, Parsed, parse
from bot.language.table import Command
from bot.model import Effect

TABLE = command_table()
IN_CHINESE = {meant: word for word, meant in GROUPS.items()}


def _lines(command: Command) -> list[str]:
    group = IN_CHINESE[command.group] if command.group else ""
    return [f"{group} {verb}".strip() for verb in command.in_chinese]


def _meant(line: str) -> Command:
    found = parse(TABLE, line)
    assert isinstance(found, Parsed | HelpWanted), line
    return found.command if isinstance(found, Parsed) else TABLE["help"]


@pytest.mark.parametrize("command", tuple(TABLE), ids=lambda command: command.id)
def test_each_command_can_be_said_in_chinese(command: Command) -> None:
    lines = _lines(command)
    assert lines
    for line in lines:
        assert _meant(line) is command
        assert _meant(f"／ｄｂｃ　{line.replace(' ', '　')}") is command
        group, _, verb = line.rpartition(" ")
        if group and command.id not in {"watch.vm", "watch.image"}:
            assert _meant(f"{command.group} {verb}") is command


def test_each_chinese_word_is_of_a_command_that_there_is() -> None:
    assert set(GROUPS.values()) == {group.name for group in TABLE.groups if group.name}
    assert all(TABLE[command].effect is Effect.READ for command in ALONE.values())


@pytest.mark.parametrize("verb", sorted({verb for command in TABLE for verb in command.in_chinese}))
def test_a_verb_alone_runs_what_it_means_in_one_group_only(verb: str) -> None:
    of = [command.id for command in TABLE if verb in command.in_chinese]
    found = parse(TABLE, verb)
    if isinstance(found, Parsed):
        assert found.command.id == ALONE.get(verb) or of == [found.command.id]
    if isinstance(found, NotUnderstood):
        effects = [command.effect_of({}) for command in found.nearest]
        assert effects == sorted(effects)


@pytest.mark.parametrize(
    ("line", "command", "values"),
    [
        ("/dbc 重启 train-01 强制", "vm.restart", {"vm": "train-01", "force": "true"}),
        ("强制重启 train-01", "vm.restart", {"vm": "train-01", "force": "true"}),
        ("虚拟机 强制重启 小机", "vm.restart", {"vm": "小机", "force": "true"}),
        ("vm force-restart train-01", "vm.restart", {"vm": "train-01", "force": "true"}),
        ("虛擬機 重啟 train-01 強制", "vm.restart", {"vm": "train-01", "force": "true"}),
        ("虚拟机 命名 train-01 訓練機", "vm.name", {"vm": "train-01", "nickname": "訓練機"}),
        (
            "共享 gpu1 给 @U12 小时=2h",
            "session.share",
            {"node": "gpu1", "person": "U12", "hours": "2"},
        ),
        ("重启 train-01 在 gpu1 上", "vm.restart", {"vm": "train-01", "on": "gpu1"}),
        ("虚拟机 restart train-01", "vm.restart", {"vm": "train-01"}),
        ("vm 日志 train-01 开头 20", "vm.logs", {"vm": "train-01", "end": "head", "lines": "20"}),
        ("裸金属 电源 关 slot-1", "metal.power", {"command": "off", "machine": "slot-1"}),
        ("设置 语言 中文", "settings.language", {"language": "zh"}),
        ("settings language ENGLISH", "settings.language", {"language": "en"}),
        ("共享 gpu1 给 @U12", "session.share", {"node": "gpu1", "person": "U12"}),
        (
            '虚拟机 删除 train-01 原因="磁盘满" 试运行',
            "vm.delete",
            {"vm": "train-01", "reason": "磁盘满", "dry_run": "true"},
        ),
        ("列表 筛选=训练", "vm.list", {"filter": "训练"}),
        ("虚拟机 列表 排序=名称", "vm.list", {"sort": "name"}),
        ("虚拟机 列表 排序=时间", "vm.list", {"sort": "age"}),
        ("虚拟机 列表 排序=状态 状态=关机", "vm.list", {"sort": "state", "state": "off"}),
        ("裸金属 电源 状态 slot-1", "metal.power", {"command": "status", "machine": "slot-1"}),
    ],
)
def test_arguments_and_options_are_understood(
    line: str, command: str, values: dict[str, str]
) -> None:
    found = parse(TABLE, line)
    assert isinstance(found, Parsed)
    assert (found.command.id, found.values) == (command, values)


@pytest.mark.parametrize("line", ["删除 train-01", "停止 train-01", "创建", "删除"])
def test_what_several_groups_have_is_only_offered(line: str) -> None:
    assert isinstance(parse(TABLE, line), NotUnderstood)


def test_an_alias_of_ones_own_comes_before_a_chinese_word() -> None:
    found = parse(TABLE, "设置", aliases={"设置": "node list"})
    assert isinstance(found, Parsed)
    assert found.command.id == "node.list"
