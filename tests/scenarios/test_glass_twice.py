"""Breaking the glass twice for the same: sent once, reviewed once, and the second person knows."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.slack import Person
from tests.scenarios.site import DELETE, NAME, asked, both_stages, is_http, site
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_create import CREATE

SECOND = "Request it a second time"
RULE = (
    '[[rule]]\nname = "glass"\nmatch = { effect = "destroy" }\napprovals = 1\n'
    'break_glass = { persons = ["U0ALICE", "U0BOB", "U0CAROL"] }\n'
    '[[rule]]\nname = "creations"\nmatch = { command = "vm.create" }\napprovals = 1\n'
    'break_glass = { persons = ["U0ALICE", "U0BOB", "U0CAROL"] }\n'
)
RESTART = f"/dbc vm restart {NAME} force"
GLASS = 'break_glass="It floods the switch"'


@pytest.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path, RULE, http=is_http(request)) as one:
        await one.asks(one.alice, "/dbc vm list")
        yield one


def joins(person: Person) -> list[str]:
    """What this person alone is told of a request that was not added."""
    return [m.message.text for m in person.messages(CHANNEL) if SECOND in m.buttons]


@both_stages
async def test_glass_broken_by_two_at_one_moment_is_sent_and_reviewed_once(stage: Stage) -> None:
    people = (stage.bob, stage.bob, stage.alice)
    await asyncio.gather(*(one.types(f"{DELETE} {GLASS}", CHANNEL) for one in people))
    await stage.quiet()
    assert stage.changes() == ["tasks.delete"]
    announced = [m for m in stage.carol.messages(CHANNEL) if "broke the glass" in m.plain]
    assert len(announced) == 1
    assert len(joins(stage.bob)) + len(joins(stage.alice)) == 2


async def test_the_second_person_is_told_by_whom_it_is_under_way(stage: Stage) -> None:
    await stage.asks(stage.bob, f"{RESTART} {GLASS}")
    await stage.asks(stage.alice, f'{RESTART} break_glass="I see it, too"')
    [said] = joins(stage.alice)
    assert f"<@{stage.bob.id}> has already requested this" in said
    assert "It is in progress" in said
    assert stage.changes() == ["tasks.restart"]
    reviews = [m for m in stage.carol.messages("@dbc") if "broke the glass" in m.plain]
    assert len(reviews) == 1


async def test_glass_beside_a_pending_question_runs_at_once(stage: Stage) -> None:
    await asked(stage)
    await stage.asks(stage.bob, f"{DELETE} {GLASS}")
    assert stage.changes() == ["tasks.delete"]
    assert not joins(stage.bob)


async def test_glass_is_broken_twice_by_who_means_it(stage: Stage) -> None:
    await stage.asks(stage.bob, f"{RESTART} {GLASS}")
    await stage.asks(stage.alice, f"{RESTART} {GLASS}")
    [shown] = [m for m in stage.alice.messages(CHANNEL) if SECOND in m.buttons]
    await stage.alice.presses(SECOND, shown)
    await stage.quiet()
    assert stage.changes() == ["tasks.restart", "tasks.restart"]
    announced = [m for m in stage.carol.messages(CHANNEL) if "broke the glass" in m.plain]
    assert len(announced) == 2


async def test_a_request_for_what_glass_has_set_off_joins_it(stage: Stage) -> None:
    await stage.asks(stage.bob, f"{RESTART} {GLASS}")
    await stage.asks(stage.alice, RESTART)
    question = [m for m in stage.carol.messages(CHANNEL) if "Approve" in m.buttons]
    assert len(joins(stage.alice)) == 1
    assert not question


async def test_a_machine_is_made_once_by_glass_broken_twice(stage: Stage) -> None:
    create = f"{CREATE.replace('gpu2', 'gpu1')} gpu=1 cpu=4 mem=8 {GLASS}"
    await stage.asks(stage.bob, create)
    await stage.asks(stage.alice, create)
    assert stage.changes() == ["tasks.create"], stage.bob.screen()
    assert len(joins(stage.alice)) == 1
