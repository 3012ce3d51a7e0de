"""The words of the language in Chinese: what each group, argument and choice is called.

What a command is called stands in its row. Understood whatever somebody's locale is, beside the
English. Pure data: the table refuses what would mean two things. What people say beside these
words is only suggested (`synonyms`).
"""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from bot.folding import plain
from bot.language.traditional import simplified


def _by_word(rows: Mapping[str, str]) -> Mapping[str, str]:
    found = {word: meant for meant, words in rows.items() for word in words.split()}
    return MappingProxyType(found)


GROUPS = _by_word(
    {
        "vm": "虚拟机 虚机",
        "disk": "磁盘 数据盘 硬盘",
        "snapshot": "快照",
        "image": "镜像",
        "lan": "内网 局域网",
        "metal": "裸金属 裸机",
        "node": "节点",
        "order": "订单 租用",
        "session": "会话",
        "watch": "跟踪",
        "approval": "审批",
        "audit": "审计",
        "alias": "别名",
        "settings": "设置",
    }
)


BEFORE_PEOPLE = frozenset({"给"})  # 共享 gpu1 给 @bob
BEHIND_NODE = frozenset({"上"})  # 在 gpu1 上
PREPOSITIONS: Mapping[str, str] = MappingProxyType({"在": "on", "到": "to", "从": "from"})

# What looks at something, of which several groups have one: without a group, a machine is meant.
ALONE: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("列表", "列出", "清单"), "vm.list")
    | dict.fromkeys(("查看", "详情", "状态"), "vm.show")
)

# One word for a command and a flag of it.
WITH_FLAG: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    dict.fromkeys(("强制重启", "force-restart", "force-reboot"), ("vm", "restart", "force"))
)
# What means several things, and names none of them.
EVERY = frozenset(
    "all every each any both everything anything 全部 所有 所有的 每个 每台 任何 一切 都".split()  # noqa: SIM905
)
# What takes something away: 节点=无
NONE = frozenset({"none", "无", "没有"})

# What may stand before `=`, and flags, by the argument's name.
_ARGUMENTS = _by_word(
    {
        "force": "强制",
        "retry": "重试",
        "replace": "替换 覆盖",
        "mine": "我的",
        "here": "这里 本频道",
        "name": "名称",
        "image": "镜像",
        "vm": "虚拟机",
        "node": "节点",
        "order": "订单",
        "wallet": "钱包",
        "wallets": "成员钱包",
        "threshold": "门限",
        "signs": "成员签名",
        "gpu": "显卡",
        "mem": "内存",
        "disk": "磁盘 数据盘",
        "lan": "内网",
        "ports": "端口",
        "by": "增加",
        "size": "大小",
        "lines": "行数",
        "directory": "目录",
        "desc": "描述",
        "user": "用户",
        "reason": "原因 理由",
        "break_glass": "紧急放行",
        "dry_run": "试运行",
        "filter": "筛选 过滤",
        "file": "文件",
        "since": "起始 自",
        "until": "截止",
        "outcome": "结果",
        "state": "状态",
        "sort": "排序",
        "person": "成员",
        "reveal": "显示密码",
        "less": "减少通知",
        "channel_node": "频道节点",
        "hours": "小时",
        "month": "月份 月",
        "page": "页",
        "rent_order": "租用订单",
        "before": "早于",
    }
)
CALLED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        name: tuple(word for word, meant in _ARGUMENTS.items() if meant == name)
        for name in _ARGUMENTS.values()
    }
)

# A word may be a choice of several arguments: 状态 of `metal power`, and of what to sort by.
_CHOICES: Mapping[str, Sequence[str]] = {
    meant: tuple(words.split())
    for meant, words in {
        "on": "开 上电 打开",
        "off": "关 断电 关机 已关机 stopped closed",
        "running": "运行中 运行",
        "asleep": "休眠 睡眠 挂起 sleeping suspended",
        "busy": "忙 处理中 进行中",
        "failed": "失败 故障 出错 broken",
        "reset": "重置",
        "status": "状态",
        "head": "开头 first",
        "tail": "末尾 最后 last",
        "download": "下载",
        "upload": "上传",
        "disk": "磁盘",
        "cdrom": "光驱",
        "zh": "中文 chinese zh-cn",
        "en": "英文 英语 english",
        "auto": "自动",
        "order": "订单 租用订单",
        "node": "节点",
        "machine": "虚拟机 虚机 机器",
        "person": "人 人员 成员 申请人",
        "all": "全部",
        "ends": "结果 仅结果",
        "failures": "仅失败 只要失败",
        "digest": "汇总 每日汇总 摘要 日报",
        "silent": "静默 静音 不提醒",
        "name": "名称 名字",
        "state": "状态",
        "age": "时间 创建时间",
    }.items()
}


def is_every(text: str) -> bool:
    """Whether a text means several things, and names none of them."""
    return simplified(plain(text)) in EVERY


def is_none(text: str) -> bool:
    """Whether a text says that nothing is meant from now on."""
    return simplified(plain(text)) in NONE


def flag_apart(typed: Sequence[str]) -> Sequence[str]:
    """A line with the verb and the flag that one word says: `强制重启 train-01`, `vm 强制重启`.

    Or two words: `force restart train-01`.
    """
    said = [simplified(plain(word)) for word in typed[:3]]
    for at in range(2):  # `vm power cycle train-01`, too
        if said[at : at + 2] == ["power", "cycle"] and (
            not at or GROUPS.get(said[0], said[0]) == "vm"
        ):
            return [*typed[:at], "powercycle", *typed[at + 2 :]]
    for at, word in enumerate(said[:2]):
        two = said[at : at + 2]
        length = 1 if word in WITH_FLAG else 2
        found = WITH_FLAG.get(word) or WITH_FLAG.get("-".join(two)) or WITH_FLAG.get("".join(two))
        if found is None:
            continue
        group, verb, flag = found
        before = said[0] if at else group
        if GROUPS.get(before, before) == group:
            return [group, verb, flag, *typed[at + length :]]
    return typed


def choice(word: str, choices: Collection[str]) -> str:
    """That one of the choices which a word means, whatever it is called; else the word."""
    word = plain(word)
    if word in choices:
        return word
    word = simplified(word)
    return next((one for one in choices if word in _CHOICES.get(one, ())), word)


def words_for_choice(meant: str) -> Sequence[str]:
    """The words for a choice, the usual one first."""
    return _CHOICES.get(meant, ())
