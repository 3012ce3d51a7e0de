"""The words of the language in Chinese: what each group, command, argument and choice is called.

Understood whatever somebody's locale is, beside the English. Pure data: the table refuses what
would mean two things. What people say beside these words is only suggested (`synonyms`).
"""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from bot.folding import plain


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


def _by_command(rows: str) -> Mapping[str, tuple[str, ...]]:
    parted = (row.partition(": ") for row in rows.strip().splitlines())
    return MappingProxyType({name.strip(): tuple(words.split()) for name, _, words in parted})


VERBS = _by_command(
    """
    vm.list: 列表 列出 清单
    vm.show: 查看 详情 状态
    vm.create: 创建 新建
    vm.start: 启动 开机
    vm.shutdown: 关机
    vm.poweroff: 断电
    vm.restart: 重启
    vm.reset: 重置
    vm.delete: 删除
    vm.logs: 日志
    vm.modify: 修改
    vm.passwd: 改密码 密码 设置密码
    vm.name: 改名 命名
    disk.list: 列表 列出
    disk.add: 添加 增加
    disk.resize: 扩容
    disk.delete: 删除
    snapshot.list: 列表 列出
    snapshot.show: 查看 详情 状态
    snapshot.create: 创建 新建
    snapshot.delete: 删除
    image.servers: 镜像中心 中心
    image.list: 列表 列出
    image.upload: 上传
    image.download: 下载
    image.progress: 进度
    image.stop: 停止
    image.delete: 删除
    lan.list: 列表 列出
    lan.create: 创建 新建
    lan.delete: 删除
    metal.list: 列表 列出
    metal.add: 添加 接管
    metal.modify: 修改
    metal.remove: 移除 删除
    metal.power: 电源
    metal.boot: 引导 引导顺序
    node.list: 列表 列出
    node.show: 查看 详情 状态
    node.retry: 重试
    node.orders: 订单 租用订单
    node.name: 改名 命名
    node.use: 使用 默认
    order.list: 列表 列出
    order.show: 查看 详情 状态
    order.rescue: 抢救
    order.watch: 关注
    order.unwatch: 取消关注
    session.add: 添加
    session.request: 申请
    session.sign: 签名
    session.list: 列表 列出
    session.check: 检查
    session.ask: 申请访问 请求 索取
    session.share: 共享 分享
    session.unshare: 取消共享 取消分享
    session.remove: 移除 删除 清除
    watch.list: 列表 列出
    watch.vm: 虚拟机
    watch.image: 镜像
    watch.stop: 停止
    approval.list: 列表 列出
    approval.show: 查看 详情
    approval.cancel: 取消 撤回申请
    approval.withdraw: 撤回
    audit.list: 列表 列出
    audit.export: 导出
    alias.list: 列表 列出
    alias.add: 添加
    alias.remove: 移除 删除
    help: 帮助
    whoami: 我是谁
    cost: 费用 花费 账单
    freeze: 冻结
    unfreeze: 解冻 解除冻结
    doctor: 自检 体检
    settings: 设置
    settings.language: 语言
    settings.channel-language: 频道语言
    settings.notifications: 通知
    settings.channel-notifications: 频道通知
    settings.quiet-hours: 免打扰
    settings.channel-quiet-hours: 频道免打扰
    settings.digest-hour: 汇总时间 每日汇总
    settings.channel-digest-hour: 频道汇总时间 频道每日汇总
    """
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
    {"强制重启": ("vm", "restart", "force")}
)

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
        "asleep": "睡眠 休眠 挂起 sleeping suspended",
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
        "digest": "汇总 每日汇总",
        "silent": "静默 不提醒",
        "name": "名称 名字",
        "state": "状态",
        "age": "时间 创建时间",
    }.items()
}


def choice(word: str, choices: Collection[str]) -> str:
    """That one of the choices which a word means, whatever it is called; else the word."""
    word = plain(word)
    if word in choices:
        return word
    return next((one for one in choices if word in _CHOICES.get(one, ())), word)


def words_for_choice(meant: str) -> Sequence[str]:
    """The words for a choice, the usual one first."""
    return _CHOICES.get(meant, ())
