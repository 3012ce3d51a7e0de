"""Budgets of people and channels: told when nearly spent, and approval is needed beyond them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.services.retention import Leftovers
from sandbox.dbc.task import Status
from tests.scenarios.machines import off
from tests.scenarios.orders import DAY, ChainStage, chained
from tests.scenarios.site import asked, rules
from tests.scenarios.stage import CHANNEL
from tests.scenarios.test_cost import CREATE, costs

LATER = CREATE.replace("name=late", "name=later")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with chained(tmp_path) as one:
        for person in (one.stage.alice, one.stage.bob):
            await one.stage.gives_session(person, "gpu1")
        one.is_watched_whole = True
        one.rents(blocks=20 * DAY)
        await one.passes(minutes=20, step=600)
        yield one


def budget(scene: ChainStage, amount: str, whose: str = "") -> None:
    whose = whose or f'person = "{scene.stage.alice.id}"'
    rules(scene.stage, f'[[budget]]\nname = "research"\n{whose}\n{amount}\n')


async def creates(scene: ChainStage) -> None:
    await scene.stage.asks(scene.stage.alice, CREATE)
    await scene.passes(2, step=1800)


async def test_what_exceeds_a_budget_needs_approval_by_somebody_else(scene: ChainStage) -> None:
    stage = scene.stage
    budget(scene, "usd = 1")
    await creates(scene)
    assert stage.task("late").desc
    (told,) = scene.told(stage.alice, "Budget research is spent for")
    assert "of 1 USD (" in told
    card = await stage.asks(stage.alice, LATER)
    said = card.plain.replace("*", "")
    assert "Why this needs approval\nBudget research is spent for this month." in said
    names = [task.desc for task in stage.node("gpu1").tasks.values()]
    assert "later" not in names
    await stage.bob.presses("Approve", await stage.bob.sees("later", channel="@dbc"))
    await stage.quiet()
    await scene.passes(minutes=3, step=20)
    assert stage.task("later").desc


async def test_it_is_told_at_the_share_and_once_over_restarts(scene: ChainStage) -> None:
    stage = scene.stage
    await creates(scene)
    spent = (await costs(scene, "person"))["parts"]
    mine = next(one for one in spent if one["user"] == stage.alice.id)
    limit = round(float(mine["dbc"]) / 0.88)
    budget(scene, f"dbc = {limit}")
    await scene.passes(minutes=2, step=60)
    (told,) = scene.told(stage.alice, "is nearly spent")
    assert f"of {limit:,} DBC" in told
    await scene.restart()
    await scene.passes(minutes=3, step=60)
    assert len(scene.told(stage.alice, "Budget research")) == 1
    shown = (await stage.asks(stage.alice, "/dbc cost")).plain.replace("*", "")
    whose = f"machines that <@{stage.alice.id}> made, on any rental"
    assert f"Budget research ({whose}): " in shown
    (row,) = (await costs(scene))["budgets"]
    assert (row["name"], row["limit_dbc"]) == ("research", limit)
    assert row["percent"] >= 80


async def test_within_its_budget_a_creation_runs_at_once(scene: ChainStage) -> None:
    budget(scene, "usd = 1000000")
    await creates(scene)
    assert scene.stage.task("late").desc
    assert scene.told(scene.stage.alice, "Budget") == []


@pytest.mark.slow
async def test_a_channel_is_told_where_it_is(scene: ChainStage) -> None:
    room = scene.stage.ws.core.state.channel(CHANNEL).id
    budget(scene, "usd = 1", f'channel = "{room}"')
    await creates(scene)
    said = [message.plain for message in scene.stage.bob.messages(CHANNEL)]
    assert len([one for one in said if "is spent for" in one]) == 1


@pytest.mark.slow
async def test_what_nobody_made_here_counts_for_nobody(scene: ChainStage) -> None:
    budget(scene, "usd = 1")
    await scene.passes(2, step=600)
    assert scene.told(scene.stage.alice, "Budget") == []


async def spends(scene: ChainStage) -> None:
    """Alice's machine has cost more than her budget, which was told."""
    budget(scene, "usd = 1")
    await creates(scene)
    await scene.passes(2, step=1800)
    assert scene.told(scene.stage.alice, "Budget research is spent for")


@pytest.mark.slow
async def test_a_question_from_before_a_budget_was_spent_is_not_blamed_on_other_rules(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    whose = f'person = "{stage.alice.id}"\nusd = 1\n'
    confirmed = '[defaults]\nchange = { confirm = true, expires = "10h" }\n'
    rules(stage, f'{confirmed}[[budget]]\nname = "research"\n{whose}')
    await stage.asks(stage.alice, CREATE)
    await stage.alice.presses("Confirm", stage.question(stage.alice))
    await stage.quiet()
    question = await stage.asks(stage.alice, LATER)
    await scene.passes(4, step=900)
    assert scene.told(stage.alice, "Budget research is spent for")
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    await scene.passes(minutes=1, step=20)
    (told,) = scene.told(stage.alice, "was not carried out")
    assert "The rules have changed" not in told
    assert "it now needs 1 approval (budget research is spent)" in told
    assert "later" not in [task.desc for task in stage.node("gpu1").tasks.values()]


@pytest.mark.slow
async def test_a_restart_of_what_is_off_starts_it_and_needs_approval(scene: ChainStage) -> None:
    stage = scene.stage
    await spends(scene)
    off(stage, "late")
    card = await stage.asks(stage.alice, "/dbc vm restart late")
    assert "approval" in card.plain
    assert "Approve" in card.buttons
    assert stage.task("late").status is Status.CLOSED


@pytest.mark.slow
async def test_what_runs_is_restarted_after_a_confirmation_alone(scene: ChainStage) -> None:
    stage = scene.stage
    await spends(scene)
    card = await asked(stage, "/dbc vm restart late")
    assert "Approve" not in card.buttons
    off(stage, "late")  # what was to be confirmed was no start
    await stage.confirms(stage.alice, "Restart")
    assert stage.task("late").status is Status.CLOSED


@pytest.mark.slow
async def test_what_takes_no_more_gpus_needs_no_approval(scene: ChainStage) -> None:
    stage = scene.stage
    await spends(scene)
    machine = stage.task("late")
    machine.gpus = []
    off(stage, "late")
    done = await stage.asks(stage.alice, "/dbc vm start late")
    assert "approval" not in done.plain
    assert machine.status is not Status.CLOSED


@pytest.mark.slow
async def test_fewer_gpus_need_no_approval_and_more_do(scene: ChainStage) -> None:
    stage = scene.stage
    await spends(scene)
    stage.task("late").gpus = [0, 1]
    fewer = await stage.asks(stage.alice, "/dbc vm modify late gpu=1")
    assert "GPUs 2 → 1" in fewer.plain
    more = await stage.asks(stage.alice, "/dbc vm modify late gpu=3")
    assert "Approve" in more.buttons


async def runs(scene: ChainStage, name: str) -> None:
    """One job of the clockwork runs, and nothing else."""
    (job,) = (one for one in scene.stage.bot._ticker._jobs if one.name == name)
    await job.run()
    await scene.stage.bot.tick()


@pytest.mark.slow
async def test_a_month_that_begins_has_spent_nothing_of_the_last_one(tmp_path: Path) -> None:
    async with chained(tmp_path) as scene:
        stage, midnight = scene.stage, datetime(2026, 2, 1, tzinfo=UTC)
        stage.clock.advance(midnight - timedelta(hours=3) - stage.clock.now())
        await stage.gives_session(stage.alice, "gpu1")
        scene.is_watched_whole = True
        scene.rents(blocks=20 * DAY)
        await scene.passes(minutes=20, step=600)
        await creates(scene)
        spent = (await costs(scene, "person"))["parts"]
        mine = next(one for one in spent if one["user"] == stage.alice.id)
        left = midnight - timedelta(seconds=20) - stage.clock.now()
        await scene.passes(minutes=left.total_seconds() / 60)
        budget(scene, f"dbc = {round(float(mine['dbc']) * 1.2)}")
        await runs(scene, "budgets")
        assert "for 2026-01" in scene.told(stage.alice, "Budget research")[-1]
        before = len(scene.told(stage.alice, "Budget research"))
        stage.clock.advance(timedelta(seconds=30))
        await runs(scene, "budgets")
        assert len(scene.told(stage.alice, "Budget research")) == before
        await scene.passes(4, step=600)
        (told, *_) = scene.told(stage.alice, "Budget research")[before:]
        assert "for 2026-02" in told


@pytest.mark.slow
async def test_nobody_waits_for_the_chain_to_be_told_what_the_rules_say(scene: ChainStage) -> None:
    stage = scene.stage
    await spends(scene)
    off(stage, "late")
    stage.clock.advance(timedelta(seconds=90))  # nobody has counted for so long
    asked_before = scene.rpc[0].requests
    await stage.asks(stage.alice, "/dbc vm list")
    assert "approval" in (await stage.asks(stage.alice, LATER)).plain
    assert scene.rpc[0].requests == asked_before


@pytest.mark.slow
async def test_it_is_told_once_a_month_also_where_messages_are_kept_for_a_day(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    await spends(scene)
    before = scene.told(stage.alice, "Budget research")
    stage.clock.advance(timedelta(days=3))
    await Leftovers(stage.bot.store, stage.clock, days=1).forget()
    await scene.passes(minutes=3, step=60)
    assert scene.told(stage.alice, "Budget research") == before


@pytest.mark.slow
async def test_what_a_person_has_spent_is_the_same_in_rows_and_budget(scene: ChainStage) -> None:
    stage = scene.stage
    budget(scene, "usd = 1000000")
    await creates(scene)
    await scene.passes(minutes=2, step=60)
    stage.clock.advance(timedelta(seconds=55))  # after the last count
    told = await costs(scene, "person")
    (mine,) = [one for one in told["parts"] if one["user"] == stage.alice.id]
    (row,) = told["budgets"]
    assert (row["usd"], row["dbc"]) == (mine["usd"], mine["dbc"])


@pytest.mark.slow
async def test_a_budget_of_several_people_says_so_beside_their_rows(scene: ChainStage) -> None:
    stage = scene.stage
    both = f'person = ["{stage.alice.id}", "{stage.bob.id}"]'
    room = stage.ws.core.state.channel(CHANNEL).id
    budget(scene, "usd = 1000000", f'{both}\nchannel = "{room}"')
    await creates(scene)
    said = (await stage.asks(stage.alice, "/dbc cost person")).plain.replace("*", "")
    made = f"machines that <@{stage.alice.id}> or <@{stage.bob.id}> made in <#{room}>"
    assert f"Budget research ({made}, on any rental): " in said


async def test_a_budget_says_that_a_rental_is_missing_from_it(scene: ChainStage) -> None:
    stage = scene.stage
    budget(scene, "usd = 1000000")
    await creates(scene)
    rental = scene.chain.rentals[max(scene.chain.rentals)]
    scene.rpc[0].lies[rental.number] = {"rentStatus": "paused"}
    await scene.passes(minutes=15, step=300)
    shown = (await stage.asks(stage.alice, "/dbc cost")).plain
    (line,) = [one for one in shown.splitlines() if "Budget" in one]
    assert " DBC (incomplete) of 1,000,000 USD" in line
    assert (await costs(scene))["budgets"][0]["is_complete"] is False
    scene.rpc[0].lies.clear()
    await scene.passes(minutes=15, step=300)
    assert (await costs(scene))["budgets"][0]["is_complete"] is True
