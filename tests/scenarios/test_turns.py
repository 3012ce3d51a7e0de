"""One change of a machine at a time: the next one waits its turn, or is withdrawn."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import Bot
from bot.model import AuditKind, Execution, WatchState
from sandbox.dbc.worker import Durations
from sandbox.slack import Person, SeenMessage
from tests.scenarios.changing import NO_REVIEW
from tests.scenarios.machines import off
from tests.scenarios.replicas import Replicas, replicas
from tests.scenarios.site import NAME, approves, entries, refused_clicks, rules, site
from tests.scenarios.stage import CHANNEL, Stage

__all__ = ["replicas"]  # fixtures

IMAGE = "ubuntu-22.04-cuda-12.qcow2"
START = f"/dbc vm start {NAME}"
ADD = f"/dbc disk add {NAME} 100"
GROW = f"/dbc disk resize {NAME} vdb +50"
STARTING = '[[rule]]\nname = "one"\nmatch = {{ command = "vm.start" }}\n{}\n'
GROWING = STARTING.replace("vm.start", "disk.resize")
FREEZE = '[freeze]\npeople = { persons = ["U0CAROL"] }\n'


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Whatever is requested runs at once; the machine is off, and a new disk takes minutes."""
    async with site(tmp_path, NO_REVIEW) as one:
        await one.asks(one.alice, "/dbc vm list")
        off(one)
        one.node("gpu1").durations = Durations(add=timedelta(minutes=3))
        yield one


def card_of(stage: Stage, words: str) -> SeenMessage:
    """The newest message of the channel that has these words, as it stands now."""
    found = [m for m in stage.carol.messages(CHANNEL) if words in m.plain.replace("*", "")]
    assert found, stage.carol.screen()
    return found[-1]


async def busy(stage: Stage) -> None:
    """Alice adds a disk, which goes on for a while."""
    await stage.asks(stage.alice, ADD)
    assert stage.changes() == ["disks.add"]


async def later(stage: Stage, minutes: int = 10, *, step: int = 15) -> None:
    """Let time pass until everything is over, with a look every `step` seconds."""
    await stage.passes(step, times=minutes * 60 // step)


async def waits(stage: Stage, person: Person, line: str) -> SeenMessage:
    """Somebody requests a change, which waits; its card."""
    stage.clock.advance(timedelta(seconds=1))
    before = stage.changes()
    await stage.asks(person, line)
    assert stage.changes() == before
    return card_of(stage, "ahead of it")


async def test_the_next_change_waits_for_the_first_and_runs_then(stage: Stage) -> None:
    await busy(stage)
    seen = await waits(stage, stage.bob, GROW)
    text = seen.plain.replace("*", "")
    assert "1 change is ahead of it" in text
    assert f"Ahead: Add a data disk, requested by <@{stage.alice.id}>" in text
    assert "in progress" in text
    assert seen.buttons == ["Withdraw"]
    await later(stage)
    assert stage.changes() == ["disks.add", "disks.resize"]
    assert len(stage.endings(stage.bob)) == 1
    assert "has 50 GiB more on vdb: 150G" in stage.endings(stage.bob)[0]


async def test_slack_is_asked_in_peace_for_one_whose_turn_has_come(stage: Stage) -> None:
    await busy(stage)
    await waits(stage, stage.bob, GROW)
    stage.ws.faults.add("http_500", "users.info", times=None)
    await stage.passes(15, times=13)  # the disk is there
    asked = len(stage.ws.calls_of("users.info"))
    await stage.passes(2, times=20)
    assert 3 <= len(stage.ws.calls_of("users.info")) - asked <= 5 * 3  # each time, thrice
    stage.ws.faults.clear()
    await stage.passes(15)
    assert stage.changes() == ["disks.add", "disks.resize"]


@pytest.mark.parametrize(
    ("spoken", "shown"),
    [
        ("en", ("Disk\nvdb", "Grow by (GiB)\n50", "Reason\nfor the demo")),
        ("zh", ("磁盘\nvdb", "增加（GiB）\n50", "原因\nfor the demo")),
    ],
)
async def test_a_card_that_waits_shows_all_that_will_be_sent(
    stage: Stage, spoken: str, shown: Sequence[str]
) -> None:
    await busy(stage)
    await stage.asks(stage.bob, f"/dbc settings channel-language {spoken}")
    await stage.asks(stage.bob, f'{GROW} reason="for the demo"')
    [seen] = [m for m in stage.carol.messages(CHANNEL) if m.buttons in (["Withdraw"], ["撤回"])]
    for text in shown:
        assert text in seen.plain.replace("*", "")


async def test_the_same_request_is_answered_with_all_that_the_first_will_send(
    stage: Stage,
) -> None:
    await busy(stage)
    await waits(stage, stage.bob, GROW)
    await stage.asks(stage.carol, GROW)
    told = stage.carol.last(CHANNEL).plain.replace("*", "")
    assert "has already requested this" in told
    assert "Grow by (GiB)\n50" in told


async def test_what_was_approved_is_not_voided_by_a_change_of_other_disks_ahead(
    stage: Stage,
) -> None:
    rules(stage, NO_REVIEW + GROWING.format("approvals = 1"))
    await stage.asks(stage.bob, GROW)
    question = card_of(stage, "Grow disk vdb")
    number = (await stage.asks(stage.carol, "/dbc approval list")).plain.split("`")[1]
    await busy(stage)
    await approves(stage, stage.carol, question)
    again = await stage.asks(stage.carol, f"/dbc approval show {number}")
    for seen in (card_of(stage, "ahead of it"), again):
        assert "Grow by (GiB)\n50" in seen.plain.replace("*", "")
    await later(stage)
    assert stage.changes() == ["disks.add", "disks.resize"]
    assert "has 50 GiB more on vdb: 150G" in stage.endings(stage.bob)[-1]


async def test_its_requester_withdraws_what_waits_and_nobody_else(stage: Stage) -> None:
    await busy(stage)
    seen = await waits(stage, stage.bob, GROW)
    await stage.carol.presses("Withdraw", seen)
    await stage.quiet()
    assert "Only the requester can withdraw this." in stage.carol.last(CHANNEL).plain
    await stage.bob.presses("Withdraw", seen)
    await stage.quiet()
    ended = card_of(stage, f"<@{stage.bob.id}> withdrew “Grow a disk: ")
    assert ended.buttons == []
    await later(stage)
    assert stage.changes() == ["disks.add"]
    written = await entries(stage)
    ends = [(e.command, e.outcome) for e in written if e.kind is AuditKind.ENDED]
    assert ("disk.resize", "cancelled") in ends
    assert (stage.carol.id, "Only the requester can withdraw this.") in await refused_clicks(stage)


async def test_of_two_clicks_one_withdraws_it(stage: Stage) -> None:
    await busy(stage)
    seen = await waits(stage, stage.bob, GROW)
    await asyncio.gather(*(stage.bob.presses("Withdraw", seen) for _ in range(2)))
    await stage.quiet()
    assert "Too late: this no longer waits." in stage.bob.last(CHANNEL).plain
    await later(stage)
    assert stage.changes() == ["disks.add"]


async def test_what_waits_is_withdrawn_where_what_is_ahead_fails(stage: Stage) -> None:
    stage.node("gpu1").durations = Durations(start=timedelta(minutes=3))
    stage.node("gpu1").fail("start")
    await stage.asks(stage.alice, START)
    await waits(stage, stage.bob, GROW)
    await later(stage)
    [told] = stage.endings(stage.bob)
    assert f"“Grow a disk: {NAME} on gpu1” was refused:" in told
    assert "Start a machine, which this waited for, failed" in told
    assert stage.changes() == ["tasks.start"]


async def test_what_waits_is_withdrawn_where_the_end_of_what_is_ahead_is_unknown(
    stage: Stage,
) -> None:
    await busy(stage)
    await waits(stage, stage.bob, GROW)
    await stage.asks(stage.alice, f"/dbc watch stop {NAME}")  # nobody looks how it ends
    await later(stage)
    [told] = stage.endings(stage.bob)
    assert "Add a data disk, which this waited for, has an unknown end" in told
    assert "disks.resize" not in stage.changes()


async def test_what_got_no_answer_keeps_nobody_waiting(stage: Stage) -> None:
    stage.world.faults.on("dead_node", path="/disk/add", count=1)
    await stage.asks(stage.alice, ADD)
    await stage.asks(stage.bob, START)
    assert stage.changes()[-1] == "tasks.start"


async def test_what_helps_in_an_emergency_waits_for_nothing(stage: Stage) -> None:
    stage.node("gpu1").durations = Durations(start=timedelta(minutes=3))
    await stage.asks(stage.alice, START)
    await stage.asks(stage.carol, f"/dbc vm poweroff {NAME}")
    await stage.asks(stage.carol, f"/dbc vm reset {NAME}")
    await stage.asks(stage.carol, f"/dbc vm restart {NAME} force")
    assert stage.changes() == ["tasks.start", "tasks.poweroff", "tasks.reset", "tasks.restart"]


@pytest.mark.slow
async def test_a_deletion_waits_for_no_creation(stage: Stage) -> None:
    stage.node("gpu1").durations = Durations(lease=timedelta(minutes=50))
    line = f"name=oops image={IMAGE} gpu=0 mem=4 cpu=2 disk=10"
    await stage.asks(stage.alice, f"/dbc vm create {line} node=gpu1")
    await later(stage, 1)
    await waits(stage, stage.carol, "/dbc vm restart oops")  # in vain, and so nothing to wait for
    stage.clock.advance(timedelta(seconds=1))
    await stage.asks(stage.bob, "/dbc vm delete oops")
    assert stage.changes() == ["tasks.create", "tasks.delete"]
    await later(stage, 70, step=60)
    assert "oops on gpu1 no longer exists" in stage.endings(stage.alice)[-1]
    assert "oops is deleted on gpu1" in stage.endings(stage.bob)[-1]
    assert "“Restart oops on gpu1” was refused:" in stage.endings(stage.carol)[-1]
    assert stage.changes() == ["tasks.create", "tasks.delete"]
    assert all(task.desc != "oops" for task in stage.node("gpu1").tasks.values())


async def test_a_restart_without_force_waits(stage: Stage) -> None:
    stage.node("gpu1").durations = Durations(start=timedelta(minutes=3))
    await stage.asks(stage.alice, START)
    seen = await waits(stage, stage.carol, f"/dbc vm restart {NAME}")
    assert (
        "In an emergency `/dbc vm poweroff` and `/dbc vm restart … force` do not wait."
        in seen.plain
    )
    await later(stage)
    assert stage.changes() == ["tasks.start", "tasks.restart"]


async def test_broken_glass_waits_for_nothing_and_nothing_is_done_twice(stage: Stage) -> None:
    carols = 'reason = ".+"\nbreak_glass = { persons = ["U0CAROL"] }'
    rules(stage, NO_REVIEW + STARTING.format(carols))
    await busy(stage)
    await waits(stage, stage.bob, f'{START} reason="for the demo"')
    await stage.asks(stage.carol, f'{START} reason="now" break_glass="nobody can work"')
    assert stage.changes() == ["disks.add", "tasks.start"]
    await later(stage)
    told = stage.endings(stage.bob)[-1]
    assert f"<@{stage.carol.id}> had the same done meanwhile." in told
    assert stage.changes() == ["disks.add", "tasks.start"]


async def test_approval_is_asked_for_at_once_and_then_it_waits(stage: Stage) -> None:
    rules(stage, NO_REVIEW + STARTING.format("approvals = 1"))
    await busy(stage)
    await stage.asks(stage.bob, START)
    question = card_of(stage, f"Start {NAME}")
    assert "Approve" in question.buttons
    await approves(stage, stage.carol, question)
    assert stage.changes() == ["disks.add"]
    seen = card_of(stage, "ahead of it")
    assert seen.ts == question.ts
    assert seen.buttons == ["Withdraw"]
    assert f"approved by <@{stage.carol.id}>" in seen.plain
    await later(stage)
    assert stage.changes() == ["disks.add", "tasks.start"]


async def test_what_was_approved_is_compared_again_when_its_turn_has_come(stage: Stage) -> None:
    rules(stage, NO_REVIEW + GROWING.format("approvals = 1"))
    await stage.asks(stage.bob, GROW)
    question = card_of(stage, "Grow disk vdb")
    await busy(stage)
    await approves(stage, stage.carol, question)
    assert stage.changes() == ["disks.add"]
    stage.task(NAME).disks["vdb"].size *= 2  # somebody else has been at it
    await later(stage)
    assert stage.changes() == ["disks.add"]
    [told] = stage.endings(stage.bob)
    assert "Changed since it was shown" in told


async def test_nothing_is_carried_out_late(stage: Stage) -> None:
    stage.node("gpu1").durations = Durations(add=timedelta(hours=3))
    await busy(stage)
    await stage.passes(30 * 60)
    await waits(stage, stage.bob, GROW)
    async with stage.bot.store.write() as tx:  # it is followed for longer than Bob's may wait
        [watch] = await tx.watches.open()
        longer = replace(watch, deadline_at=watch.deadline_at + timedelta(hours=3))
        await tx.watches.settle(watch.id, WatchState.STOPPED, watch.status)
        await tx.watches.add(replace(longer, id="longer"))
    await later(stage, 62, step=60)
    [told] = stage.endings(stage.bob)
    assert "was busy with other changes for too long" in told
    await later(stage, 180, step=60)
    assert stage.changes() == ["disks.add"]


async def test_a_restart_of_the_bot_forgets_nothing_that_waits(stage: Stage) -> None:
    await busy(stage)
    await waits(stage, stage.bob, GROW)
    await stage.restart_bot()
    await later(stage)
    assert stage.changes() == ["disks.add", "disks.resize"]
    assert len(stage.endings(stage.bob)) == 1


@pytest.mark.slow
async def test_who_floods_a_machine_keeps_others_waiting_for_one(stage: Stage) -> None:
    await busy(stage)
    for size in (10, 20, 30):
        await waits(stage, stage.alice, f"/dbc disk add {NAME} {size}")
    await waits(stage, stage.bob, GROW)
    await later(stage, 20)
    assert stage.changes() == ["disks.add", "disks.resize", *["disks.add"] * 3]


async def test_the_same_request_joins_one_that_waits(stage: Stage) -> None:
    await busy(stage)
    await waits(stage, stage.bob, GROW)
    stage.clock.advance(timedelta(minutes=1))
    await stage.asks(stage.carol, GROW)
    told = stage.carol.last(CHANNEL).plain
    assert "has already requested this" in told
    assert "It waits for another change of the machine." in told
    await later(stage)
    assert stage.changes() == ["disks.add", "disks.resize"]


async def test_a_change_of_a_machine_that_was_deleted_meanwhile_is_not_sent(stage: Stage) -> None:
    stage.node("gpu1").durations = Durations(delete=timedelta(minutes=3))
    await stage.asks(stage.alice, f"/dbc vm delete {NAME}")
    await waits(stage, stage.bob, GROW)
    await later(stage)
    [told] = stage.endings(stage.bob)
    assert "The machine was deleted." in told
    assert stage.changes() == ["tasks.delete"]


async def test_other_machines_wait_for_nothing(stage: Stage) -> None:
    await busy(stage)
    other = next(t for t in stage.node("gpu1").tasks.values() if t.desc != NAME)
    await stage.asks(stage.bob, f"/dbc vm restart {other.task_id}")
    assert stage.changes() == ["disks.add", "tasks.restart"]


async def test_a_name_waits_for_nothing(stage: Stage) -> None:
    await busy(stage)
    await stage.asks(stage.bob, f"/dbc vm name {NAME} chat")
    assert "ahead of it" not in stage.bob.last(CHANNEL).plain


async def test_a_freeze_holds_what_waits(stage: Stage) -> None:
    rules(stage, NO_REVIEW + FREEZE)
    await busy(stage)
    await waits(stage, stage.bob, GROW)
    await stage.asks(stage.carol, "/dbc freeze maintenance")
    await later(stage)
    assert stage.changes() == ["disks.add"]
    assert "All changes have been frozen since" in stage.endings(stage.bob)[0]


async def test_of_several_replicas_one_goes_on_and_once(replicas: Replicas) -> None:
    stage = replicas.stage
    rules_of = stage.data / "policy.toml"
    rules_of.write_text(NO_REVIEW, encoding="utf-8")
    for bot in replicas.bots:
        bot.reload_policy()
    people = await replicas.clickers()
    off(stage)
    stage.node("gpu1").durations = Durations(add=timedelta(seconds=20))
    await replicas.asks(stage.alice, "/dbc vm list")
    lines = [f"/dbc disk add {NAME} {10 + number}" for number in range(len(people))]
    typing = zip(people, lines, strict=True)
    await asyncio.gather(*(person.types(line, CHANNEL) for person, line in typing))
    await replicas.quiet()
    assert stage.changes() == ["disks.add"]
    for bot in replicas.bots:
        assert len(await waiting(bot)) == len(people) - 1
    for _ in range(20 * len(people)):
        await replicas.pass_(15)
        if all(stage.endings(person) for person in people):
            break
        async with stage.bot.store.read() as tx:
            at_work = [e for e in await tx.executions.unfinished() if e.started_at]
        assert len(at_work) <= 1
    await replicas.pass_(60)
    assert stage.changes() == ["disks.add"] * len(people)
    for person in people:
        assert len(stage.endings(person)) == 1


async def waiting(bot: Bot) -> list[Execution]:
    """What waits for its turn, as one replica sees it."""
    async with bot.store.read() as tx:
        return await tx.turns.waiting()


@pytest.mark.parametrize("how_long", [30, 300])
async def test_what_a_dead_process_held_goes_on_once(stage: Stage, how_long: int) -> None:
    """It died while it let Bob's wait, or when it had just claimed it to go on."""
    await busy(stage)
    await waits(stage, stage.bob, GROW)
    [one] = await waiting(stage.bot)
    stage.clock.advance(timedelta(seconds=31))  # the lease of this process is over
    now = stage.clock.now()
    until = now + timedelta(seconds=how_long)
    async with stage.bot.store.write() as tx:
        assert await tx.turns.put_off(one.id, "a process that died", now, until, one.behind)
    await stage.restart_bot()
    await later(stage, 15)
    assert stage.changes() == ["disks.add", "disks.resize"]
    assert len(stage.endings(stage.bob)) == 1


async def test_what_waits_is_listed_with_what_is_ahead_of_it(stage: Stage) -> None:
    await busy(stage)
    await waits(stage, stage.bob, GROW)
    for person in (stage.bob, stage.alice):
        listed = await stage.asks(person, "/dbc approval list")
        text = listed.plain.replace("*", "")
        assert listed.ephemeral
        assert "Waiting for other changes of the machine" in text
        assert f"Grow a disk: {NAME} on gpu1 · requested by <@{stage.bob.id}>" in text
        assert f"Ahead: Add a data disk, requested by <@{stage.alice.id}>" in text
    elsewhere = await stage.asks(stage.alice, "/dbc approval list", "@dbc")
    assert "No pending approvals." in elsewhere.plain
    data = (await stage.asks(stage.bob, "/dbc approval list --json")).plain
    assert '"status": "waiting_for_turn"' in data
    assert '"command": "disk add"' in data
    await later(stage)
    assert "No pending approvals." in (await stage.asks(stage.bob, "/dbc approval list")).plain


async def test_what_waits_on_a_hidden_node_is_not_listed(stage: Stage) -> None:
    await busy(stage)
    await waits(stage, stage.bob, GROW)
    match = f'{{ command = "vm.list", node = "{stage.node("gpu1").node_id}" }}'
    deny = f'[[rule]]\nname = "hidden"\nmatch = {match}\ndeny = "Not yours."\n'
    rules(stage, NO_REVIEW + deny)
    assert "No pending approvals." in (await stage.asks(stage.alice, "/dbc approval list")).plain


async def test_a_home_shows_what_waits_and_withdraws_it(stage: Stage) -> None:
    await busy(stage)
    await waits(stage, stage.bob, GROW)
    await stage.alice.opens_home()
    hers = await stage.alice.sees_home("In progress")
    assert "Waiting for other changes" not in hers.plain
    await stage.bob.opens_home()
    home = await stage.bob.sees_home("Waiting for other changes of the machine")
    assert f"Ahead: Add a data disk, requested by <@{stage.alice.id}>" in home.plain.replace(
        "*", ""
    )
    await stage.bob.presses("Withdraw", on_home=True)
    await stage.quiet()
    card_of(stage, f"<@{stage.bob.id}> withdrew “Grow a disk: ")
    await later(stage)
    assert stage.changes() == ["disks.add"]


async def test_a_dry_run_says_that_it_would_wait_and_behind_what(stage: Stage) -> None:
    alone = await stage.asks(stage.bob, f"{START} --dry-run")
    assert "None: it would run at once." in alone.plain
    await busy(stage)
    ahead = f"Ahead: Add a data disk, requested by <@{stage.alice.id}>"
    told = (await stage.asks(stage.bob, f"{START} --dry-run")).plain.replace("*", "")
    assert "None: it would run when its turn comes." in told
    assert f"It would wait for other changes of the machine:\n{ahead}" in told
    assert "POST /api/v1/tasks/start/" in told
    # Of a machine at work this cannot be said yet: the other disk is still being added.
    unread = (await stage.asks(stage.bob, f"{GROW} --dry-run")).plain.replace("*", "")
    assert f"It would wait for other changes of the machine:\n{ahead}" in unread
    assert "The machine is looked at when its turn comes." in unread
    assert "would be refused" not in unread
    urgent = await stage.asks(stage.bob, f"/dbc vm poweroff {NAME} --dry-run")
    assert "It would wait" not in urgent.plain
    rules(stage, NO_REVIEW + STARTING.format("approvals = 1"))
    asked = (await stage.asks(stage.bob, f"{START} --dry-run")).plain.replace("*", "")
    assert "1 approval needed" in asked
    assert ahead in asked
    assert stage.changes() == ["disks.add"]


async def test_a_dry_run_knows_who_gets_past_and_who_has_no_room(stage: Stage) -> None:
    glass = 'approvals = 1\nbreak_glass = { persons = ["U0CAROL"] }'
    rules(stage, NO_REVIEW + "[limits]\nwaiting = 1\n" + STARTING.format(glass))
    await busy(stage)
    broken = await stage.asks(stage.carol, f'{START} break_glass="now" --dry-run')
    assert "It would run at once, be announced" in broken.plain
    assert "It would wait" not in broken.plain
    await waits(stage, stage.bob, GROW)
    told = await stage.asks(stage.bob, f"/dbc disk add {NAME} 50 --dry-run")
    assert "“Add a data disk” would be refused. 1 change of yours is waiting" in told.plain
    assert "It would wait" not in told.plain
