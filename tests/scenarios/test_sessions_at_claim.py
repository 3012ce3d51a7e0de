"""With whose session something is sent is decided as it is sent, whatever was known before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from bot.ids import NodeId, UserId
from bot.model import DbcSession
from sandbox.dbc.demo import demo_renter
from sandbox.slack import SeenMessage
from tests.scenarios.metal import slot
from tests.scenarios.site import DELETE, approves, asked, now, site, told
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.stored import alter
from tests.scenarios.test_rules_at_the_run import rule

NONE_LEFT = "You have no session for gpu1"


@asynccontextmanager
async def about_to_be_sent(stage: Stage) -> AsyncIterator[SeenMessage]:
    """Bob's request is approved by Carol, all that it is held against is read; then it is sent."""
    question = await asked(stage, DELETE, stage.bob)
    reads = len(stage.world.calls.of("snapshots.list"))
    await stage.carol.presses("Approve", question)
    await stage.world.calls.wait("snapshots.list", count=reads + 1)
    # What was shown is compared. That Carol may approve is the last thing that is asked for.
    stage.ws.faults.add("slow", "users.info", late=1)
    await stage.ws.until(lambda: stage.ws.core.late)
    yield question
    stage.clock.advance(timedelta(seconds=1))
    await stage.quiet()


async def test_a_share_taken_back_as_it_is_sent_counts(tmp_path: Path) -> None:
    """That the same session is shared with somebody else still is no right of Bob's."""
    async with site(tmp_path, rule("approvals = 1"), entitled="alice carol") as stage:
        for who in ("@bob", "@carol"):
            await stage.asks(stage.alice, f"/dbc session share gpu1 with {who}")
        async with about_to_be_sent(stage) as question:
            await stage.alice.types("/dbc session unshare gpu1 with @bob", channel=CHANNEL)
            await stage.alice.sees("no longer shares", CHANNEL)
        assert stage.changes() == []
        assert NONE_LEFT in now(stage, question).plain
        assert told(stage.bob, NONE_LEFT)


async def test_a_session_erased_as_it_is_sent_is_replaced_by_nobodys(tmp_path: Path) -> None:
    """Others have a session for the node; Bob's own is erased."""
    async with site(tmp_path, rule("approvals = 1")) as stage:
        async with about_to_be_sent(stage) as question, stage.bot.store.write() as tx:
            await tx.sessions.remove(UserId(stage.bob.id), NodeId(stage.node("gpu1").node_id))
        assert stage.changes() == []
        assert NONE_LEFT in now(stage, question).plain


async def test_a_session_that_nobody_approved_is_not_used(tmp_path: Path) -> None:
    """Bob erases his own, and Alice shares hers with him."""
    async with site(tmp_path, rule("approvals = 1"), entitled="alice bob carol") as stage:
        async with about_to_be_sent(stage) as question:
            await swapped(stage)
        await stage.passes(15, times=6)
        assert stage.changes() == []
        ended = now(stage, question).plain
        assert f"the session is now of <@{stage.alice.id}>, not of <@{stage.bob.id}>" in ended
        assert told(stage.bob, "Changed since it was shown")


async def test_what_ends_with_its_answer_is_not_sent_with_another_session_either(
    tmp_path: Path,
) -> None:
    """A boot device, which no watch follows."""
    boot = rule("approvals = 1").replace("vm.delete", "metal.boot")
    async with site(tmp_path, boot) as stage:
        machine, services = slot(stage), stage.bot._services
        await services.inventory.refresh_nodes()
        pair = machine.session_for(demo_renter())
        for person in (stage.alice, stage.bob, stage.carol):
            user, node = UserId(person.id), NodeId(machine.node_id)
            await services.sessions.add(DbcSession(user, node, *pair))
        question = await asked(stage, f"/dbc metal boot pxe {machine.node_id}", stage.bob)
        stage.ws.faults.add("slow", "users.info", late=1)
        await stage.carol.presses("Approve", question)
        await stage.ws.until(lambda: stage.ws.core.late)
        await swapped(stage, machine.node_id)
        stage.clock.advance(timedelta(seconds=1))
        await stage.quiet()
        await stage.passes(15, times=6)
        assert stage.changes() == []
        assert "the session is now of" in now(stage, question).plain


async def test_another_session_of_the_same_person_is_not_used(tmp_path: Path) -> None:
    """Bob replaces the pair that was to be sent, for the same node and of the same wallet."""
    async with site(tmp_path, rule("approvals = 1")) as stage:
        question = await asked(stage, DELETE, stage.bob)
        await stage.passes(60)
        await stage.gives_session(stage.bob, "gpu1")
        await approves(stage, stage.carol, question)
        assert stage.changes() == []
        assert "Changed since it was shown: another session was added" in now(stage, question).plain


async def test_what_a_former_version_asked_is_sent_with_the_session_it_showed(
    tmp_path: Path,
) -> None:
    """It did not note when the session was added."""
    async with site(tmp_path, rule("approvals = 1")) as stage:
        question = await asked(stage, DELETE, stage.bob)
        shown = "json_set(shown, '$.session', ?)"
        alter(stage, f"UPDATE approvals SET shown = {shown}", stage.bob.id)
        await approves(stage, stage.carol, question)
        assert stage.changes() == ["tasks.delete"]


async def swapped(stage: Stage, node: str = "gpu1") -> None:
    """Bob's session for a node is erased, and Alice shares hers with him."""
    at = stage.node("gpu1").node_id if node == "gpu1" else node
    async with stage.bot.store.write() as tx:
        await tx.sessions.remove(UserId(stage.bob.id), NodeId(at))
    # Of Carol, who has approved, Slack is asked already: her line would wait for that answer.
    await stage.alice.types(f"/dbc session share {node} with @bob", channel=CHANNEL)
    await stage.alice.sees("shares their session", CHANNEL)
