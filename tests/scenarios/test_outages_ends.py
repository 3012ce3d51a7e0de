"""How outages end that nobody sees the end of, and machines that come and go."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sandbox.dbc.task import Libvirt, Status
from tests.scenarios.machines import off
from tests.scenarios.site import rules
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, Stage, staged
from tests.scenarios.test_outages import ON, SSH, goes_on, loses_its_port, runs_again, told
from tests.scenarios.test_sharing import shares


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path, policy=ON) as one:
        await one.gives_session(one.alice, "gpu1")
        await goes_on(one, 3)
        yield one


async def test_a_silent_node_that_nobody_has_a_session_for_any_more_has_its_last_word(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, policy=ON) as stage:
        room = stage.ws.core.state.channel(CHANNEL).id
        rules(stage, f'{ON}channel = "{room}"\n')
        for person in (stage.alice, stage.bob):
            await stage.gives_session(person, "gpu1")
        await stage.gives_session(stage.alice, "gpu2")
        await goes_on(stage, 3)
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 12)
        await stage.erases_session(stage.bob, "gpu1")
        await goes_on(stage, 3)
        dropped = "gpu1 is no longer watched, since nobody has a session for it any more."
        assert told(stage.alice, dropped) == told(stage.bob, dropped) == []
        await stage.erases_session(stage.alice, "gpu1")
        await goes_on(stage, 3)
        stage.world.faults.off()
        await goes_on(stage, 12)
        for reader, where in ((stage.alice, "@dbc"), (stage.bob, "@dbc"), (stage.carol, CHANNEL)):
            said = [one for one in reader.messages(where) if "no longer watched" in one.plain]
            (last,), (first,) = (
                said,
                [m for m in reader.messages(where) if "has not resp" in m.plain],
            )
            assert dropped in last.plain.replace("*", "")
            assert last.thread_ts == first.ts
            assert [m for m in reader.messages(where) if "responding again" in m.plain] == []
        await stage.gives_session(stage.alice, "gpu1")
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 12)
        assert len(told(stage.alice, "has not responded")) == 2


async def test_silence_that_the_rules_no_longer_have_told_has_its_last_word(stage: Stage) -> None:
    stage.world.faults.on("dead_node", node="gpu1")
    await goes_on(stage, 12)
    rules(stage, f"{CONFIRM_ONLY}[outages]\nnodes = false\n")
    await goes_on(stage, 3)
    rules(stage, ON)
    stage.world.faults.off()
    await goes_on(stage, 5)
    _, end = told(stage.alice, "not responded", "respond", "By the rules")
    assert "By the rules, silent nodes are no longer watched." in end


async def test_a_machine_that_comes_and_goes_is_told_as_that_and_not_each_time(
    stage: Stage,
) -> None:
    for _ in range(3):
        off(stage)
        await goes_on(stage, 4)
        runs_again(stage)
        await goes_on(stage, 4)
    news = told(stage.alice, "inference")
    assert ["again" in one for one in news] == [False, True, False]
    damped = "This comes and goes: the next change is told once it has lasted for 10 minutes."
    assert [damped in one for one in news] == [False, False, True]
    await stage.restart_bot()  # as another replica would, it knows what was told
    off(stage)
    await goes_on(stage, 4)
    runs_again(stage)
    await goes_on(stage, 9)
    assert len(told(stage.alice, "inference")) == 3
    await goes_on(stage, 4)
    assert "inference on gpu1 is “running” again." in told(stage.alice, "inference")[-1]
    await goes_on(stage, 60)
    off(stage)
    await goes_on(stage, 4)
    runs_again(stage)
    await goes_on(stage, 4)
    last, back = told(stage.alice, "inference")[4:]
    assert "comes and goes" not in last
    assert "again" in back


async def test_one_that_is_in_a_third_state_each_time_is_damped_as_well(stage: Stage) -> None:
    machine = stage.task("inference")
    assert machine.domain is not None
    off(stage)
    await goes_on(stage, 4)
    for status, state in 3 * [
        (Status.SLEEPING, Libvirt.SUSPENDED),
        (Status.CLOSED, Libvirt.SHUT_OFF),
    ]:
        machine.status, machine.domain.state = status, state
        await goes_on(stage, 4)
    assert len(told(stage.alice, "inference")) == 2


async def test_a_node_that_comes_and_goes_is_told_as_that(stage: Stage) -> None:
    for told_so in ("You are told when it responds again.", "you are told once it has responded"):
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 12)
        assert told_so in told(stage.alice, "respond")[-1]
        stage.world.faults.off()
        await goes_on(stage, 6)
    first, _, second = told(stage.alice, "respond")
    assert "Over: gpu1 has not responded" in first
    assert "you are told once it has responded for 10 minutes without a break" in second


async def test_an_end_is_noticed_that_another_bot_told_before_the_node_fell_silent_again(
    stage: Stage,
) -> None:
    stage.world.faults.on("dead_node", node="gpu1")
    await goes_on(stage, 12)
    async with stage.bot.store.write() as tx:  # as another replica does that was reached
        (silent,) = (await tx.outages.silences()).values()
        await tx.outages.answers([silent.node])
        await tx.outages.silent(replace(silent, since=stage.clock.now(), episode=""))
    await goes_on(stage, 6)
    first, second = told(stage.alice, "respond")
    assert "You are told when it responds again." in first
    assert "you are told once it has responded for 10 minutes without a break" in second


async def test_a_machine_that_a_silent_node_is_asked_about_again_and_again_is_one_line(
    stage: Stage,
) -> None:
    del stage.node("gpu1").tasks[stage.task("inference").task_id]
    await goes_on(stage, 1)
    stage.world.faults.on("dead_node", node="gpu1")
    with capture_logs() as logs:
        await goes_on(stage, 8)
    assert len([one for one in logs if one["event"] == "outages.not_looked_for"]) == 1


async def _is_deleted(stage: Stage) -> None:
    del stage.node("gpu1").tasks[stage.task("inference").task_id]


async def _is_deleted_by_the_bot(stage: Stage) -> None:
    await stage.asks(stage.alice, f"/dbc vm delete {stage.task('inference').task_id}")
    await stage.confirms(stage.alice, "Delete")


async def _is_off(stage: Stage) -> None:
    off(stage)


async def _has_no_session(stage: Stage) -> None:
    await stage.erases_session(stage.alice, "gpu1")


async def _rules_check_none(stage: Stage) -> None:
    rules(stage, ON)


async def _rules_watch_no_machine(stage: Stage) -> None:
    rules(stage, f"{ON}machines = false\n")


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (_is_off, "SSH of inference on gpu1 is no longer checked, since it is off."),
        (_is_deleted, "SSH of inference on gpu1 is no longer checked, since it no longer exists."),
        (_is_deleted_by_the_bot, "is no longer checked, since it no longer exists."),
        (_has_no_session, "SSH is no longer checked on gpu1, since no session shows the machine"),
        (_rules_check_none, "By the rules, SSH ports are no longer checked."),
        (_rules_watch_no_machine, "By the rules, SSH ports are no longer checked."),
    ],
)
async def test_a_dead_port_of_which_no_end_will_be_seen_has_its_last_word(
    tmp_path: Path, happens: Callable[[Stage], Awaitable[None]], words: str
) -> None:
    async with staged(tmp_path, policy=SSH) as stage:
        await loses_its_port(stage)
        await happens(stage)
        await goes_on(stage, 8)
        said = stage.alice.messages("@dbc")
        (first,) = [one for one in said if "SSH does not answer" in one.plain]
        (last,) = [one for one in said if words in one.plain.replace("*", "")]
        assert last.thread_ts == first.ts
        assert [one for one in said if "answers again" in one.plain] == []


@pytest.mark.parametrize("is_shared", [True, False])
async def test_whoever_loses_access_while_others_keep_theirs_has_a_last_word(
    stage: Stage, is_shared: bool
) -> None:
    alice, bob = stage.alice, stage.bob
    if is_shared:
        await shares(stage, "@bob")
    else:
        await stage.gives_session(bob, "gpu1")
    await goes_on(stage, 3)
    stage.world.faults.on("dead_node", node="gpu1")
    await goes_on(stage, 12)
    if is_shared:
        await stage.asks(alice, "/dbc session unshare gpu1")
    else:
        await stage.erases_session(bob, "gpu1")
        await stage.restart_bot()
    await goes_on(stage, 10)
    stage.world.faults.off()
    await goes_on(stage, 12)
    said = bob.messages("@dbc")
    (first,) = [one for one in said if "has not responded" in one.plain]
    (last,) = [one for one in said if "You are told no more of this" in one.plain]
    assert "since you have no access to gpu1 any more" in last.plain.replace("*", "")
    assert last.thread_ts == first.ts
    assert told(bob, "responding again") == told(alice, "told no more") == []
    assert len(told(alice, "responding again")) == 1
