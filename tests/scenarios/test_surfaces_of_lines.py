"""What people see of lines that cannot be carried out as they stand, and of what they change here.

Mistakes in a line, names that mean nothing or several things, settings, lists and help, in both
languages. After a wanted change: `make snapshots`, and read the difference.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.scenarios.changing import DEEDS, NO_REVIEW
from tests.scenarios.site import rules
from tests.scenarios.stage import CONFIRM_ONLY, staged
from tests.scenarios.surfaces import KEEP_THEM, TextFile, as_text
from tests.scenarios.test_surfaces import Walk
from tests.scenarios.test_surfaces_of_trouble import LOCALES

LINES = (
    "audit list outcome=zz", "vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=0 on gpu1",
    "audit list since=2020-01-01 outcome=done", "watch list", "设置 通知 汇总", "gone inference",
    "vm restart inference forc", "audit list", "vm start tour", "node use gpu1 --dry-run",
    "vm create name=t9 image=ubuntu-20.04.qcow2 --dry-run on gpu1", "settings", "node show g",
    "session share gpu1 with #", "vm modify inference mem=64X", "vm start inference --dry-run",
    "image stop pytorch-2.4.qcow2 on gpu1", "settings channel-notifications failures",
    "image upload ubuntu-20.04.qcow2 to=hub on gpu1",
    "vm create name=t9 image=ubuntu-20.04.qcow2 gpu=60 on gpu1", "r", "vm list gpu2",
    "alias add q =", "vm create name=", "image list gpu9", "metal list gpu1", "help metal power",
    "虚拟机 重启 <虚拟机> [强制]", "watch list --json", "watch vm inference", "vm create ssh=5699",
    "node name gpu1 gpu2", "audit list since=2h", "vm name inference vm", "alias add vm = whoami",
    "vm show nosuch on gpu2", "vm show inference help", "session add gpu1 hunter2",
    "vm logs inference head 3", "audit list person=nobody", "vm show inference on gpu2",
    "vm modify inference cpu=8", "vm modify inference mem=+64", "disk resize inference vdb 50",
    "vm modify inference cpu=many", "disk resize inference vdb -20",
    "image stop mine.qcow2 on gpu1", "image upload ubuntu-20.04.qcow2 on gpu1",
    "image download ubuntu-20.04.qcow2 on gpu1", "image download pytorch-2.4.qcow2 replace on gpu1",
    "vm show nosuchmachine", "vm list on", "r inference", "session ask", "audit stream",
    "vm show gpu1",
    "approval list", "vm show name=", "image download", "help vm delete", "session ask gpu2",
    "vm name prod prod", "node use box here", "audit list --json", "vm list --dry-run",
    "vm start inference", "vm reset inference", "metal power on box", "vm delete inference",
    "vm modify inference", "vm logs prod tail 2", "alias remove nosuch",
    "watch stop inference", "session unshare gpu2", "vm list --filter m01", "audit list since=zzz",
    "settings digest late", "vm name 7a9Q “my box”", "vm shutdown inference",
    "r inference --dry-run", "vm poweroff inference", "vm name inference --x",
    "settings digest 09:00", "vm show nosuch on gpu1", "audit list command=zzz",
    "vm delete not inference", "alias add a/b = vm list", "settings quiet-hours off",
    "lan delete team01 on gpu1", "session share gpu1 with @", "@bob can you approve this",
    "vm modify inference cpu=0", "settings quiet-hours late", "settings digest-hour 14:30",
    "vm restart inference --json", "node name gpu1 n1 node=gpu2", "session share gpu2 with @bob",
    "vm modify inference mem=1000M", "session share gpu1 with @alice",
    "settings channel-digest-hour 18", 'audit list outcome="read denied"',
    "settings quiet-hours 22:00-07:00", "image download one.qcow2 on gpu1",
    "settings channel-quiet-hours off", "vm restart inference force=maybe",
    "lan create team01 192.168.66.0/24", "session add gpu1 sesion_id=hunter2",
    "disk resize inference vdb +50 size=200", "image download pytorch-2.4.qcow2 on gpu1",
    "settings channel-quiet-hours 22:00-07:00", "vm restart machine=inference machine=gpu1",
    "vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2",
    "image download pytorch-2.4.qcow2 from=nosuch on gpu1",
    "vm create name=inference image=ubuntu-20.04.qcow2 on gpu1",
    "image download ONLY-there.qcow2 from=hub on gpu1 --dry-run",
    "vm create name=t9 image=ubuntu-20.04.qcow2 mem=60000 on gpu1",
    "image download pytorch-2.4.qcow2 dir=/data2 on gpu1", "settings node=gpu9",
    "session ask reason=training", "image delete mine.qcow2 on gpu1",
    "vm create name=t1 image=pytorch-2.4.qcow2 ssh=5684",
    "image download ubuntu-20.04.qcow2 from=hub on gpu1", "session unshare gpu1",
    "vm modify inference mem=1.5T", "snapshot create Ada before to=hub",
    'vm start inference break_glass="x"', "vm modify inference ports=tcp,8080",
    "vm create name=t9 image=ubuntu-20.04.qcow2 lan=nosuch on gpu1",
    "vm create name=t9 image=ubuntu-20.04.qcow2 disk=1000000 on gpu1", "设置", "metal modify",
    "frobnicate the thing now", "vm show", "disk delete inference vdz", "disk list nosuch",
    "snapshot show inference nosuch", "snapshot create inference create to=hub",
    "snapshot create inference s1 to=nosuch", "snapshot create inference s1",
    "lan create team01 192.168.66.0/24 on gpu1", "lan create team01 192.168.66.0/24 on gpu1",
    "lan list", "lan delete nosuch on gpu1", "session check gpu1",
    "session share gpu1 with #random", "session share gpu1 with @carol for 2h",
    "session unshare gpu1 with @carol", "session remove gpu2", "watch stop nosuchone",
    "order show 99",
    "order watch x", "order watch 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    "order unwatch 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    "alias add r2 = vm restart $1", "alias list", "alias remove r2", "node name gpu1 rack-a",
    "node name gpu2 rack-a", "node name rack-a gpu1", "node use gpu1", "node use gpu1 here",
    "vm list --filter nothing", "vm list --json --file", "audit verify", "audit export since=2h",
    "help vm restart", "help image stop", "help vm list", "help nosuch", "vm show “unclosed",
    "vm restart inference inference", "approval show nosuchone", "approval cancel nosuchone",
    "doctor",
    "cost month=foo", "cost month=2031-01", "cost", "image list hub", "image list gpu1 gpu2",
    "image list hub on gpu1", "image progress nosuch.qcow2 on gpu1", "image servers",
    "settings notifications ends", "settings notifications silent", "settings notifications digest",
    "settings notifications all", "settings channel-notifications digest",
    "settings channel-notifications all", "inference delete, keep the rest",
    "snapshot delete inference all", "restart inference on ada", "restart inference and ada",
    "don't delete ada, delete inference", "session request gpu1 nonce=hunter2",
)  # fmt: skip


# About a machine that is off and has a snapshot.
OFF = (
    "vm restart inference --dry-run", "vm shutdown inference", "vm reset inference",
    "vm poweroff inference --dry-run", "vm delete inference --dry-run", "vm logs inference tail 2",
    "disk resize inference vdb size=50", "disk resize inference vdb size=200 --dry-run",
    "disk delete inference vdz", "disk add inference 50 --dry-run", "disk delete inference vdb",
    "snapshot show inference before", "snapshot create inference before to=hub",
    "snapshot create inference s1", "snapshot delete inference before",
    "snapshot delete inference nosuch", "vm modify inference mem=60000 cpu=900",
    "image upload ubuntu-20.04.qcow2 to=backup --dry-run on gpu1",
    "image download ubuntu-20.04.qcow2 replace from=hub --dry-run on gpu1",
    "image delete ubuntu-20.04.qcow2 --dry-run on gpu1", "image delete mine.qcow2 on gpu1",
    "vm create name=t9 image=ubuntu-20.04.qcow2 lan=nosuch on gpu1",
    "vm create name=t9 image=nosuch.qcow2 on gpu1", "vm passwd inference", "restart infrence",
    "node show gpu3", "whoami", "approval list", "session list", "watch list",
)  # fmt: skip
# Of somebody without access to any node.
OUTSIDE = (
    "vm list", "vm show inference", "node list", "session list", "session check", "vm help",
    "session remove gpu1", "session share gpu1 with @alice", "settings channel-language zh",
    "vm create name=t1 image=a.qcow2 on gpu1", "approval list", "order list", "cost",
)  # fmt: skip


@pytest.mark.parametrize("locale", LOCALES)
async def test_lines(tmp_path: Path, locale: str, snapshot: SnapshotAssertion) -> None:
    async with staged(tmp_path) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        walk = Walk(stage, locale)
        await walk.speaks()
        rules(stage, NO_REVIEW)
        await stage.asks(stage.alice, "/dbc vm list")
        for number, line in enumerate(LINES, start=1):
            stage.clock.advance(timedelta(seconds=1))  # what queues up is told in its order
            await walk.sees(f"{number}: {line}", f"/dbc {line}")
    assert as_text(walk.shown) == snapshot(extension_class=TextFile), KEEP_THEM


@pytest.mark.parametrize("locale", LOCALES)
async def test_lines_about_a_machine_that_is_off_and_of_an_outsider(
    tmp_path: Path, locale: str, snapshot: SnapshotAssertion
) -> None:
    async with staged(tmp_path) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.asks(stage.alice, "/dbc vm list")
        await DEEDS["snapshot.delete"].before(stage)
        walk = Walk(stage, locale)
        await walk.speaks()
        rules(stage, CONFIRM_ONLY)
        for person, lines in ((stage.alice, OFF), (stage.bob, OUTSIDE)):
            for number, line in enumerate(lines, start=1):
                stage.clock.advance(timedelta(seconds=1))
                await walk.sees(f"{person.name}, {number}: {line}", f"/dbc {line}", person)
    assert as_text(walk.shown) == snapshot(extension_class=TextFile), KEEP_THEM
