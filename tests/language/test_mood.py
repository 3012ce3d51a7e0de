"""Whether a line asks for something, asks about something, or says what not to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.rows import command_table
from bot.errors import Refused
from bot.language.bound import is_fault
from bot.language.mood import Mood, mood_of
from bot.language.parse import NotUnderstood, parse
from bot.language.text import words
from bot.model import Effect

TABLE = command_table()
_NOT = (
    "do not", "don't", "don’t", "dont", "never", "no need to", "please do not",
    "can you please not",
    "i dont want to", "不要", "别", "请不要", "千万别", "先别", "不用", "无需",
)  # fmt: skip
_ASKS = (
    "is", "was", "who", "why did you", "what would happen if i", "when did someone",
    "which one can i",
    "should i", "can i", "do you know if i can", "could you tell me why", "谁", "为什么",
    "是否", "可以吗",
)  # fmt: skip
_VERBS = (
    "restart", "reboot", "delete", "rm", "stop", "shutdown", "kill", "wipe", "删除", "重启",
    "关机", "停掉",
)  # fmt: skip
_FILLERS = ("", "um", "so", "pls", "the", "ok", "吧", "那个", "btw", "😅")
_LINES = {
    Mood.REFUSAL: (
        "do not delete carol-first", "delete nothing", "dont restart ada",
        "never delete inference",
        "no need to restart ada", "reboot not ada", "can you please not delete ada", "no dont",
        "不要重启 ada", "别删 ada", "先别重启ada", "不用重启了", "无需重启 ada",
        "什么都不要删", "please 不要 delete ada", "restart ada dont", "i dont want ada deleted",
        "ada must not be deleted", "先别动 ada", "不能删 ada", "重启 ada 不用了",
        "delete not needed", "停止删除 ada", "暂缓删除 ada", "等一下再删 ada",
        "hold off deleting ada",
        "dnt delete ada", "delete ada? no!",
    ),
    Mood.QUESTION: (
        "which machine is down?", "is gpu1 up", "why is training down", "when does 1287 end",
        "whats wrong with ada",
        "who deleted inference", "do you know if ada is up",
        "could you tell me why ada is down", "ada?",
        "hey so which gpu is free", "what would happen if i delete ada",
        "should i restart ada", "can i delete ada",
        "谁删了 inference", "ada 怎么了", "可以删 ada 吗", "是否强制重启 ada",
        "帮我看看谁删的", "why dont you restart ada", "ada 能删吗",
        "ada 关了没", "inference 开机了没有",
    ),
    Mood.LATER: (
        "if ada hangs again, restart it", "restart ada if it hangs", "restart ada tomorrow",
        "in 2 hours shut down ada", "restart ada at 3pm", "restart ada after the backup",
        "delete ada after taking a snapshot", "delete ada but keep its data",
        "once the training is done shut ada down",
        "如果 ada 再卡死就重启一下", "没人用的话就重启 ada", "carol 用完了再重启 ada",
        "明天早上重启 ada", "下午三点重启 ada", "两小时后把 ada 关机", "备份完了把 ada 删掉",
    ),
    Mood.REQUEST: (
        "can you restart ada", "restart ada if you can", "restart ada when you get a chance",
        "today is the day, restart ada", "今天重启 ada", "方便的话能不能帮忙重启一下 ada",
        "can't ssh to ada, restart it", "ada keeps rebooting, shut it down",
        "ada 一直重启，关掉吧", "重启 ada，显存不够了", "restart ada, ssh doesnt work",
        "i need ada restarted", "thanks, restart ada", "帮我把 ada 关了", "给我把 ada 重启",
        "oops i shut it down, start it", "谢谢，重启 ada",
        "dont forget to delete ada", "share gpu1 for 2 hours", "续租 1287 一个月",
        "can u reboot ada", "could you please reboot ada?",
        "how do i delete ada", "status",
        "reboot ada its not responding", "ada is not responding pls reboot it",
        "reboot ada because it does not react",
        "nothing works reboot ada", "能不能重启一下 ada", "能重启ada吗", "怎么重启 ada",
        "ada 连不上了 重启一下", "别名列表",
        "ada 不行了重启一下", "ada 不动了，强制重启", "不好使了 重启", "显卡不识别 重启 ada",
        "别忘了重启 ada", "内存不够 扩容 ada", "ada cannot be reached, restart please",
        "ada does not boot, restart it", "please reboot ada, it is not urgent",
        "restart ada cuda not found", "restart ada as nothing helps",
        "delete ada, not needed", "delete ada we dont need it", "不要了，删掉 ada",
        "ada 不用了 删掉",
        "别吵我", "可不可以帮我重启ada？", 'reboot "do not touch"', "turn ada back on",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("mood", "line"), [(m, line) for m in _LINES for line in _LINES[m]])
def test_what_a_line_is_for(mood: Mood, line: str) -> None:
    assert mood_of(words(line)) is mood


@pytest.mark.parametrize(
    "line",
    [
        "restart ada doesnt work", "reboot ada does not help", "vm restart ada didn't work",
        "ada restart failed",
        "delete ada failed", "we cannot delete ada", "ada cant ssh restart", "ada wont start",
        "can't ssh to ada", "ada shut down unexpectedly last night", "ada keeps rebooting",
        "重启 ada 没用", "重启ada失败了", "重启不了 ada", "重启了 ada 还是不行", "ada 一直重启",
        "ada 昨晚自己关机了", "ada 关不掉",
    ],
)  # fmt: skip
def test_a_line_may_report_what_failed(line: str) -> None:
    assert is_fault(words(line))


@pytest.mark.parametrize("line", ["restart ada", "delete ada, keep the rest", "ada 重启一下"])
def test_a_wish_reports_no_fault(line: str) -> None:
    assert not is_fault(words(line))


@given(
    st.sampled_from((*_NOT, *_ASKS)),
    st.sampled_from(_VERBS),
    st.lists(st.sampled_from(_FILLERS), min_size=2, max_size=2),
    st.sampled_from(("ada", "train-01", "gpu1", "7a9Q")),
)
def test_who_says_no_or_asks_is_offered_no_change(
    begins: str, verb: str, fillers: list[str], name: str
) -> None:
    line = f"{fillers[0]} {begins} {verb} {fillers[1]} {name}"
    try:
        found = parse(TABLE, line)
    except Refused:  # a command as it stands, with words that it does not take
        return
    assert isinstance(found, NotUnderstood), found
    assert all(command.effect_of({}) is Effect.READ for command in found.nearest)
