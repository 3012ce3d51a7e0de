"""Chinese wherever people look: cards in every state, ends, dry runs, lists, buttons, Home."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.dbc.task import Libvirt
from tests.scenarios.changing import DEEDS, NAME, does, prepared, walk
from tests.scenarios.in_chinese import latest, reads_chinese, told_in_english
from tests.scenarios.site import DELETE, rules, site
from tests.scenarios.stage import CHANNEL, Stage, staged

GLASS = (
    '[[rule]]\nname = "glass"\nmatch = { command = "vm.delete" }\napprovals = 2\n'
    'reason = "^OPS-"\nbreak_glass = { persons = ["U0CAROL"] }\n'
)
FREEZERS = '\n[freeze]\npeople = { persons = ["U0BOB"] }\n'


@pytest.fixture
async def stage_of_three(tmp_path: Path) -> AsyncIterator[Stage]:
    """Three are entitled to gpu1 and read Chinese."""
    async with site(tmp_path, FREEZERS) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        await reads_chinese(stage)
        yield stage


async def requested(stage: Stage, line: str = DELETE) -> None:
    await stage.alice.types(line, channel=CHANNEL)
    await stage.quiet()
    await stage.bob.sees("批准", CHANNEL)


@pytest.mark.parametrize("name", walk((name,) for name in DEEDS))
async def test_a_change_is_told_in_chinese_to_its_end(tmp_path: Path, name: str) -> None:
    async with staged(tmp_path) as stage:
        deed = await prepared(stage, DEEDS[name])
        await reads_chinese(stage)
        since = latest(stage)
        if deed.form is None:
            await does(stage, deed, options="dry_run=true")
            await does(stage, deed)
            if "确认" in stage.alice.last().buttons:
                await stage.alice.presses("确认", stage.alice.last())
                await stage.quiet()
            for _ in range(8):
                await stage.passes(15)
        else:
            await stage.alice.types(f"/dbc {deed.line}", channel=CHANNEL)
            await stage.alice.sees_modal()
        assert told_in_english(stage, since=since) == []


@pytest.mark.parametrize("end", ["approved", "denied", "withdrawn", "expired", "voided"])
async def test_a_card_is_chinese_in_each_state(stage_of_three: Stage, end: str) -> None:
    stage = stage_of_three
    since = latest(stage)
    await requested(stage)
    for person in (stage.alice, stage.bob):
        await stage.asks(person, "/dbc approval list")
        await stage.asks(person, "/dbc audit list command=vm")
    card = next(m for m in stage.bob.messages(CHANNEL) if "批准" in m.buttons)
    match end:
        case "approved":
            await stage.bob.presses("批准", card)
        case "denied":
            await stage.bob.presses("拒绝", card)
            await stage.bob.sees_modal()
            assert told_in_english(stage, since=since) == []
            await stage.bob.submits({"拒绝原因": "还在用"})
        case "withdrawn":
            await stage.alice.presses("撤回", card)
        case "expired":
            for _ in range(7):
                await stage.passes(10 * 60)
        case "voided":
            domain = stage.task(NAME).domain
            assert domain is not None
            domain.state = Libvirt.SHUT_OFF
            await stage.bob.presses("批准", card)
    await stage.quiet()
    for _ in range(8):
        await stage.passes(15)
    await stage.alice.opens_home()
    await stage.alice.sees_home("虚拟机")
    assert told_in_english(stage, since=since) == []


async def test_a_card_for_one_approver_names_them_and_its_dialog_is_chinese(
    tmp_path: Path,
) -> None:
    rule = (
        '[[rule]]\nname = "bob"\nmatch = { command = "vm.delete" }\n'
        'approvers = { persons = ["U0BOB"] }\n'
    )
    async with site(tmp_path, rule) as stage:
        await reads_chinese(stage)
        await requested(stage)
        card = next(m for m in stage.bob.messages(CHANNEL) if "批准" in m.buttons)
        assert f"需要 <@{stage.bob.id}> 批准。" in card.plain
        [dialog] = [
            element["confirm"]["text"]["text"]
            for block in card.blocks
            for element in block.get("elements", [])
            if "confirm" in element
        ]
        assert dialog.endswith("。")


async def test_broken_glass_is_told_in_chinese(stage_of_three: Stage) -> None:
    stage = stage_of_three
    rules(stage, GLASS)
    since = latest(stage)
    await stage.carol.types(f'{DELETE} break_glass="交换机被打满"', channel=CHANNEL)
    await stage.quiet()
    for _ in range(8):
        await stage.passes(15)
    await stage.asks(stage.bob, "/dbc approval list")
    await stage.passes(3600)
    assert told_in_english(stage, since=since) == []


async def test_a_freeze_is_told_in_chinese(stage_of_three: Stage) -> None:
    stage = stage_of_three
    since = latest(stage)
    for person, line in (
        (stage.alice, "/dbc freeze 断网"),
        (stage.bob, "/dbc freeze 断网"),
        (stage.alice, f"/dbc vm start {NAME}"),
        (stage.alice, "/dbc whoami"),
        (stage.bob, "/dbc unfreeze"),
    ):
        await stage.asks(person, line)
    assert told_in_english(stage, since=since) == []


async def test_what_is_looked_at_is_chinese(stage_of_three: Stage) -> None:
    stage = stage_of_three
    since = latest(stage)
    for line in (
        f"vm logs {NAME}", f"vm logs {NAME} head 3", "settings", "whoami", "order list",
        "node orders gpu1", "order show 1287", "image list on gpu1",
        "image servers", "lan list", "metal list", "approval list", "watch list",
        f"snapshot list {NAME}", "vm list", f"vm show {NAME}", "node list", "node show gpu1",
        "session list", "session check gpu1", f"disk list {NAME}", "alias list",
        "alias add n = node list", "alias list",
    ):  # fmt: skip
        await stage.asks(stage.alice, f"/dbc {line}")
    assert told_in_english(stage, since=since) == []
