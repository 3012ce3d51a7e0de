"""Other words for commands: what is offered, and in which order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.rows import command_table
from bot.errors import Refused
from bot.language.parse import NotUnderstood, Parsed, parse
from bot.language.synonyms import alike, nearest
from bot.language.vocabulary import GROUPS, VERBS
from bot.model import Effect

TABLE = command_table()


def offered(line: str) -> list[str]:
    found = parse(TABLE, line)
    assert isinstance(found, NotUnderstood), found
    return [command.title for command in found.nearest]


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("vm stop x", "vm shutdown"),
        ("vm halt x", "vm shutdown"),
        ("vm kill x", "vm shutdown"),
        ("reboot x", "vm restart"),
        ("vm reboot x", "vm restart"),
        ("vm rm x", "vm delete"),
        ("vm remove x", "vm delete"),
        ("vm del x", "vm delete"),
        ("vm status x", "vm show"),
        ("vm state x", "vm show"),
        ("node info gpu1", "node show"),
        ("describe x", "vm show"),
        ("get x", "vm show"),
        ("ls", "vm list"),
        ("ps", "vm list"),
        ("vms", "vm list"),
        ("list vms", "vm list"),
        ("login x", "vm show"),
        ("ssh x", "vm show"),
        ("connect x", "vm show"),
        ("vm new", "vm create"),
        ("launch", "vm create"),
        ("重启x", "vm restart"),
        ("虚拟机 停止 x", "vm shutdown"),
        ("虚拟机列表", "vm list"),
        ("镜像列表", "image list"),
        ("查看日志 x", "vm logs"),
        ("创建", "vm create"),
        ("vm rebot x", "vm restart"),
        ("vm delte x", "vm delete"),
        ("vm 7a9Q", "vm show"),
        ("ＶＭ　ＳＴＯＰ。 x", "vm shutdown"),
        ("free gpus", "node list"),
        ("预算还剩多少", "cost"),
        ("花了多少钱", "cost"),
        ("gpu1 什么时候到期", "order list"),
        ("english", "settings language"),
        ("mute", "settings notifications"),
        ("inference 挂了", "vm show"),
        ("password inference", "vm show"),
        ("version", "help"),
        ("还剩多久", "order list"),
        ("已完成", "order list"),
        ("1287", "order show"),
        ("订单 1287", "order show"),
        ("移除 機器 inference", "vm delete"),
        ("拯救 1287", "order rescue"),
        ("续约 1287", "order show"),
        ("order renew 1287", "order show"),
        ("别吵我", "settings notifications"),
        ("怎么用", "help"),
        ("谁删的", "audit list"),
        ("who deleted inference", "audit list"),
        ("钱", "cost"),
        ("how much", "cost"),
        ("帮我开台机器", "vm create"),
        ("密码 inference", "vm show"),
        ("what machine is down", "vm list"),
        ("哪台机器挂了", "vm list"),
        ("list orders", "order list"),
        ("哪台可以删", "vm list"),
        ("哪台机器可以关机", "vm list"),
        ("what should i delete", "vm list"),
        ("delete which", "vm list"),
        ("請幫我清單一下 磁盤", "disk list"),
    ],
)
def test_the_nearest_by_meaning_comes_first(line: str, first: str) -> None:
    assert offered(line)[0] == first


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("reboot 7a9Q force", {"vm": "7a9Q", "force": "true"}),
        ("重启7a9Q 强制", {"vm": "7a9Q", "force": "true"}),
        ("把7a9Q重启一下", {"vm": "7a9Q"}),
        ("强制重启7a9Q", {"vm": "7a9Q", "force": "true"}),
        ("reboot 7a9Q or train-01", {}),
        ("vm reboot 7a9Q on gpu1", {"vm": "7a9Q", "on": "gpu1"}),
    ],
)
def test_what_else_was_typed_is_kept_for_the_suggestion(line: str, values: dict[str, str]) -> None:
    found = parse(TABLE, line)
    assert isinstance(found, NotUnderstood)
    assert found.given["vm.restart"] == values


@pytest.mark.parametrize("line", ["看 gpu1", "gpu1 还有几张卡", "gpu1 is it free"])
def test_a_name_is_kept_beside_words_that_are_not_understood(line: str) -> None:
    found = parse(TABLE, line)
    assert isinstance(found, NotUnderstood)
    assert dict(found.given) == {"vm.show": {"vm": "gpu1"}, "node.show": {"node": "gpu1"}}


@pytest.mark.parametrize(
    ("line", "command", "values"),
    [
        ("restart 7a9Q", "vm.restart", {"vm": "7a9Q"}),
        ("Restart 7a9Q force.", "vm.restart", {"vm": "7a9Q", "force": "true"}),
        ("restart vm 7a9Q", "vm.restart", {"vm": "7a9Q"}),
        ("logs 7a9Q 20", "vm.logs", {"vm": "7a9Q", "lines": "20"}),
        ("resize 7a9Q vdb +50", "disk.resize", {"vm": "7a9Q", "disk": "vdb", "by": "50"}),
        ("show node gpu1", "node.show", {"node": "gpu1"}),
        ("list vm", "vm.list", {}),
    ],
)
def test_a_verb_that_only_one_group_has_needs_no_group(
    line: str, command: str, values: dict[str, str]
) -> None:
    found = parse(TABLE, line)
    assert isinstance(found, Parsed)
    assert (found.command.id, found.values) == (command, values)


@pytest.mark.parametrize("line", ["delete 7a9Q", "stop 7a9Q", "rm 7a9Q", "list", "name x y"])
def test_a_verb_that_several_groups_have_runs_nothing(line: str) -> None:
    assert len(offered(line)) > 1


def test_an_alias_comes_before_a_verb_without_its_group() -> None:
    found = parse(TABLE, "restart x", aliases={"restart": "vm show $1"})
    assert isinstance(found, Parsed)
    assert found.command.id == "vm.show"


_WORDS = sorted({*GROUPS, *VERBS, *(c.verb for c in TABLE), *(g.name for g in TABLE.groups)})


@given(st.lists(st.one_of(st.sampled_from(_WORDS), st.text(max_size=6)), min_size=1, max_size=3))
def test_what_destroys_more_is_never_offered_before_what_destroys_less(typed: list[str]) -> None:
    effects = [command.effect_of({}) for command in nearest(TABLE, typed).commands]
    assert effects == sorted(effects)


@pytest.mark.parametrize("word", sorted({*GROUPS, *VERBS}))
def test_every_other_word_means_commands_that_there_are(word: str) -> None:
    groups = {group.name for group in TABLE.groups}
    assert set(GROUPS.get(word, ())) <= groups
    assert all(TABLE.get(command) is not None for command in VERBS.get(word, ()))
    try:
        found = parse(TABLE, word)
    except Refused:
        return
    assert not isinstance(found, NotUnderstood) or found.nearest


@pytest.mark.parametrize("word", ["recover", "remote", "delegate", "revert", "restore", "step"])
def test_a_word_of_its_own_is_no_slip_for_what_takes_something_away(word: str) -> None:
    meant = [
        one for verb in alike(TABLE, word) for one in TABLE if verb in {one.verb, *one.synonyms}
    ]
    assert {one.effect_of({}) for one in meant} <= {Effect.READ, Effect.CHANGE}


@pytest.mark.parametrize(
    ("typed", "verb"),
    [("delte", "delete"), ("deelte", "delete"), ("remov", "remove"), ("shutdwon", "shutdown")],
)
def test_a_slip_of_one_letter_is_one(typed: str, verb: str) -> None:
    assert verb in alike(TABLE, typed)
