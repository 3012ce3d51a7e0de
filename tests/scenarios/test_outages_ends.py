"""How outages end that nobody sees the end of, and machines that come and go."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.ids import NodeId
from bot.model import Silence
from sandbox.dbc.demo import demo_renter
from sandbox.dbc.task import Libvirt, Status
from sandbox.slack import SeenMessage
from tests.scenarios.machines import off
from tests.scenarios.site import rules
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, Stage, staged
from tests.scenarios.test_outages import ON, goes_on, news, runs_again, told
from tests.scenarios.test_outages_ports import SSH, loses_its_port
from tests.scenarios.test_sharing import shares


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path, policy=ON) as one:
        await one.gives_session(one.alice, "gpu1")
        await goes_on(one, 3)
        yield one


@pytest.mark.slow
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
        dropped = "*gpu1* is no longer watched, since nobody has a session for it any more."
        assert told(stage.alice, "no longer watched") == told(stage.bob, "no longer watched") == []
        await stage.erases_session(stage.alice, "gpu1")
        await goes_on(stage, 3)
        stage.world.faults.off()
        await goes_on(stage, 12)
        for reader, where in ((stage.alice, "@dbc"), (stage.bob, "@dbc"), (stage.carol, CHANNEL)):
            (first,) = [m for m in reader.messages(where) if "has not resp" in m.plain]
            assert [m for m in below(first, reader.messages(where)) if dropped in m.plain]
            is_unwatched(first.plain)
            assert [m for m in reader.messages(where) if "responding again" in m.plain] == []
        await stage.gives_session(stage.alice, "gpu1")
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 12)
        assert len(told(stage.alice, "has not responded")) == 2


@pytest.mark.slow
async def test_silence_that_the_rules_no_longer_have_told_has_its_last_word(stage: Stage) -> None:
    stage.world.faults.on("dead_node", node="gpu1")
    await goes_on(stage, 12)
    rules(stage, f"{CONFIRM_ONLY}[outages]\nnodes = false\n")
    await goes_on(stage, 3)
    rules(stage, ON)
    stage.world.faults.off()
    await goes_on(stage, 5)
    alarm, end = told(stage.alice, "not responded", "respond", "By the rules")
    is_unwatched(alarm)
    assert "By the rules, silent nodes are no longer watched." in end


@pytest.mark.slow
async def test_a_machine_that_comes_and_goes_is_told_as_that_and_not_each_time(
    stage: Stage,
) -> None:
    for _ in range(3):
        off(stage)
        await goes_on(stage, 4)
        runs_again(stage)
        await goes_on(stage, 4)
    news = told(stage.alice, "inference")
    assert ["again" in one for one in news] == [True, True, False]
    assert ["Before: Outside this bot" in one for one in news] == [True, False, False]
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


@pytest.mark.slow
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


@pytest.mark.slow
async def test_a_node_that_comes_and_goes_is_told_as_that(stage: Stage) -> None:
    for told_so in ("You are told when it responds again.", "you are told once it has responded"):
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 12)
        assert told_so in told(stage.alice, "respond")[-1]
        stage.world.faults.off()
        await goes_on(stage, 6)
    first, _, second = told(stage.alice, "respond")
    assert "Before: gpu1 has not responded" in first
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


async def test_a_silent_node_does_not_respond_again_while_no_daemon_can_be_reached(
    stage: Stage,
) -> None:
    stage.machine.looks_take = timedelta(microseconds=1)
    await goes_on(stage, 1)
    stage.world.faults.on("dead_node", node="gpu1")
    await goes_on(stage, 12)
    await stage.daemon.stop()
    await goes_on(stage, 15)
    silent, unreachable = news(stage.alice)
    assert silent.startswith(":warning: gpu1 has not responded since")
    assert "No DBC daemon has been reachable since" in unreachable
    stage.world.faults.off()
    await stage.daemon.start()
    await goes_on(stage, 12)
    assert len([one for one in news(stage.alice) if "gpu1 is responding again" in one]) == 2


async def test_what_answered_before_another_bot_noticed_a_silence_is_not_back(
    stage: Stage,
) -> None:
    silent = Silence(NodeId(stage.node("gpu1").node_id), stage.clock.now(), "")
    stage.world.faults.on("dead_node", node="gpu1")
    async with stage.bot.store.write() as tx:
        await tx.outages.silent(silent)
    await goes_on(stage, 1)
    told_since = silent.since - timedelta(minutes=1)  # its last answer, as far as that one knows
    async with stage.bot.store.write() as tx:
        await tx.outages.told(replace(silent, since=told_since, episode="elsewhere"))
    await goes_on(stage, 1)
    async with stage.bot.store.read() as tx:
        assert silent.node in await tx.outages.silences()


async def test_a_machine_that_a_silent_node_is_asked_about_again_and_again_is_one_line(
    stage: Stage,
) -> None:
    del stage.node("gpu1").tasks[stage.task("inference").task_id]
    await goes_on(stage, 1)
    stage.world.faults.on("dead_node", node="gpu1")
    with capture_logs() as logs:
        await goes_on(stage, 8)
    assert len([one for one in logs if one["event"] == "outages.not_looked_for"]) == 1


def below(alarm: SeenMessage, said: Sequence[SeenMessage]) -> list[SeenMessage]:
    """What was said in the thread of an alarm."""
    return [one for one in said if one.thread_ts == alarm.ts and one.ts != alarm.ts]


def is_unwatched(alarm: str) -> None:
    """It may still be so, and nobody looks: the alarm says neither that it is over nor offers."""
    assert alarm.startswith("No longer watched: ")
    for gone in ("You are told when", "Ask gpu1", "Notify me of ends only"):
        assert gone not in alarm


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
        is_over = "since it " in words
        last = next(one for one in said if words in one.plain.replace("*", "") and one != first)
        assert last.thread_ts == first.ts
        if is_over:
            assert words in first.plain.replace("*", "").split("\n")[0]
        else:
            is_unwatched(first.plain)
        assert [one for one in said if "answers again" in one.plain] == []


@pytest.mark.slow
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
    no_more = "You are told no more of this, since you have no access to *gpu1* any more."
    (last,) = below(first, said)
    assert no_more in last.plain
    is_unwatched(first.plain)
    assert not first.buttons
    assert told(bob, "responding again") == told(alice, "told no more") == []
    alarm, end = told(alice, "responding again")
    assert "Before: gpu1 has not responded since" in alarm
    assert "Before" not in end


@pytest.mark.slow
async def test_an_alarm_that_is_over_before_it_is_posted_is_posted_as_over(stage: Stage) -> None:
    stage.ws.faults.add("http_500", "chat.postMessage", times=None)
    stage.world.faults.on("dead_node", node="gpu1")
    await goes_on(stage, 12)
    stage.world.faults.off()
    await goes_on(stage, 6)
    assert told(stage.alice, "respond") == []
    stage.ws.faults.clear()
    await goes_on(stage, 20)
    first, back = [one for one in stage.alice.messages("@dbc") if "respond" in one.plain]
    assert "gpu1 is responding again" in first.plain.replace("*", "")
    assert "Ask gpu1 again now" not in first.plain
    assert back.thread_ts == first.ts


@pytest.mark.slow
async def test_an_alarm_that_cannot_be_read_any_more_stops_no_telling(stage: Stage) -> None:
    stage.world.faults.on("dead_node", node="gpu1")
    await goes_on(stage, 12)
    async with stage.bot.store.write() as tx:  # as another version has written it
        (silent,) = (await tx.outages.silences()).values()
        key = f"outage:{silent.episode}.{stage.alice.id}"
        alarm = await tx.messages.find(key)
        assert alarm is not None
        await tx.messages.put(key, alarm.place, '{"parts": 1}', stage.clock.now())
    stage.world.faults.off()
    await goes_on(stage, 12)
    assert "gpu1 is responding again." in told(stage.alice, "responding again")[-1]


@pytest.mark.slow
async def test_whoever_sees_a_part_of_it_is_told_that_their_part_is_over(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=ON) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.gives_session(stage.bob, "gpu1", "gpu2")
        await goes_on(stage, 3)
        for node in ("gpu1", "gpu2"):
            stage.world.faults.on("dead_node", node=node)
        await goes_on(stage, 12)
        assert len(told(stage.bob, "2 nodes are not responding")) == 1
        stage.world.faults.off()
        stage.world.faults.on("dead_node", node="gpu2")
        await goes_on(stage, 12)
        assert told(stage.alice, "not responded")[0].startswith(
            ":white_check_mark: gpu1 is responding again."
        )
        assert told(stage.bob, "2 nodes")[0].startswith(":warning: 2 nodes are not responding.")
        stage.world.faults.off()
        await goes_on(stage, 12)
        (closed,) = told(stage.bob, "2 nodes")
        assert closed.startswith(":white_check_mark: gpu2 is responding again.")
        assert "\ngpu1 is responding again. It was silent since" in closed
        assert ":warning:" not in closed
        assert "Ask gpu1 again now" not in closed
        assert len(told(stage.alice, "gpu1")) == 2


@pytest.mark.slow
async def test_an_alarm_says_of_each_of_its_nodes_how_that_ended(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=ON) as stage:
        await stage.gives_session(stage.alice, "gpu1", "gpu2")
        await goes_on(stage, 3)
        for node in ("gpu1", "gpu2"):
            stage.world.faults.on("dead_node", node=node)
        await goes_on(stage, 12)
        stage.world.faults.off()
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 12)
        (alarm,) = told(stage.alice, "2 nodes")
        assert alarm.startswith(":warning: 2 nodes are not responding.")
        assert ":small_blue_diamond: gpu2 is responding again. It was silent since" in alarm
        await stage.erases_session(stage.alice, "gpu1")
        await goes_on(stage, 3)
        (closed,) = told(stage.alice, "2 nodes")
        assert closed.startswith("gpu1 is no longer watched, since nobody has a session for it")
        assert "\ngpu2 is responding again. It was silent since" in closed
        assert "Before: 2 nodes are not responding." in closed
        assert told(stage.alice, "No longer watched") == []


async def test_whoever_is_told_of_a_part_reads_that_nobody_watches_their_part(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, policy=ON) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.gives_session(stage.bob, "gpu1", "gpu2")
        await goes_on(stage, 3)
        for node in ("gpu1", "gpu2"):
            stage.world.faults.on("dead_node", node=node)
        await goes_on(stage, 12)
        await stage.erases_session(stage.bob, "gpu1")
        await stage.erases_session(stage.alice, "gpu1")
        await goes_on(stage, 3)
        (closed,) = told(stage.alice, "not responded")
        assert closed.startswith("No longer watched: gpu1 has not responded since")
        (open_still,) = told(stage.bob, "2 nodes")
        assert open_still.startswith(":warning: 2 nodes are not responding.")
        assert ":small_blue_diamond: gpu1 is no longer watched" in open_still


async def test_an_alarm_about_several_machines_keeps_no_menu_once_it_is_over(
    stage: Stage,
) -> None:
    machines = [stage.node("gpu1").running_task(demo_renter(), desc=f"m{one}") for one in range(2)]
    await goes_on(stage, 3)
    for machine in machines:
        off(stage, machine.desc)
    await goes_on(stage, 5)
    (alarm,) = (one for one in stage.alice.messages("@dbc") if "2 machines on" in one.plain)
    assert _menus(alarm)
    for machine in machines:
        assert machine.domain is not None
        machine.status, machine.domain.state = Status.RUNNING, Libvirt.RUNNING
    await goes_on(stage, 5)
    closed, _ = (one for one in stage.alice.messages("@dbc") if "again as they were" in one.plain)
    assert "Before: 2 machines on gpu1 were changed outside this bot." in closed.plain.replace(
        "*", ""
    )
    assert "m0 is now “off”" in closed.plain.replace("*", "")
    assert _menus(closed) == []


def _menus(alarm: SeenMessage) -> list[object]:
    """What can be clicked there: buttons, and what stands beside a line."""
    return [one for one in alarm.blocks if one["type"] == "actions" or "accessory" in one]


async def test_whoever_loses_access_to_a_machine_that_is_off_has_a_last_word(stage: Stage) -> None:
    alice, bob = stage.alice, stage.bob
    await stage.asks(alice, "/dbc session share gpu1 with @bob")
    await goes_on(stage, 3)
    off(stage)
    await goes_on(stage, 5)
    assert len(told(bob, "Outside this bot")) == len(told(alice, "Outside this bot")) == 1
    await stage.asks(alice, "/dbc session unshare gpu1")
    await goes_on(stage, 5)
    assert len(told(bob, "since you have no access to gpu1 any more")) == 1
    assert len(told(bob, "No longer watched: Outside this bot")) == 1
    assert told(alice, "no access") == []
    runs_again(stage)
    await goes_on(stage, 5)
    assert len(told(alice, "again")) >= 1
    assert told(bob, "is “running” again") == []


@pytest.mark.parametrize("then", ["sleeps", "is gone"])
async def test_an_alarm_is_over_once_another_one_tells_more_of_its_machine(
    stage: Stage, then: str
) -> None:
    machine = stage.task("inference")
    assert machine.domain is not None
    off(stage)
    await goes_on(stage, 4)
    if then == "sleeps":
        machine.status, machine.domain.state = Status.SLEEPING, Libvirt.SUSPENDED
    else:
        del stage.node("gpu1").tasks[machine.task_id]
    await goes_on(stage, 16)
    first, second = told(stage.alice, "inference")
    assert "inference is now “off” (before: “running”)." in first
    assert not first.startswith(":warning:")
    assert "Start" not in first
    assert second.startswith(":warning: Outside this bot, on gpu1: inference")


async def test_an_alarm_about_a_machine_that_the_bot_changes_since_is_over(stage: Stage) -> None:
    alice = stage.alice
    off(stage)
    await goes_on(stage, 3)
    await stage.asks(alice, "/dbc vm start inference")
    await goes_on(stage, 3)
    (alarm,) = (one for one in alice.messages("@dbc") if "Before: Outside" in one.plain)
    assert "inference on gpu1 is “running” again." in alarm.plain.replace("*", "")
    assert _menus(alarm) == []
    off(stage)
    await goes_on(stage, 15)
    assert len(told(alice, "Outside this bot, on gpu1: inference is now “off”")) == 2
    await stage.asks(alice, "/dbc vm delete inference")
    await stage.confirms(alice, "Delete")
    await goes_on(stage, 3)
    ends = told(alice, "inference on gpu1 no longer exists.")
    assert len(ends) == 2, ends  # in the thread, and at the head of the alarm
    assert not any(_menus(one) for one in alice.messages("@dbc") if "Outside" in one.plain)
