"""Chinese and what is filled in are told apart as printed Chinese does."""

import re
from datetime import UTC, datetime

import pytest

from bot.pipeline.formatting import several
from bot.reply import Words, all_of, bold, catalogue, in_language, line, say, time

AT = datetime(2026, 1, 5, 12, 5, tzinfo=UTC)
GIB = "{field} must be a whole number of GiB."


def plain_of(words: Words) -> str:
    """What somebody reads, a moment as Slack words one of today."""
    pieces = in_language(words, catalogue("zh"))
    return "".join(
        one if isinstance(one, str) else "今天 12:05" if one.at is not None else one.text
        for one in pieces
    )


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("GPU", "GPU 必须是整数 GiB。"),
        ("GPU2", "GPU2 必须是整数 GiB。"),
        (bold("GPU"), "GPU 必须是整数 GiB。"),
        ("内存", "内存必须是整数 GiB。"),
        ("“GPU”", "“GPU”必须是整数 GiB。"),
        (say("Memory"), "内存必须是整数 GiB。"),
    ],
)
def test_a_latin_word_stands_apart_from_chinese(field: Words, shown: str) -> None:
    pieces = in_language(say(GIB, field=field), catalogue("zh"))
    assert "".join(one if isinstance(one, str) else one.text for one in pieces) == shown


def test_no_space_stands_between_two_words_of_chinese() -> None:
    told = getattr(catalogue("zh"), "_catalog", {})
    templates = {one for one in told if isinstance(one, str) and one}
    names = {template: set(re.findall(r"\{(\w+)\}", template)) for template in templates}
    filled = [
        say(template, **dict.fromkeys(names[template], given))
        for template in templates
        for given in ("三块", bold("训练机"), time(AT), say("{number} 分钟", number=5))
    ]
    shown = [plain_of(one) for one in filled]
    assert [one for one in shown if re.search("[\u3400-\u9fff] [\u3400-\u9fff]", one)] == []


def test_sentences_and_moments_stand_close_in_chinese() -> None:
    order = say("{person} said {time} to renew it.", person=bold("爱丽丝"), time=time(AT))
    told = line(order, " ", say("The chain has no renewal yet."))
    assert plain_of(told) == "爱丽丝在今天 12:05 说由 TA 续租。链上还没有续租。"
    assert plain_of(line("5 DBC", " ", say("(estimate)"))) == "5 DBC（估算）"
    assert plain_of(all_of([line(bold("a"), "（vda）"), line(bold("b"))])) == "a（vda）和 b"


@pytest.mark.parametrize("told", ["数据会丢失。", "gpu1（vda）", "gpu1"])
def test_no_space_stands_behind_what_is_filled_in_and_ends_with_a_mark(told: str) -> None:
    shown = plain_of(say("{told} Its file on the node is {file}.", told=told, file="a.qcow2"))
    space = " " * told[-1:].isascii()
    assert shown == f"{told}{space}它在节点上的文件是 a.qcow2。"


@pytest.mark.parametrize("behind", ["DBC 不检查。", "“上传结束”不算。", bold("gpu1"), "2 台。"])
def test_no_space_stands_between_a_mark_and_what_goes_on_behind_it(behind: Words) -> None:
    shown = plain_of(behind)
    assert plain_of(line("已删除。", " ", behind)) == f"已删除。{shown}"
    assert plain_of(line("已删除（4G）", " · ", behind)) == f"已删除（4G） · {shown}"


def test_names_that_are_kept_as_one_text_are_listed_as_chinese_does() -> None:
    assert plain_of(several("train-01, infer-07")) == "train-01、infer-07"


def test_words_of_people_stay_as_they_are() -> None:
    told = say("Reason: {reason}", reason="磁盘 已满")
    assert plain_of(told) == "原因：磁盘 已满"


def test_english_gets_no_space_of_its_own() -> None:
    assert in_language(say(GIB, field="内存")) == ("内存 must be a whole number of GiB.",)
    assert in_language(say("{name}x", name="内存")) == ("内存x",)
