"""What of a thing a wish is about: its ports, its log, a program on it. Pure.

“Turn off the alerts of ada” and “关掉 ada 的通知” are about the alerts: ada itself goes on.
"""

import re
from collections.abc import Sequence

from bot.folding import plain
from bot.language.vocabulary import GROUPS, by_word

# What a part of a thing is changed by; of what no command changes, what shows the thing.
PARTS = by_word(
    {
        "notification notifications notify alert alerts alarm alarms reminder reminders "
        "通知 提醒 告警 报警": "settings.notifications watch.list",
        "quiet 免打扰 勿扰": "settings.quiet-hours",
        "port ports ip public-ip 端口 公网 公网ip": "vm.modify",
        "ssh rdp vnc": "vm.show vm.modify",
        "memory ram mem cpu cpus core cores gpu gpus card cards vram "
        "内存 显存 运存 核心 个核 显卡 张卡 块卡": "vm.modify",
        "bandwidth swap 带宽 网速 网络速度": "vm.show vm.modify",
        "nickname name label 昵称 名字 名称 别名": "vm.name",
        "log logs 日志": "vm.logs",
        "password passwd pw 密码": "vm.passwd",
        "watch watchlist 关注 跟踪": "watch.stop watch.list",
        "network lan 网络 内网": "vm.show lan.list",
        "process processes job jobs training service services program script container docker "
        "jupyter notebook app 进程 训练 服务 程序 脚本 容器 任务 应用 模型": "vm.show",
    }
)
# These are the thing itself, or several.
WHOLE = frozenset(
    "vm machine machines box instance server host node power it everything all anything them "  # noqa: SIM905
    "机器 虚拟机 虚机 实例 主机 服务器 电源 节点 全部 所有".split()
)
_BEFORE = frozenset("of on for from in inside at to onto 从".split())  # noqa: SIM905
_CHINESE = sorted((one for one in PARTS if not one.isascii()), key=len, reverse=True)
_AWAY = frozenset({"from", "off", "out"})
# Of these verbs the part stands behind the thing: “give ada more memory”.
_GIVING = frozenset(
    "give reset set change modify update open close enable disable expose add".split()  # noqa: SIM905
)
_OF = re.compile("(?:上面?|里面?|中)?(?:跑|运行)?的|[上里](?!线|面)")
_DETERMINERS = frozenset({"the", "my", "our", "a", "more", "new", "its", "some", "all"})


def object_of(before: Sequence[str], behind: Sequence[str], *, on_node: bool) -> tuple[str, ...]:
    """The words that may say what of a thing is meant, which stands between these words.

    `on_node`: the word before the thing, which says where, is left out.
    """
    said = [plain(word) for word in before]
    if said and (said[-1] in _BEFORE or on_node):
        return tuple(before if on_node else before[:-1])
    follows = [word for word in map(plain, behind) if word not in _DETERMINERS]
    if follows and follows[0] in _AWAY and any(word in PARTS for word in follows[1:4]):
        return tuple(one for one in follows[1:4] if one in PARTS)
    if follows and follows[0] in PARTS and not _GIVING.isdisjoint(said):
        return tuple(behind)
    if behind and (found := _OF.match(behind[0])):
        return (behind[0][found.end() :], *behind[1:])
    if said and said[-1].endswith("给"):
        return tuple(word for word in behind if any(one in word for one in (*PARTS, *GROUPS)))
    return ()


def parts_in(words: Sequence[str]) -> list[str]:
    """Those of the words that are parts of a thing, also where Chinese joins them to others."""
    found = [one for one in map(plain, words) if one in PARTS]
    return found or [one for one in _CHINESE if any(one in word for word in words)]


def is_whole(words: Sequence[str]) -> bool:
    """Whether the words are about the thing itself, or about several of them."""
    said = list(map(plain, words))
    names = [one for one in WHOLE if not one.isascii()]
    return not WHOLE.isdisjoint(said) or any(one in word for one in names for word in said)
