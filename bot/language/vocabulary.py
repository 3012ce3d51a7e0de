"""Words that people say, by what they mean, in English and Chinese. Pure data."""

from collections.abc import Mapping


def by_word(rows: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """What each word may mean, from what means what."""
    found: dict[str, list[str]] = {}
    for words, meant in rows.items():
        for word in words.split():
            found.setdefault(word, []).extend(meant.split())
    return {word: tuple(dict.fromkeys(meant)) for word, meant in found.items()}


GROUPS = by_word(
    {
        "vms machine machines instance instances guest server servers box": "vm",
        "虚拟机 虚机 机器 实例 主机": "vm",
        "disks volume volumes 磁盘 硬盘 数据盘": "disk",
        "snapshots snap snaps 快照": "snapshot",
        "images img template templates 镜像 模板": "image",
        "lans network networks net vlan 网络 内网 局域网": "lan",
        "baremetal bare-metal metals 裸金属 裸机 物理机": "metal",
        "nodes host hosts gpu gpus 节点 显卡": "node",
        "sessions access credential credentials 会话 凭证": "session",
        "watches follow 跟踪 关注": "watch",
        "orders rentals 租单": "order",
        "approvals pending review reviews request requests 审批 审核 待审批": "approval",
        "audits history 审计 记录": "audit",
        "aliases shortcut shortcuts 别名": "alias",
    }
)  # fmt: skip
# What a question may be about, by the choice of `vm list` that shows those.
STATES = by_word(
    {
        "down off stopped dead 挂 挂了 关机 关着 停了 宕机 down了": "off",
        "up running on online alive 运行 运行中 开着 在跑": "running",
        "failed broken crashed failing 坏了 失败 出错": "failed",
        "asleep sleeping suspended 睡眠": "asleep",
        "busy stuck 卡住": "busy",
    }
)
# What people say beside what they mean.
_BESIDE = """
    please pls plz kindly can could you would i we me my our the a an all every do how to into of
    for what is are now just want need let lets hey hi hello thanks thx ok okay yes good sorry
    u ur im ya uh um umm uhm er like so well also btw yeah yep tho whats what's hows with about if
    many long gonna wanna gotta been really actually basically back again asap quick quickly real
    guys folks old
    should 可以 能 应该 什么 哪 哪些 哪个 哪台 哪几台 几台
    请 请帮我 帮我 帮忙 麻烦 我的 我们的 所有 全部 有 一下 下 吧 把 给 的 了 现在 想 要 怎么
    如何 这台 那台 这个 那个 掉 上 里 谢谢 你好 好的 好 是的 是 收到 旧
"""
BESIDE = frozenset(_BESIDE.split())
