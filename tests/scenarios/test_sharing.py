"""A session shared with a person or a channel: used unseen, recorded, taken back at once."""

import json

from bot.ids import NodeId, UserId
from bot.model import AuditKind, AuditQuery
from bot.services.sessions import Sessions
from tests.scenarios.site import entries, now
from tests.scenarios.stage import CHANNEL, Stage, card


async def shares(stage: Stage, words: str) -> None:
    await stage.alice.types(f"/dbc session share gpu1 with {words}", channel=CHANNEL)
    await stage.alice.sees("shares their session for", CHANNEL)


async def used_by_session_of(stage: Stage) -> list[tuple[str, str]]:
    async with stage.bot.store.read() as tx:
        return [(e.actor, e.session_of) for e in await tx.executions.recent(limit=1)]


async def audited_sessions(stage: Stage) -> list[str]:
    """Whose sessions others have used, as the audit has it."""
    async with stage.bot.store.read() as tx:
        rows = await tx.audit.page(AuditQuery(), before=None, limit=100)
    entries = [row.entry for row in rows]
    return [e.details["session_of"] for e in entries if "session_of" in e.details]


async def test_a_colleague_uses_a_shared_session_without_seeing_it(stage: Stage) -> None:
    alice, bob = stage.alice, stage.bob
    await stage.gives_session(alice, "gpu1")
    await bob.types("/dbc vm show inference", channel=CHANNEL)
    await bob.sees("You have no node access yet")

    await shares(stage, "@bob")
    await bob.types("/dbc vm list", channel=CHANNEL)
    await bob.sees("inference")
    await bob.types("/dbc session list", channel=CHANNEL)
    listed = await bob.sees("Shared with you")
    assert f"gpu1* `{stage.node('gpu1').node_id[:8]}` by <@{alice.id}>" in listed.plain

    await bob.types("/dbc vm restart inference", channel=CHANNEL)
    await stage.confirms(bob, "Restart")
    await stage.ends(bob, "inference was told to reboot")
    assert await used_by_session_of(stage) == [(bob.id, alice.id)]
    assert await audited_sessions(stage) == [alice.id]
    told = json.dumps([c.args for c in stage.ws.calls])
    assert not any(secret in told for secret in stage.pair("gpu1"))


async def test_a_channel_uses_a_shared_session_only_there(stage: Stage) -> None:
    alice, bob = stage.alice, stage.bob
    await stage.gives_session(alice, "gpu1")
    await shares(stage, f"#{CHANNEL}")
    await bob.types("/dbc vm show inference", channel=CHANNEL)
    await bob.sees("Connect", CHANNEL)
    await bob.types("vm show inference", channel="@dbc")
    await bob.sees("You have no node access yet", "@dbc")


async def test_a_share_is_taken_back_at_once(stage: Stage) -> None:
    alice, bob = stage.alice, stage.bob
    await stage.gives_session(alice, "gpu1")
    await shares(stage, "@bob")
    await bob.types("/dbc vm shutdown inference", channel=CHANNEL)
    await bob.sees("Shut down|cuts the power", CHANNEL)

    await alice.types("/dbc session unshare gpu1", channel=CHANNEL)
    await alice.sees("no longer shares", CHANNEL)
    await bob.types("/dbc vm show inference", channel=CHANNEL)
    await bob.sees("You have no node access yet", CHANNEL)
    assert "tasks.shutdown" not in stage.changes()
    await alice.types("/dbc session unshare gpu1", channel=CHANNEL)
    await alice.sees("You do not share a session for gpu1")


async def test_what_is_followed_with_a_session_taken_back_ends_honestly(stage: Stage) -> None:
    alice, bob = stage.alice, stage.bob
    await stage.gives_session(alice, "gpu1")
    await shares(stage, "@bob")
    await bob.types("/dbc vm restart inference", channel=CHANNEL)
    await stage.confirms(bob, "Restart")
    await card_shows(stage, "restarting|accepted")
    await alice.types("/dbc session unshare gpu1", channel=CHANNEL)
    await alice.sees("no longer shares", CHANNEL)
    await stage.ends(bob, "")
    assert "the session is not shared with you any more" in "".join(stage.endings(bob))


async def card_shows(stage: Stage, words: str) -> None:
    await stage.bob.sees(words, CHANNEL)


async def test_removing_a_session_ends_its_sharing(stage: Stage) -> None:
    alice, bob = stage.alice, stage.bob
    await stage.gives_session(alice, "gpu1")
    await shares(stage, "@bob")
    told = await bob.sees("shares their session for .gpu1. with you", "@dbc")
    await stage.erases_session(alice, "gpu1")
    await alice.sees("is erased")
    await bob.types("/dbc vm list", channel=CHANNEL)
    await bob.sees("You have no node access yet")
    await stage.passes()
    taken = f"<@{alice.id}> no longer shares their session for *gpu1* with <@{bob.id}>."
    assert taken in now(stage, told).plain
    assert now(stage, told).buttons == []
    unshared = [e for e in await entries(stage) if e.kind is AuditKind.SESSION_UNSHARED]
    assert [(e.actor, e.details["with"]) for e in unshared] == [(alice.id, bob.id)]


async def test_sharing_needs_somebody_and_a_session(one_stage: Stage) -> None:
    alice, bob = one_stage.alice, one_stage.bob
    await alice.types("/dbc session share gpu1 @bob", channel=CHANNEL)
    await alice.sees("You have no session of your own for gpu1 to share")
    await one_stage.asks(alice, "/dbc session share gpu1")
    assert alice.modal is None
    await one_stage.gives_session(alice, "gpu1")
    await alice.types("/dbc session share gpu1", channel=CHANNEL)
    await alice.sees_modal("Share a session")
    await alice.submits({})
    assert alice.modal is not None
    assert "Say with whom" in alice.modal.errors["Person"]
    await alice.submits({"Person": "bob"})
    await bob.sees("shares their session", CHANNEL)
    assert "with" in card(bob, "shares their session").plain


async def test_your_own_session_comes_before_a_shared_one(one_stage: Stage) -> None:
    alice, bob = one_stage.alice, one_stage.bob
    await one_stage.gives_session(alice, "gpu1")
    await shares(one_stage, "@bob")
    await one_stage.gives_session(bob, "gpu1")
    await bob.types("/dbc vm restart inference", channel=CHANNEL)
    await one_stage.confirms(bob, "Restart")
    await one_stage.ends(bob, "inference was told to reboot")
    assert await used_by_session_of(one_stage) == [(bob.id, bob.id)]


async def test_sharing_entitles(one_stage: Stage) -> None:
    alice, bob, carol = one_stage.alice, one_stage.bob, one_stage.carol
    sessions = Sessions(one_stage.bot.store, one_stage.bot.dbc, one_stage.clock)
    node = one_stage.node("gpu1").node_id
    await one_stage.gives_session(alice, "gpu1")
    await shares(one_stage, "@bob")
    assert await sessions.entitled(NodeId(node)) == sorted([alice.id, bob.id])
    assert not await sessions.is_entitled(UserId(carol.id), NodeId(node))


async def test_a_guest_in_the_channel_is_no_colleague(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await shares(stage, f"#{CHANNEL}")
    guest = stage.ws.add_member("gina", is_restricted=True)
    stage.ws.core.state.channel(CHANNEL).members.append(guest.id)
    told = await stage.asks(guest, "/dbc vm show inference")
    assert "Only full members of this workspace can see machines" in told.plain


async def test_a_guest_sees_nothing_of_what_is_shared_in_a_form(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await shares(stage, f"#{CHANNEL}")
    gina = stage.ws.add_member("gina", is_restricted=True)
    stage.ws.core.state.channel(CHANNEL).members.append(gina.id)
    asked = len(stage.world.calls)
    await gina.types("/dbc vm modify inference", channel=CHANNEL)
    await stage.quiet()
    assert gina.modal is not None
    assert "Only full members of this workspace can see machines" in gina.modal.plain
    assert "now 64" not in str(gina.modal.blocks)
    assert await gina.suggests("Machine", "") == []
    await gina.closes()

    await gina.types("/dbc disk resize inference", channel=CHANNEL)
    await gina.sees_modal("Machine")
    assert await gina.suggests("Disk", "") == []
    assert len(stage.world.calls) == asked


async def looked(stage: Stage) -> list[tuple[str, str]]:
    """Who has looked at something with whose session, as the audit has it."""
    used = [e for e in await entries(stage) if e.kind is AuditKind.SESSION_USED]
    return [(entry.actor, entry.details["of"]) for entry in used]


async def test_a_search_with_a_shared_session_is_recorded_where_it_asks(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await shares(stage, "@bob")
    await stage.bob.types("/dbc disk resize", channel=CHANNEL)
    await stage.bob.sees_modal("Machine")
    await stage.bob.fills({"Machine": stage.task("inference").task_id})
    await stage.quiet()
    assert await looked(stage) == []
    assert await stage.bob.suggests("Disk", "") != []
    assert await looked(stage) == [(stage.bob.id, stage.alice.id)]
    await stage.bob.suggests("Disk", "v")  # from what was seen
    assert await looked(stage) == [(stage.bob.id, stage.alice.id)]
