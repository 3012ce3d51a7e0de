"""Slack refuses the bot in the middle of something: all is held, and told once afterwards."""

import pytest

from tests.scenarios.images import PYTORCH
from tests.scenarios.machines import off
from tests.scenarios.site import asked, told
from tests.scenarios.stage import CHANNEL, Stage, is_card

CREATE = (
    "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=1 cpu=4 mem=16 disk=50 on gpu2"
)


def refuse(stage: Stage, how: str) -> None:
    """Slack takes the bot's calls no more."""
    if how == "scope":
        stage.ws.take_scopes("chat:write")
    else:
        stage.ws.revoke("bot", error=how)


async def mended(stage: Stage, how: str) -> None:
    """The operator mends it and starts the bot again."""
    if how == "scope":
        stage.ws.give_scopes("chat:write")
    stage.ws.restore()
    await stage.restart_bot()
    for _ in range(4):
        await stage.passes(20)


def cards(stage: Stage) -> list[str]:
    """The cards in the channel."""
    plain = (m.plain.replace("*", "") for m in stage.alice.messages(CHANNEL) if not m.ephemeral)
    return [text for text in plain if is_card(text)]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["token_revoked", "account_inactive", "scope"])
async def test_a_creation_is_told_once_though_the_token_was_lost_in_the_middle(
    one_stage: Stage, how: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    await stage.asks(stage.alice, CREATE)
    refuse(stage, how)
    for _ in range(30):
        await stage.passes(15)
    assert stage.endings(stage.alice) == []
    await mended(stage, how)
    assert stage.changes() == ["tasks.create"]
    [shown] = cards(stage)
    assert "t1 is running on gpu2" in shown
    assert len(stage.endings(stage.alice)) == 1


@pytest.mark.parametrize("how", ["invalid_auth", "scope"])
async def test_a_change_asked_for_without_a_token_is_shown_once_afterwards(
    one_stage: Stage, how: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    refuse(stage, how)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    for _ in range(3):
        await stage.passes(20)
    await mended(stage, how)
    await stage.ends(stage.alice, "inference is running on gpu1")
    assert stage.changes() == ["tasks.start"]
    assert len(cards(stage)) == 1
    assert len(stage.endings(stage.alice)) == 1


async def test_a_click_without_a_token_counts_once_afterwards(one_stage: Stage) -> None:
    stage = one_stage
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu1")
    (stage.data / "policy.toml").write_text("[defaults]\n", encoding="utf-8")
    await stage.restart_bot()
    question = await asked(stage)
    stage.ws.revoke("bot")
    await stage.bob.presses("Approve", question)
    await stage.quiet()
    await stage.passes(20)
    await mended(stage, "token_revoked")
    await stage.ends(stage.alice, "inference is deleted on gpu1")
    assert stage.changes() == ["tasks.delete"]
    assert len(cards(stage)) == 1


async def test_a_reminder_without_a_token_is_told_once_afterwards(one_stage: Stage) -> None:
    stage = one_stage
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu1")
    (stage.data / "policy.toml").write_text("[defaults]\n", encoding="utf-8")
    await stage.restart_bot()
    await asked(stage)
    stage.ws.revoke("bot")
    for _ in range(5):
        await stage.passes(150)
    await mended(stage, "token_revoked")
    assert len(told(stage.alice, "waits for")) == 1


@pytest.mark.slow
async def test_a_transfer_is_told_once_though_the_token_was_lost_in_the_middle(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    stage.ws.revoke("bot", error="token_expired")
    for _ in range(60):
        await stage.passes(30)
    await mended(stage, "token_expired")
    assert len(cards(stage)) == 1
    assert len(stage.endings(stage.alice)) == 1


async def test_a_private_answer_without_a_token_is_told_once_afterwards(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.ws.revoke("bot")
    await stage.alice.types("@dbc node name gpu1 left", CHANNEL)
    await stage.quiet()
    for _ in range(3):
        await stage.passes(40)
    await mended(stage, "token_revoked")
    for _ in range(4):
        await stage.passes(40)
    assert len(told(stage.alice, "is now called left")) == 1


async def test_a_typed_command_is_answered_without_a_token_all_the_same(one_stage: Stage) -> None:
    stage = one_stage
    stage.ws.revoke("bot")
    await stage.alice.types("/dbc session add gpu1", CHANNEL)
    await stage.quiet()
    assert "Slack refuses the bot's token" in stage.alice.last(CHANNEL).plain
