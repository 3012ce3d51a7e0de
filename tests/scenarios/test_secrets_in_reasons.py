"""What looks like a secret in a reason stands nowhere, however the reason came."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.scenarios.site import NAME, asked, now, rules, site
from tests.scenarios.stage import CHANNEL, Stage

KEY = "xoxb-4711-abcdefgh"
GLASS = """
[defaults]
destroy = { approvals = 1, break_glass = { persons = ["U0ALICE"] } }
[freeze]
people = { persons = ["U0ALICE"] }
"""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Alice may break the glass and freeze; Bob approves."""
    async with site(tmp_path, GLASS) as one:
        await one.asks(one.alice, "/dbc vm list")
        yield one


def stored(stage: Stage) -> str:
    """All that is in the database."""
    with closing(sqlite3.connect(stage.data / "bot.db")) as database:
        return "\n".join(database.iterdump())


async def is_nowhere(stage: Stage, secret: str) -> bool:
    await stage.quiet()
    people = (stage.alice, stage.bob, stage.carol)
    return secret not in stored(stage) and not any(secret in p.screen() for p in people)


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (f"vm delete {NAME} because the disk is full, password=hunter2", "hunter2"),
        (f'vm delete {NAME} reason="{KEY} has leaked"', KEY),
        (f'vm delete {NAME} break_glass="token {KEY}"', KEY),
        (f'vm delete {NAME} reson="password=hunter2"', "hunter2"),
        (f'vm restart {NAME} force reason="密码是 Abc12345" --dry-run', "Abc12345"),
        ("freeze password=hunter2 has leaked", "hunter2"),
        ("freeze the password is hunter2", "hunter2"),
        ("alias add d = vm delete $1 because password=hunter2", "hunter2"),
    ],
)
async def test_a_line_is_masked(stage: Stage, line: str, secret: str) -> None:
    await stage.asks(stage.alice, f"/dbc {line}")
    assert await is_nowhere(stage, secret)


async def test_the_rest_of_a_reason_is_kept(stage: Stage) -> None:
    await stage.asks(stage.alice, f"/dbc vm delete {NAME} because the disk is full, {KEY} too")
    seen = stage.bob.messages(CHANNEL)[-1]
    assert "the disk is full, ****** too" in seen.plain


async def test_the_forms_of_a_reason_are_masked(stage: Stage) -> None:
    card = await asked(stage)
    await stage.bob.presses("Deny", card)
    await stage.bob.sees_modal("Deny")
    await stage.bob.submits({"Why not?": f"not with {KEY}"})
    await stage.quiet()
    assert "not with ******" in now(stage, card).plain
    await stage.alice.types("/dbc vm shutdown", CHANNEL)
    await stage.alice.sees_modal("Shut down a machine")
    machine = stage.task(NAME).task_id
    await stage.alice.submits({"Machine": machine, "Reason": f"used {KEY}"})
    await stage.quiet()
    [card] = [m for m in stage.alice.messages(CHANNEL) if "Break glass …" in m.buttons]
    assert "used ******" in card.plain
    await stage.alice.presses("Break glass …", card)
    await stage.alice.sees_modal("Break glass")
    await stage.alice.submits({"Why can it not wait?": f"it is urgent: {KEY}"})
    assert await is_nowhere(stage, KEY)
    assert "it is urgent: ******" in stage.bob.screen()


async def test_a_rule_still_finds_its_pattern(stage: Stage) -> None:
    rules(stage, '[defaults]\ndestroy = { approvals = 1, reason = "OPS-[0-9]+" }\n')
    await stage.asks(stage.alice, f'/dbc vm delete {NAME} reason="OPS-12 token={KEY}"')
    assert "OPS-12 token=******" in now(stage, stage.question(stage.bob)).plain
