"""Aliases: a person's own short words, which may do no more than the person."""

import pytest

from bot.model import AuditQuery
from tests.scenarios.stage import CHANNEL, Stage


async def test_an_alias_stands_for_a_line(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    said = await stage.asks(stage.alice, "/dbc alias add r = vm restart $1 force")
    assert "/dbc r` now means `vm restart $1 force`" in said.plain
    assert said.ephemeral
    await stage.alice.types("/dbc r inference")
    await stage.confirms(stage.alice, "inference")
    assert stage.changes() == ["tasks.restart"]
    # What follows is added: `--dry-run`, for example.
    seen = await stage.asks(stage.alice, "/dbc r inference --dry-run")
    assert "POST /api/v1/tasks/restart/" in seen.plain


async def test_an_alias_is_ones_own_and_survives_a_restart(one_stage: Stage) -> None:
    stage = one_stage
    await stage.asks(stage.alice, "/dbc alias add me=whoami")
    await stage.restart_bot()
    assert "alice" in (await stage.asks(stage.alice, "/dbc me")).plain.lower()
    assert "no command “me”" in (await stage.asks(stage.bob, "/dbc me")).plain
    listed = await stage.asks(stage.alice, "/dbc alias list")
    assert "me` stands for `whoami`" in listed.text
    await stage.asks(stage.alice, "/dbc alias remove me")
    assert "no command “me”" in (await stage.asks(stage.alice, "/dbc me")).plain
    assert "no aliases" in (await stage.asks(stage.alice, "/dbc alias list")).plain


async def test_an_alias_gains_no_right(one_stage: Stage) -> None:
    stage = one_stage
    await stage.asks(stage.bob, "/dbc alias add gone = vm delete $1")
    told = await stage.asks(stage.bob, "/dbc gone inference")
    assert "session" in told.plain
    assert stage.changes() == []


async def test_an_alias_cannot_take_a_commands_place_or_run_in_circles(one_stage: Stage) -> None:
    stage = one_stage
    told = await stage.asks(stage.alice, "/dbc alias add vm = whoami")
    assert "“vm” is a command already" in told.plain
    await stage.asks(stage.alice, "/dbc alias add a = b $*")
    await stage.asks(stage.alice, "/dbc alias add b = a $*")
    told = await stage.asks(stage.alice, "/dbc a x")
    assert "I did not understand that as a command." in told.plain


async def test_a_word_that_an_alias_needs_is_asked_for(one_stage: Stage) -> None:
    stage = one_stage
    await stage.asks(stage.alice, "/dbc alias add r = vm restart $1 force")
    told = await stage.asks(stage.alice, "/dbc r")
    assert "needs 1 word behind it" in told.plain
    assert "vm restart $1 force" in told.plain
    assert "vm restart" in (await stage.asks(stage.alice, "/dbc r help", CHANNEL)).plain


@pytest.mark.parametrize(
    "body", ["vm passwd inference password=hunter2xyz", "p pasword=hunter2xyz"]
)
async def test_no_secret_is_kept_in_an_alias(one_stage: Stage, body: str) -> None:
    alice = one_stage.alice
    await one_stage.asks(alice, "/dbc alias add p = vm passwd inference")
    refused = await one_stage.asks(alice, f"/dbc alias add q = {body}")
    assert "hunter2xyz" not in refused.plain
    await one_stage.asks(alice, "/dbc alias add q")
    await alice.sees_modal("Add an alias")
    await alice.submits({"Line": body})
    assert alice.modal is not None
    assert alice.modal.errors
    async with one_stage.bot.store.read() as tx:
        rows = await tx.audit.page(AuditQuery(), before=None, limit=100)
        assert (await tx.aliases.all())[alice.id] == {"p": "vm passwd inference"}
    assert "hunter2xyz" not in repr(rows)
