"""Words that people say, by what they mean, in English and Chinese. Pure data.

“Turn off the alerts of ada” and “关掉 ada 的通知” are about a part: ada itself goes on.
"""

from collections.abc import Mapping, Sequence


def by_word(rows: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """What each word may mean, from what means what."""
    found: dict[str, list[str]] = {}
    for words, meant in rows.items():
        for word in words.split():
            found.setdefault(word, []).extend(meant.split())
    return {word: tuple(dict.fromkeys(meant)) for word, meant in found.items()}


# Commands by their ids, the likeliest first.
VERBS = by_word(
    {
        "stop halt 停止 停 停机 停掉": "vm.shutdown vm.poweroff image.stop watch.stop",
        "off down poweroff shutdown shut turnoff suspend pause sleep 关机 关闭 关 断电":
            "vm.shutdown vm.poweroff metal.power",
        "kill forcestop 强制关机 强制停止 杀": "vm.shutdown vm.poweroff",
        "reboot restart bounce cycle kick 重启 重新启动 重起 重起动 重新起动 从启 重开 重啟":
            "vm.restart metal.power",
        "hardreboot powercycle force-restart hard-reboot force-reboot 强制重启 硬重启 断电重启 "
        "重置":
            "vm.restart vm.reset metal.power",
        "start boot on up run resume poweron power-on turnon wake 启动 开机 打开 开 起动 拉起 "
        "拉起来":
            "vm.start metal.power",
        "rm remove del delete destroy erase drop terminate purge wipe rid 删除 删 移除 销毁 清除":
            "vm.delete snapshot.delete disk.delete image.delete lan.delete metal.remove "
            "session.remove alias.remove",
        "status state info show describe get details detail inspect stat view cat open look "
        "ip address 状态 详情 信息 查看 查询 看 看看 看下 看一下 显示":
            "vm.show node.show snapshot.show approval.show vm.list node.list",
        "health ping alive 健康": "node.show node.retry session.check",
        "ls list dir all ps top overview 列表 列出 清单 列":
            "vm.list node.list image.list disk.list snapshot.list lan.list metal.list "
            "session.list watch.list approval.list audit.list alias.list",
        "login logon ssh connect console rdp vnc attach shell 登录 登陆 连接 远程":
            "vm.show session.add",
        "new create take launch make spawn provision deploy 创建 新建 建 部署 开台 开一台 "
        "要台 要一台 来台 来一台 租台 租一台":
            "vm.create snapshot.create lan.create disk.add metal.add session.add alias.add",
        "add attach-disk 添加 增加 加": "disk.add session.add metal.add alias.add",
        "log logs tail head journal 日志": "vm.logs",
        "modify edit set change update alter configure bump lower reduce memory ram mem cpu "
        "cpus cores 内存 核 修改 变更 更改 调整 编辑":
            "vm.modify metal.modify",
        "resize expand grow extend enlarge scale increase raise bigger "
        "扩容 扩展 扩 扩大 扩到": "disk.resize vm.modify",
        "rename name nickname label 改名 重命名 命名 昵称": "vm.name node.name",
        "passwd password pw 密码 改密 改密码 重置密码": "vm.passwd vm.show",
        "reveal show-password show-passwords 显示密码 查看密码 看密码 登录密码 登陆密码 密码是什么":
            "vm.show vm.passwd",
        "snapshot 快照": "snapshot.list snapshot.create",
        "backup save 备份 保存": "snapshot.create image.upload order.rescue",
        "rescue 抢救 救援 拯救 救": "order.rescue snapshot.create",
        "download pull fetch 下载 拉取": "image.download",
        "upload push send 上传 推送": "image.upload",
        "停止下载 停止上传 停止传输 取消下载 取消上传 取消传输 中止下载 中止上传 中止传输 "
        "暂停下载 暂停上传": "image.stop",
        "progress transfer transfers 进度 传输": "image.progress watch.list",
        "watch track follow monitor 跟踪 关注 监控": "watch.vm watch.image watch.list",
        "unwatch untrack unfollow 取消跟踪 取消关注": "watch.stop watch.list",
        "cancel abort withdraw undo revoke 取消 撤回 撤销 中止":
            "approval.cancel image.stop watch.stop",
        "approve approvals confirm deny reject decline pending 审批 批准 同意 待审批 拒绝 驳回":
            "approval.list approval.show",
        "share grant 共享 分享 授权": "session.share",
        "unshare ungrant 取消共享 取消分享": "session.unshare",
        "check test verify 检查 测试": "session.check",
        "use default switch select 使用 默认 切换": "node.use settings",
        "rent rents rental rentals order orders 订单 租用": "order.list node.orders",
        "expire expires expiry due renew end ends ending lapse lapses left remaining "
        "到期 到期时间 什么时候到期 期限 租约 租期 续租 续费 续期 续约 还剩多久 还有多久 剩余时间 "
        "done finished 已完成 完成":
            "order.list node.orders",
        "cost costs budget budgets spend spending price prices money bill billing invoice balance "
        "余额 费用 花费 花了 多少钱 钱 账单 预算 价格 成本 开支 开销 消费 much": "cost",
        "free available idle capacity quota quotas 空闲 空余 可用 配额": "node.list node.show",
        "lang language english chinese en zh 语言 中文 英文 英语 汉语": "settings.language",
        "notify notifications notification mute unmute subscribe unsubscribe quiet silence "
        "通知 静音 免打扰 勿扰 别吵 别吵我 订阅 提醒":
            "settings.notifications settings.quiet-hours",
        "digest digests 摘要 日报": "settings.digest-hour settings.notifications",
        "why reason cause wrong broken failed fails error errors crashed dead hung stuck hangs "
        "frozen fire 挂了 坏了 死机 卡住 怎么了 怎么回事 为什么": "vm.show vm.logs",
        "power 电源": "metal.power vm.start vm.poweroff",
        "export dump 导出": "audit.export",
        "me id whoami 我 我是谁": "whoami",
        "happen happened happening changed 发生了什么 发生什么 发生": "audit.list vm.list",
        "who whose 谁 谁删的 谁删了 谁动了 谁改的 谁干的 谁做的": "audit.list session.list whoami",
        "config preferences options settings 设置 配置": "settings",
        "commands usage man manual version about 命令 用法 版本 怎么用 怎么使用 如何使用": "help",
    }
)  # fmt: skip
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
        "watches follow operation operations 跟踪 关注 操作": "watch",
        "orders rentals 租单": "order",
        "approvals pending review reviews request requests 审批 审核 待审批": "approval",
        "audits history 审计 记录": "audit",
        "aliases shortcut shortcuts 别名": "alias",
    }
)  # fmt: skip
# What a part of a thing is changed by; of what no command changes, what shows the thing.
PARTS = by_word(
    {
        "notification notifications notify alert alerts alarm alarms reminder reminders "
        "通知 提醒 告警 报警": "settings.notifications watch.list",
        "quiet 免打扰 勿扰": "settings.quiet-hours",
        "language lang 语言": "settings.language",
        "digest digests 摘要 日报": "settings.notifications settings.digest-hour",
        "settings preferences 设置": "settings",
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
# Parts of nobody's machine.
SETTINGS = frozenset(word for word, ids in PARTS.items() if ids[0].startswith("settings"))
# What a question may be about, by the choice of `vm list` that shows those.
STATES = by_word(
    {
        "down off stopped dead 挂 挂了 关机 关着 停了 宕机 down了": "off",
        "up running on online alive 运行 运行中 开着 在跑": "running",
        "failed broken crashed failing 坏了 失败 出错": "failed",
        "asleep sleeping suspended 睡眠 休眠": "asleep",
        "busy stuck 卡住": "busy",
    }
)
# What people say beside what they mean.
_BESIDE = """
    please pls plz kindly can could you would i we me my our the a an all every do how to into of
    for what is are now just want need let lets hey hi hello thanks thx ok okay yes good sorry
    u ur im ya uh um umm uhm er like so well also btw yeah yep tho whats what's hows with about if
    many long gonna wanna gotta been really actually basically back again asap quick quickly real
    guys folks old maybe possibly perhaps
    should 可以 能 应该 什么 哪 哪些 哪个 哪台 哪几台 几台
    请 请帮我 帮我 帮忙 麻烦 我的 我们的 所有 全部 有 一下 下 吧 把 给 的 了 现在 想 要 怎么
    如何 这台 那台 这个 那个 掉 上 里 谢谢 你好 好的 好 是的 是 收到 旧
"""
BESIDE = frozenset(_BESIDE.split())
_IN_CHINESE = sorted((one for one in PARTS if not one.isascii()), key=len, reverse=True)


def parts_in(words: Sequence[str]) -> list[str]:
    """Those of the words that are parts of a thing, also where Chinese joins them to others."""
    found = [one for one in words if one in PARTS]
    return found or [one for one in _IN_CHINESE if any(one in word for word in words)]
