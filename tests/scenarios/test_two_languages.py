"""Each reads their own language: what one person sees in theirs, a channel in the channel's."""

import json
import re
from pathlib import Path

import pytest

from tests.scenarios.in_chinese import assert_chinese, english_in
from tests.scenarios.stage import Stage, staged


async def _reads_chinese(stage: Stage) -> None:
    stage.alice.speaks("zh-CN")
    await stage.ws.idle()
    await stage.gives_session(stage.alice, "gpu1")


def test_the_check_finds_english() -> None:
    assert english_in("虚拟机 train-01 is running on gpu1") == ["is running on"]
    assert english_in("`vm list`：*gpu1* 上的 train-01，“no such file”，2 块 GPU，64 GiB") == []


@pytest.mark.parametrize(
    "line",
    [
        "/dbc vm list", "/dbc 列表", "/dbc 查看 inference", "/dbc vm show nosuch", "/dbc node list",
        "/dbc node show gpu1", "/dbc session list", "/dbc watch list",
        "/dbc alias list", "/dbc whoami", "/dbc settings", "/dbc 帮助", "/dbc 帮助 虚拟机",
        "/dbc vm restart help", "/dbc disk list inference", "/dbc image servers",
        "/dbc snapshot list inference", "/dbc lan list", "/dbc 关火 inference",
        "/dbc vm restart inference forse",
    ],
)  # fmt: skip
async def test_what_one_person_sees_is_in_their_language(one_stage: Stage, line: str) -> None:
    stage = one_stage
    await _reads_chinese(stage)
    seen = await stage.asks(stage.alice, line)
    assert_chinese(seen.plain)
    assert re.search(r"[\u4e00-\u9fff]", seen.text), seen.text


async def test_suggestions_are_in_the_language_of_who_mistyped(one_stage: Stage) -> None:
    await _reads_chinese(one_stage)
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    offer = await one_stage.asks(one_stage.alice, "/dbc vm delte inference")
    assert "删除虚拟机" in offer.buttons
    for label in offer.buttons:
        assert_chinese(label)


async def test_the_first_answer_after_a_switch_is_in_the_new_language(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    assert "No pending" in (await stage.asks(stage.alice, "/dbc approval list")).plain
    stage.alice.speaks("zh-CN")
    await stage.ws.idle()
    assert_chinese((await stage.asks(stage.alice, "/dbc approval list")).plain)


async def test_a_form_is_in_the_language_of_who_fills_it_in(stage: Stage) -> None:
    await _reads_chinese(stage)
    await stage.alice.types("/dbc 虚拟机 创建")
    form = await stage.alice.sees_modal("创建虚拟机")
    assert_chinese(form.plain)


async def test_a_channel_keeps_its_own_language(stage: Stage) -> None:
    await _reads_chinese(stage)
    public = await stage.asks(stage.alice, "@dbc vm list")
    assert "inference" in public.plain
    assert not re.search(r"[\u4e00-\u9fff]", public.plain)
    told = await stage.asks(stage.alice, "/dbc 设置 频道语言 中文")
    assert "本频道的语言现在是中文。" in told.plain
    assert_chinese((await stage.asks(stage.alice, "@dbc vm list")).plain)
    refused = await stage.asks(stage.bob, "@dbc vm list")
    assert "You have no node access yet." in refused.plain  # which only Bob sees


async def test_a_channels_language_is_chosen_by_people_with_access(one_stage: Stage) -> None:
    stage = one_stage
    told = await stage.asks(stage.bob, "/dbc settings channel-language zh")
    assert "Only people with access to a node" in told.plain
    assert "The" not in (await stage.asks(stage.alice, "/dbc 设置 语言 中文")).plain


async def test_a_persons_choice_comes_before_their_slack(stage: Stage) -> None:
    await _reads_chinese(stage)
    assert_chinese((await stage.asks(stage.alice, "/dbc session list")).plain)
    told = await stage.asks(stage.alice, "/dbc settings language en")
    assert "Your language is now English." in told.plain
    assert not re.search(r"[\u4e00-\u9fff]", (await stage.asks(stage.alice, "/dbc help")).plain)
    told = await stage.asks(stage.alice, "/dbc settings language auto")
    assert_chinese(told.plain)


async def test_a_change_in_slack_is_followed(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    assert not re.search(r"[\u4e00-\u9fff]", (await stage.asks(stage.alice, "/dbc help")).plain)
    stage.alice.speaks("zh-CN")
    await stage.ws.idle()
    assert_chinese((await stage.asks(stage.alice, "/dbc help")).plain)


async def test_what_was_chosen_outlasts_a_restart(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.gives_session(stage.bob, "gpu1")
        await stage.asks(stage.bob, "/dbc settings language zh")
        await stage.restart_bot()
        assert_chinese((await stage.asks(stage.bob, "/dbc session list")).plain)


async def test_a_card_in_ones_own_conversation_with_the_bot_is_in_ones_language(
    one_stage: Stage,
) -> None:
    await _reads_chinese(one_stage)
    seen = await one_stage.asks(one_stage.alice, "/dbc session share gpu1 @bob", "@dbc")
    assert not seen.ephemeral
    assert_chinese(seen.plain)


async def test_json_stays_as_it_is_in_every_language(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    english = await stage.asks(stage.alice, "/dbc session list --json")
    stage.alice.speaks("zh-CN")
    await stage.ws.idle()
    chinese = await stage.asks(stage.alice, "/dbc session list --json")
    assert _json(english.plain) == _json(chinese.plain)


def _json(text: str) -> object:
    return json.loads(text[text.index("[") : text.rindex("]") + 1])


@pytest.mark.parametrize("line", ["settings", "whoami"])
async def test_it_is_told_which_language_is_used_and_why(one_stage: Stage, line: str) -> None:
    stage = one_stage
    told = (await stage.asks(stage.alice, f"/dbc {line}")).plain
    assert "English (as set in Slack)\n`/dbc settings language zh`" in told
    assert "English (the site's)\n`/dbc settings channel-language zh`" in told
    stage.alice.speaks("fr-FR")
    await stage.ws.idle()
    told = (await stage.asks(stage.alice, f"/dbc {line}")).plain
    assert "English (the site's; I do not speak your Slack's (fr-FR))" in told
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc settings channel-language zh")
    await stage.asks(stage.alice, "/dbc settings language zh")
    told = (await stage.asks(stage.alice, f"/dbc {line}")).plain
    assert "中文（你选的）\n`/dbc 设置 语言 英文`" in told
    assert "中文（本频道选的）\n`/dbc 设置 频道语言 英文`" in told
    told = (await stage.asks(stage.alice, line, "@dbc")).plain
    assert "本频道的语言" not in told


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("/dbc 帮助 虚拟机", "/dbc 虚拟机 重启 <虚拟机> [强制]"),
        ("/dbc 帮助", "启动"), ("/dbc vm show nosuch", "/dbc 虚拟机 列表"),
    ],
)  # fmt: skip
async def test_hints_are_lines_that_people_type_in_their_language(
    one_stage: Stage, line: str, hint: str
) -> None:
    stage = one_stage
    await _reads_chinese(stage)
    seen = await stage.asks(stage.alice, line)
    assert hint in seen.plain.replace("&lt;", "<").replace("&gt;", ">")
    assert "/dbc vm" not in seen.plain


@pytest.mark.parametrize(
    ("line", "offered"),
    [("显示密码 inference", "查看虚拟机"), ("重起 inference 强制", "重启虚拟机")],
)
async def test_what_people_say_in_chinese_is_offered(
    one_stage: Stage, line: str, offered: str
) -> None:
    await _reads_chinese(one_stage)
    await one_stage.passes(1)  # what there is has been looked at
    offer = await one_stage.asks(one_stage.alice, f"/dbc {line}")
    assert offered == offer.buttons[0]
    await one_stage.alice.presses(offered, offer)
    await one_stage.quiet()
    if offered == "重启虚拟机":
        form = await one_stage.alice.sees_modal("重启虚拟机")
        assert form.value("虚拟机") == one_stage.task("inference").task_id
    else:
        assert "显示密码" in one_stage.alice.last().buttons
