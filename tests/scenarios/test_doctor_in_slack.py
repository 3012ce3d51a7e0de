"""`/dbc doctor`: operators whom the rules name are told how the bot is; others nothing."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.model import AuditKind
from tests.scenarios.in_chinese import assert_chinese
from tests.scenarios.nameless import nameless
from tests.scenarios.orders import chained
from tests.scenarios.site import entries, rules, site
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_damaged_rows import locks

DOCTOR = '[doctor]\npeople = { persons = ["U0BOB"] }\n'
ABOUT = (
    "this process It is ready.", "settings They are valid.", "bot token", "scopes", "clock",
    "app token", "database bot.db, a bot has it open.", "schema", "journal", "messages", "watches",
    "approvals", "keys", "DBC daemon 1 Version", "people",
)  # fmt: skip


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Bob is an operator."""
    async with site(tmp_path, DOCTOR) as one:
        yield one


async def test_operators_are_told_privately_how_everything_is(stage: Stage) -> None:
    told = await stage.asks(stage.bob, "/dbc doctor")
    assert told.ephemeral
    text = told.plain.replace("*", "")
    assert "All is well" in text, text
    for about in ABOUT:
        assert f"✔ {about}" in text, (about, text)
    for hidden in (str(stage.data), "127.0.0.1", stage.ws.bot_token, stage.ws.app_token):
        assert hidden not in text
    assert "a bot may be running" not in text
    mentioned = await stage.asks(stage.bob, "doctor", "@dbc")
    assert "All is well" in mentioned.plain
    data = (await stage.asks(stage.bob, "/dbc doctor --json")).plain
    assert '"level": "ok"' in data


async def test_a_channel_of_outages_that_it_cannot_see_is_named(stage: Stage) -> None:
    rules(stage, DOCTOR + '[outages]\nchannel = "C0NOWHERE"\n')
    assert "C0NOWHERE" in (await stage.asks(stage.bob, "/dbc doctor")).plain


@pytest.mark.parametrize("text", ["", DOCTOR, '[doctor]\npeople = { groups = ["S0NONE"] }\n'])
async def test_nobody_else_is_told_anything_and_it_is_recorded(stage: Stage, text: str) -> None:
    rules(stage, text + '[[rule]]\nname = "all"\nmatch = { command = "vm.*" }\napprovals = 1\n')
    told = await stage.asks(stage.alice, "/dbc doctor")
    assert told.ephemeral
    assert "You may not see how the bot is." in told.plain or "Slack does not say" in told.plain
    assert "✔" not in told.plain
    if "S0NONE" in text:
        return
    denied = [e for e in await entries(stage) if e.kind is AuditKind.READ_DENIED]
    assert [(e.actor, e.command) for e in denied] == [(stage.alice.id, "doctor")]


async def test_what_is_wrong_comes_first_with_what_to_do(stage: Stage) -> None:
    stage.ws.faults.error("invalid_auth", method="auth.test", times=1)
    stage.world.faults.on("gateway_down", path="/mining_nodes")
    (stage.data / "bot.db").chmod(0o644)
    stage.bot.health.impaired("rows", ["The machine 7 cannot be read: it is damaged."])
    told = (await stage.asks(stage.bob, "/dbc doctor")).plain.replace("*", "")
    first, *lines = told.splitlines()
    assert first.startswith("3 faults, 1 warning"), told
    assert "✘ bot token Slack refuses the bot token (invalid_auth)." in told
    assert "✘ file modes bot.db is 0644: others can read it. Run: chmod 600 bot.db" in told
    assert "⚠ this process The machine 7 cannot be read: it is damaged." in told
    signs = [line[0] for line in lines if line[0] in "✘⚠✔"]
    assert signs == sorted(signs, key="✘⚠✔".index)


async def test_faulty_rules_and_keys_are_told_without_a_path(stage: Stage) -> None:
    (stage.data / "policy.toml").write_text("[[rule]\n", encoding="utf-8")
    (stage.data / "credential.key").write_text("ключ", encoding="utf-8")
    told = (await stage.asks(stage.bob, "/dbc doctor")).plain.replace("*", "")
    assert "✘ rules policy.toml line 1: this is not TOML" in told, told
    assert "The key file credential.key cannot be used" in told, told
    assert "The key file credential.key is gone or cannot be read." in told, told
    assert str(stage.data) not in told
    (stage.data / "policy.toml").unlink()
    gone = (await stage.asks(stage.bob, "/dbc doctor")).plain.replace("*", "")
    assert "✘ rules policy.toml does not exist" in gone, gone
    assert str(stage.data) not in gone


async def test_a_look_that_is_under_way_ends_with_the_bot(stage: Stage) -> None:
    stage.world.faults.on("hang", path="/mining_nodes")
    looking = asyncio.create_task(stage.bot._checkup.looked())
    await stage.clock.until(lambda: stage.daemon.forwarder.pending > 0)
    await stage.bot.stop()
    await asyncio.wait({looking}, timeout=20)
    assert looking.cancelled()


async def test_what_hangs_is_cut_off_and_the_rest_is_told(stage: Stage) -> None:
    stage.world.faults.on("hang", path="/mining_nodes")
    await stage.bob.types("/dbc doctor", channel=CHANNEL)
    await stage.clock.until(lambda: stage.daemon.forwarder.pending > 0)
    stage.clock.advance(timedelta(seconds=31))
    await stage.quiet()
    told = stage.bob.last(CHANNEL).plain.replace("*", "")
    assert "✘ DBC" in told
    assert "See above" not in told
    assert "✔ this process" in told


async def test_operators_who_ask_at_once_share_one_look(stage: Stage) -> None:
    rules(stage, DOCTOR.replace('"U0BOB"', '"U0BOB", "U0CAROL"'))
    before = len(stage.ws.calls_of("auth.test"))
    async with asyncio.TaskGroup() as both:
        for person in (stage.bob, stage.carol):
            both.create_task(person.types("/dbc doctor", channel=CHANNEL))
    await stage.quiet()
    for person in (stage.bob, stage.carol):
        assert "All is well" in person.last(CHANNEL).plain
    assert len(stage.ws.calls_of("auth.test")) - before == 1


async def test_a_chinese_operator_reads_it_in_chinese(stage: Stage) -> None:
    await stage.asks(stage.bob, "/dbc language zh")
    told = await stage.asks(stage.bob, "/dbc 自检")
    assert "一切正常" in told.plain
    assert_chinese(told.plain.replace("Socket Mode", ""))


async def test_why_it_cannot_work_is_read_in_chinese_as_well(stage: Stage) -> None:
    for name in ("alice", "bob", "carol"):
        locks(stage, name)
    await stage.asks(stage.bob, "/dbc language zh")
    await stage.passes(60)
    stage.ws.faults.error("invalid_auth", method="auth.test", times=1)
    told = (await stage.asks(stage.bob, "/dbc 自检")).plain.replace("*", "")
    assert "✘ 本进程 密钥文件 credential.key 里的密钥打不开任何会话（共 3 个）。" in told
    assert "✘ 机器人令牌 Slack 拒绝机器人令牌（invalid_auth）。把 SLACK_BOT_TOKEN 设为" in told
    assert f"⚠ 本进程 会话（session）{stage.alice.id} gpu1 " in told
    assert " 无法读取：没有密钥能打开。" in told
    assert not re.search("cannot be|opens|refuses|Put the", told)


async def test_a_node_of_the_chain_that_is_not_believed_is_said_in_chinese(tmp_path: Path) -> None:
    async with chained(tmp_path, nodes=3, policy=DOCTOR) as one:
        bob = one.stage.bob
        await one.stage.asks(bob, "/dbc settings language zh")
        one.rpc[2].stuck_at = one.chain.blocks.head
        await one.passes(minutes=12, step=60)
        nameless(" ".join(one.stage.bot.health.impairments))
        told = (await one.stage.asks(bob, "/dbc doctor")).plain
        assert "链节点 3/3 不可信：最新块的时间偏差过大。" in told
        assert "of the chain" not in told
