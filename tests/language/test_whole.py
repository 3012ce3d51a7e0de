"""What is offered for a line that is no command: understood whole, or shown only."""

from datetime import UTC, datetime

import pytest

from bot.commands.rows import command_table
from bot.ids import NodeId, TaskId, UserId
from bot.language.mood import mood_of
from bot.language.parse import NotUnderstood, meant_by, parse
from bot.language.synonyms import is_of_language
from bot.language.unclear import Unclear
from bot.model import Effect, Machine, Node
from bot.pipeline.heard import heard_of
from bot.pipeline.understood import wholly
from bot.services.spotting import spotted

TABLE = command_table()
NOW = datetime(2026, 1, 5, tzinfo=UTC)
ONE, TWO = NodeId("a1" * 32), NodeId("b2" * 32)
NODES = [Node(ONE, "gpu1", "", NOW), Node(TWO, "gpu2", "", NOW)]
MACHINES = [
    Machine(
        ONE,
        TaskId("JGH12VGaRXhqT2yLgPG6Lw"),
        UserId("U0"),
        "Ada's training run",
        "Running",
        "",
        NOW,
    ),
    Machine(ONE, TaskId("Vs7n5UDAvMhWZ99G5aKNr7"), UserId("U0"), "inference", "Running", "", NOW),
]


def changing(line: str) -> dict[str, dict[str, str]]:
    """What changes something and is offered for a line, and what is filled in beside its target."""
    try:
        meant = parse(TABLE, line)
    except Unclear as unclear:
        mood = mood_of(unclear.line)
        meant = meant_by(TABLE, unclear.line, unclear.line, mood)
    assert isinstance(meant, NotUnderstood), meant
    found = spotted(meant.words, MACHINES, NODES, is_of_language)
    heard = heard_of(TABLE, meant, found)
    offered = {}
    for command in heard.meant.nearest:
        said = wholly(TABLE, command, heard.found, heard.mood)
        if command.effect_of({}) is not Effect.READ and said is not None:
            offered[command.id] = dict(said)
    return offered


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("can u reboot ada", "vm.restart"),
        ("pls reboot adas training run", "vm.restart"),
        ("so um yeah could you reboot Ada’s run thx", "vm.restart"),
        ("REBOOT ada's pls 🔥", "vm.restart"),
        ("重启一下ada吧", "vm.restart"),
        ("帮我 reboot 一下 Ada's training run 谢谢", "vm.restart"),
        ("turn inference back on", "vm.start"),
        ("restart下inference", "vm.restart"),
        ("power cycle ada now!!!", "vm.restart vm.reset"),
        ("so uh yeah the inference box hung again can you restart it", "vm.restart"),
        ("ada 连不上了 重启一下", "vm.restart"),
        ("呃就是那个把 inference 给我开一下", "vm.start"),
        ("let <@U012AB3CD> use gpu1 for a day", "session.share"),
        ("inference 停了，启动一下", "vm.start"),
        ("inference 死机了，帮我重启", "vm.restart"),
        ("inference 挂了 重启", "vm.restart"),
        ("inference 没反应 重启", "vm.restart"),
        ("inference 不行了重启一下", "vm.restart"),
        ("inference cannot be reached, restart please", "vm.restart"),
        ("delete the old snapshot of inference", "snapshot.delete"),
        ("delete ada", "vm.delete"),
        ("删掉 inference", "vm.delete"),
        ("rm inference", "vm.delete"),
        ("把 inference 重启", "vm.restart"),
        ("重启虚拟机 inference", "vm.restart"),
        ("把 ada 关了", "vm.shutdown vm.poweroff"),
        ("帮我把 ada 关了", "vm.shutdown vm.poweroff"),
        ("能不能重启一下 ada", "vm.restart"),
        ("有人能重启下 inference 吗", "vm.restart"),
        ("方便的话能不能帮忙重启一下 inference", "vm.restart"),
        ("can someone reboot inference?", "vm.restart"),
        ("snapshot inference", "snapshot.create"),
        ("take a snapshot of inference", "snapshot.create"),
        ("snapshot inference before-upgrade", "snapshot.create"),
        ("备份一下 ada", "snapshot.create"),
        ("inference 打个快照", "snapshot.create"),
        ("把 inference 的数据盘删了", "disk.delete"),
        ("remove the data disk from inference", "disk.delete"),
        ("delete vdb of inference", "disk.delete"),
        ("turn off the power of ada", "vm.shutdown vm.poweroff"),
        ("get rid of ada", "vm.delete"),
        ("turn off quiet hours", "settings.quiet-hours"),
        ("switch off quiet hours", "settings.quiet-hours"),
        ("关掉免打扰", "settings.quiet-hours"),
        ("reset the password of inference", "vm.passwd"),
        ("重置 inference 的密码", "vm.passwd"),
        ("revoke access of <@U012AB3CD> to gpu1", "session.unshare"),
        ("remove <@U012AB3CD> from gpu1", "session.unshare"),
        ("stop sharing gpu1 with <@U012AB3CD>", "session.unshare"),
        ("vm restrat inference", "vm.restart"),
        ("restrat inference", "vm.restart"),
        ("vm-restart inference", "vm.restart"),
        ("vm stop inference", "vm.shutdown vm.poweroff"),
        ("reboot inference on gpu1", "vm.restart"),
        ("reboot inference force", "vm.restart"),
        ("重启inference 强制", "vm.restart"),
        ("turn inference off and on again", "vm.restart"),
        ("inference 关了再开", "vm.restart"),
        ("turn off the inference box", "vm.shutdown vm.poweroff"),
        ("把 ada 的机器关掉", "vm.shutdown vm.poweroff"),
        ("rename inference to prod", "vm.name"),
        ("add a disk to inference", "disk.add"),
        ("给 inference 加一块 200G 的数据盘", "disk.add"),
        ("reboot ada its not responding", "vm.restart"),
        ("ada is not responding pls reboot it", "vm.restart"),
        ("ada 卡死了，重启", "vm.restart"),
        ("new machine", "vm.create"),
        ("delete", "vm.delete snapshot.delete disk.delete image.delete"),
        ("创建", "vm.create snapshot.create lan.create disk.add"),
        ("turn off", "vm.shutdown vm.poweroff metal.power"),
        ("重启它", "vm.restart metal.power"),
        ("delete it", "vm.delete"),
        ("can't ssh to inference, restart it", "vm.restart"),
        ("inference 一直卡，重启一下", "vm.restart"),
        ("grow vdb on ada by 100g", "disk.resize"),
        ("switch off inference please", "vm.shutdown vm.poweroff"),
        ("shut ada down", "vm.shutdown vm.poweroff"),
        ("add a data disk of 200G to inference", "disk.add"),
        ("请把 inference 关机", "vm.shutdown vm.poweroff"),
        ("关一下 ada", "vm.shutdown vm.poweroff"),
        ("make a snapshot of inference", "snapshot.create"),
        ("set a new password for inference", "vm.passwd"),
        ("delete machine ada", "vm.delete"),
        ("destroy ada", "vm.delete"),
        ("mute notifications", "settings.notifications settings.quiet-hours"),
        ("delete ada's training run", "vm.delete"),
        ("shut down ada training run", "vm.shutdown vm.poweroff"),
        ("hi everyone, please reboot inference", "vm.restart"),
        ("能重启一下 inference 吗", "vm.restart"),
        ("能帮我重启 inference 吗", "vm.restart"),
        ("backup inference", "snapshot.create"),
        ("备份 inference", "snapshot.create"),
        ("重启下 ada 呗", "vm.restart"),
        ("把 ada 开起来", "vm.start"),
        ("给 ada 换个密码", "vm.passwd"),
        ("开一台新机器", "vm.create"),
        ("start up ada", "vm.start"),
        ("delete the backup of ada", "snapshot.delete"),
        ("would you mind rebooting inference?", "vm.restart"),
        ("can you reboot inference?", "vm.restart"),
        ("在 gpu1 上建一台虚拟机", "vm.create"),
        ("give ada more memory", "vm.modify"),
        ("watch inference", "watch.vm"),
        ("关注一下 inference", "watch.vm"),
        ("omg just reboot ada already", "vm.restart"),
        ("hi bot, reboot inference when you can thx", "vm.restart"),
        ("inference又死了，快重启", "vm.restart"),
        ("求求你重启一下ada", "vm.restart"),
        ("take a snapshot of ada called before-upgrade", "snapshot.create"),
        ("pull pytorch-2.4.qcow2 to gpu2", "image.download"),
        ("删掉 ada 的 vdb", "disk.delete"),
    ],
)
def test_a_line_that_is_understood_whole_leads_to_what_it_wishes(line: str, commands: str) -> None:
    assert list(changing(line)) == commands.split()


@pytest.mark.parametrize(
    "line",
    [
        "turn off notifications for inference", "关掉 inference 的通知",
        "turn off the public ip of inference", "shut down port 22 on inference",
        "关掉 inference 的 22 端口", "turn off alerts for gpu1", "delete the nickname of ada",
        "删掉 ada 的日志", "remove inference from network trainnet", "删掉 ada 的第二块盘",
        "删掉 inference 的公网 ip", "remove 2 gpus from ada", "remove the nickname trainer",
        "remove bob's access to gpu2", "carol left the company, remove her",
        "turn off ssh on inference", "关掉 ada 上的 jupyter", "turn on vnc on inference",
        "drop inference from my watch list", "remove carol from gpu1", "把 carol 从 gpu1 移除",
        "kill the python process on inference", "停掉 ada 上的训练",
        "inference shut down unexpectedly last night", "inference 关不掉",
        "inference reboot failed", "ada 关了没", "inference 开机了没", "ada 我来关",
        "i hate it when inference reboots", "oops, i shut down inference",
        "sorry i deleted ada", "ada 删除失败", "thanks for rebooting inference",
        "谢谢你重启 inference", "delete is dangerous right", "how do i delete a machine",
        "怎么删机器", "stop the shutdown", "计划周五 18:00 关停 ada", "delete ada next week",
        "delete ada in 3 days if nobody objects", "三天后没人反对就删 ada", "除了 ada 都重启",
        "保留 inference 其他的删掉", "keep inference, delete the rest",
        "delete all machines but inference", "只留 inference，别的关机",
        "shut down everything on gpu1 other than ada", "get rid of ada but keep its data",
        "delete ada after taking a snapshot", "备份完了把 ada 删掉",
        "FW: please delete the machine ada by end of month", "alice 说可以把 ada 删了",
        "snapshot ada and then shut it down", "if inference hangs again, restart it",
        "如果 inference 再卡死就重启一下", "没人用的话就重启 inference",
        "carol 用完了再重启 inference",
        "明天早上重启 inference", "let carol use gpu1 until friday", "给 carol 开两小时 gpu1 权限",
        "take a look at inference", "take inference offline", "make it quiet",
        "make me admin", "make gpu2 the default", "add a nickname to ada",
        "add bob as approver", "turn down the noise", "shut up", "reboot yourself",
        "make bob an admin",
        "extend the gpu1 rental by 3 days", "restore inference from the last snapshot",
        "ada 和 inference 建个内网", "take back my shutdown request", "make inference cheaper",
        "remove rack7-1", "same for ada", "我要一台跟 inference 一样的但是四张卡",
        "after the backup delete ada", "take everything away from carol", "take it back",
        "delete inference on gpu2", "ada 开放 udp 6000 到 6010", "we dont need ada any more",
        "scale inference down to 4 cores", "delete ada, not needed",
        "don't delete ada, delete inference", "stop ada then start inference",
        "keep inference, please delete ada", "delete ada because inference needs the gpus",
        "ada 删掉 inference 留下", "someone shut inference down, please bring it up",
        "delete ada, it hangs", "ada hangs, delete it", "ada 卡死了，关掉",
        "inference hung yesterday, reboot", "ada is not stuck, reboot later",
        "reboot ada or inference", "reboot ada now and then", "停止删除 ada",
        "i would delete ada", "we could delete ada", "time to delete ada", 'delete "ada"?',
        "shut down ada tonight", "can you turn inference off for the night", "先别关机 ada",
        "reboot ada every night", "restarting ada",
        "let me know before you delete ada", "before you delete ada ask bob",
        "bob wants to delete ada, is that ok", "my delete of ada failed", "转发：请把 ada 删掉",
        "deleting ada is fine by me", "我把 ada 停了", "ada 我重启过了，大家可以用了",
        "[10:32] Bob: can you shut down ada", "ada 重启中", "ada 重启了", "重启过 ada", "能删 ada",
        "maybe delete ada", "inference hangs reboot gpu1", "ok to reboot ada",
        "just deleted inference", "inference 删错了",
        "delete from inference", "kill on inference", "turn off for inference", "drop on",
        "stop in", "delete in ada", "从 inference 删",
        "stop ada training", "kill the run on ada", "停掉 ada 的 run", "delete ada's training",
        "shut down the training run of ada", "delete the run of ada", "stop training",
        "inference 能重启吗", "inference 能开吗", "能关 ada", "能关 ada 吗", "ada 能删吗",
        "everyone delete inference", "delete old inference", "删掉旧的 inference",
        "turn it down", "turn inference down", "pause inference", "suspend ada",
        "put inference to sleep", "sleep ada", "暂停 inference", "ada 休眠",
        "backup ada then delete it", "ada 起来了",
        "delete all snapshots of ada", "删掉 ada 的所有快照", "grow vdb on ada 500g",
        "ada 的 vdb 扩容 100G", "ada 的 vdb 扩一百G", "ada 内存加 128G", "add 64G memory to ada",
        "increase the memory of inference by 50%", "add 2 more gpus to inference",
        "memory of inference 64 -> 128", "set memory and cpu of ada to 8",
        "would you mind deleting ada?", "restart the snapshot of ada",
        "删掉 ada 的 vdb 快照", "ada 内存已经改成 128G", "would you mind not restarting ada",
        "change memory of inference to that of ada", "watch ada being deleted",
        "take a snapshot of ada called s1 and delete it", "ada already rebooted",
        "no notifications between 10pm and 7am", "shut down ada by 10pm",
        "恢复 ada 的备份", "restore the backup of ada", "ada 开起来很慢", "开 inference 新端口",
    ],
)  # fmt: skip
def test_of_a_line_with_a_word_more_nothing_is_offered_that_changes_anything(line: str) -> None:
    assert changing(line) == {}


@pytest.mark.parametrize(
    ("line", "command", "values"),
    [
        ("let <@U012AB3CD> use gpu1 for a day", "session.share", {"hours": "24"}),
        ("grow vdb on ada by 100g", "disk.resize", {"disk": "vdb", "by": "100"}),
        ("add a data disk of 200G to inference", "disk.add", {"size": "200"}),
        ("snapshot inference before-upgrade", "snapshot.create", {"name": "before-upgrade"}),
        ("rename inference to prod", "vm.name", {"nickname": "prod"}),
        ("reboot inference force", "vm.restart", {"force": "true"}),
        ("hard reboot ada", "vm.restart", {"force": "true"}),
        ("set the memory of ada to 64 GB", "vm.modify", {"mem": "64"}),
        ("change the memory of ada from 32 to 64", "vm.modify", {"mem": "64"}),
        ("ada 内存加到 128G", "vm.modify", {"mem": "128"}),
        ("change inference to 4 gpus", "vm.modify", {"gpu": "4"}),
        ("resize vdb on ada to 200G", "disk.resize", {"disk": "vdb", "size": "200"}),
        ("increase disk vdb on ada by 50", "disk.resize", {"disk": "vdb", "by": "50"}),
        ("create a new vm on gpu1 with 4 gpus please", "vm.create", {"gpu": "4", "node": ONE}),
        ("quiet hours from 10pm to 7am", "settings.quiet-hours", {"hours": "from 10pm to 7am"}),
        ("lower the memory of ada to 32G", "vm.modify", {"mem": "32"}),
        ("强制重启inference", "vm.restart", {"force": "true"}),
        ("给 ada 打个快照叫 before-upgrade", "snapshot.create", {"name": "before-upgrade"}),
        ("把 inference 的 CPU 从 8 核改成 16 核", "vm.modify", {"cpu": "16"}),
        ("change ssh port of inference to 2222", "vm.modify", {"ssh": "2222"}),
        ("grow vdb on ada to 500g", "disk.resize", {"disk": "vdb", "size": "500"}),
        ("ada 的 vdb 扩容到 500G", "disk.resize", {"disk": "vdb", "size": "500"}),
        ("create a machine with 2 gpus on gpu2", "vm.create", {"gpu": "2", "node": TWO}),
        ("在 gpu2 上建一台 2 卡的虚拟机", "vm.create", {"gpu": "2", "node": TWO}),
    ],
)
def test_its_values_are_filled_in(line: str, command: str, values: dict[str, str]) -> None:
    assert values.items() <= changing(line)[command].items()


@pytest.mark.parametrize("word", ["qwertz", "neustart", "好像不对", "jupyter", "22", "“x”", "bob"])
@pytest.mark.parametrize("line", ["reboot inference {}", "{} rm inference", "把 inference 关机 {}"])
def test_one_word_that_nobody_knows_is_enough(line: str, word: str) -> None:
    assert changing(line.format(word)) == {}
