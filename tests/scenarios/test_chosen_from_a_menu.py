"""Forms offer in words what has a number, and none opens where there is nothing to choose."""

from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.slack import Person
from tests.scenarios.in_chinese import assert_chinese, reads_chinese
from tests.scenarios.machines import off
from tests.scenarios.orders import DAY, chained
from tests.scenarios.site import site
from tests.scenarios.stage import CHANNEL, Stage

DELETES = "Delete inference on gpu1"


async def opens(stage: Stage, person: Person, line: str, title: str) -> None:
    await person.types(f"/dbc {line}", channel=CHANNEL)
    await person.sees_modal(title)
    await stage.quiet()


async def test_an_approval_is_shown_from_a_menu_of_what_waits(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.gives_sessions([(stage.alice, "gpu1"), (stage.bob, "gpu1")])
        await stage.asks(stage.alice, "/dbc vm delete inference")
        await opens(stage, stage.bob, "approval show", "Show an approval")
        assert await stage.bob.suggests("Approval", "") == [DELETES]
        await stage.bob.submits({"Approval": DELETES})
        await stage.quiet()
        assert "Approve" in stage.bob.last(CHANNEL).buttons
        assert stage.bob.last(CHANNEL).ephemeral


async def test_a_menu_is_in_its_readers_language(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, "/dbc vm delete inference")
        await reads_chinese(stage)
        await stage.alice.types("/dbc 审批 撤回", CHANNEL)
        await stage.quiet()
        assert await stage.alice.suggests("审批", "") == ["删除 gpu1 上的 inference"]
        await stage.alice.closes()
        told = await stage.asks(stage.bob, "/dbc 审批 撤回")
        assert_chinese(told.plain)


async def test_a_request_is_withdrawn_from_a_menu_of_ones_own(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.gives_sessions([(stage.alice, "gpu1"), (stage.bob, "gpu1")])
        await stage.asks(stage.bob, "/dbc vm restart inference")
        await stage.asks(stage.alice, "/dbc vm delete inference")
        await opens(stage, stage.alice, "approval cancel", "Withdraw a request")
        assert await stage.alice.suggests("Approval", "") == [DELETES]
        await stage.alice.submits({"Approval": DELETES})
        await stage.quiet()
        assert "You withdrew your request" in stage.alice.last(CHANNEL).plain


async def test_a_vote_is_withdrawn_from_a_menu_of_what_was_voted_on(tmp_path: Path) -> None:
    async with site(tmp_path, "[defaults]\ndestroy = { approvals = 2 }\n") as stage:
        people = stage.alice, stage.bob, stage.carol
        await stage.gives_sessions((one, "gpu1") for one in people)
        question = await stage.asks(stage.alice, "/dbc vm delete inference")
        await stage.bob.presses("Approve", question)
        await stage.quiet()
        await opens(stage, stage.bob, "approval withdraw", "Withdraw vote/request")
        assert await stage.bob.suggests("Approval", "") == [DELETES]
        await stage.bob.submits({"Approval": DELETES})
        await stage.quiet()
        assert "withdrew your vote" in stage.bob.last(CHANNEL).plain.lower()


async def test_a_request_is_over_before_its_expiry_is_written(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        alice = stage.alice
        await stage.gives_session(alice, "gpu1")
        await stage.asks(alice, "/dbc vm delete inference")
        await opens(stage, alice, "approval cancel", "Withdraw a request")
        stage.clock.advance(timedelta(hours=1))
        assert await alice.suggests("Approval", "") == []
        await alice.closes()
        for line in ("approval cancel", "approval withdraw"):
            told = await stage.asks(alice, f"/dbc {line}")
            assert alice.modal is None
            assert "You have no pending request" in told.plain


async def test_what_is_followed_is_stopped_from_a_menu(one_stage: Stage) -> None:
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu1")
    off(stage)
    await stage.asks(alice, "/dbc vm start inference")
    await opens(stage, alice, "watch stop", "Stop following")
    [offered] = await alice.suggests("Watch", "")
    assert offered == "Start a machine: inference on gpu1"
    await alice.submits({"Watch": offered})
    await stage.quiet()
    assert "I no longer follow inference" in alice.last(CHANNEL).plain.replace("*", "")


async def test_a_rental_is_chosen_by_its_node_and_its_end(tmp_path: Path) -> None:
    async with chained(tmp_path) as scene:
        stage, alice = scene.stage, scene.stage.alice
        await stage.gives_session(alice, "gpu1")
        rental = scene.rents(blocks=5 * DAY)
        await scene.passes(1)
        for verb, title in (("show", "Show a rental"), ("rescue", "Rescue a rental")):
            await opens(stage, alice, f"order {verb}", title)
            [offered] = await alice.suggests("Order", "")
            assert offered == f"{rental.number} · gpu1 · ends in 4 days"
            await alice.submits({"Order": offered})
            await stage.quiet()
            assert "gpu1" in alice.last(CHANNEL).plain
        await stage.asks(alice, f"/dbc order watch {scene.renter}")
        await opens(stage, alice, "order unwatch", "Stop watching a wallet")
        short = f"{scene.renter[:6]}…{scene.renter[-6:]}"
        assert await alice.suggests("Wallet", "") == [f"{short} · gpu1"]
        await alice.submits({"Wallet": f"{short} · gpu1"})
        await stage.quiet()
        assert "You are no longer told" in alice.last(CHANNEL).plain


async def test_a_number_that_nobody_listed_can_still_be_typed(tmp_path: Path) -> None:
    async with chained(tmp_path) as scene:
        alice = scene.stage.alice
        await scene.stage.gives_session(alice, "gpu1")
        scene.rents(blocks=5 * DAY)
        await scene.passes(1)
        await opens(scene.stage, alice, "order show", "Show a rental")
        assert await alice.suggests("Order", "4711") == ["“4711”, as typed"]


async def test_an_alias_is_chosen_with_what_it_stands_for(one_stage: Stage) -> None:
    stage, alice = one_stage, one_stage.alice
    await stage.asks(alice, "/dbc alias add r = vm restart $1")
    await opens(stage, alice, "alias remove", "Remove an alias")
    await alice.submits({"Alias": "r"})
    await stage.quiet()
    assert "The alias r is gone" in alice.last(CHANNEL).plain.replace("`", "")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("session share", "A session is what a node knows its renter by"),
        ("session remove", "A session is what a node knows its renter by"),
        ("metal boot", "You have no access to a bare-metal machine yet"),
        ("session unshare", "You share no session with anyone"),
        ("session sign", "No session id of yours waits for a signature"),
        ("approval cancel", "You have no pending request"),
        ("approval withdraw", "You have no pending request, and no vote on one"),
        ("watch stop", "You have no operations in progress"),
        ("order show", "CHAIN_RPC_URLS"),
        ("order unwatch", "You watch no wallet"),
        ("alias remove", "You have no aliases"),
    ],
)
async def test_no_form_opens_where_there_is_nothing_to_choose(
    one_stage: Stage, line: str, why: str
) -> None:
    told = await one_stage.asks(one_stage.alice, f"/dbc {line}")
    assert one_stage.alice.modal is None
    assert why in told.plain


async def test_a_borrowed_session_is_not_ones_own_to_share(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    told = await stage.asks(stage.bob, "/dbc session share")
    assert stage.bob.modal is None
    assert "the ones that you use are shared with you" in told.plain


async def test_only_nodes_of_ones_own_sessions_are_offered_to_share(one_stage: Stage) -> None:
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu2")
    await opens(stage, alice, "session share", "Share a session")
    assert [one.partition(" ")[0] for one in await alice.suggests("Node", "")] == ["gpu2"]
