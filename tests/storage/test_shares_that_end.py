"""Shares until a moment, and requests for access, in both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.ids import ChannelId, NodeId, UserId
from bot.model import AccessRequest, AccessState, Audience, Share
from storage import Store
from tests.storage.samples import NOW, session

PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
SHARE = Share(UserId("U1"), NodeId("node-1"), Audience.PERSON, UserId("U9"), NOW)
ASKED = AccessRequest("r1", UserId("U9"), NodeId("node-1"), (UserId("U1"), UserId("U2")), NOW)


async def usable(store: Store) -> tuple[bool, bool, bool]:
    """Whether U9 may use it: in a unit of work, for a watch, and by what is known."""
    async with store.read() as tx:
        claimed = bool(await tx.sessions.usable(UserId("U9")))
        watched = await tx.sessions.may_use(
            UserId("U9"), ChannelId(""), UserId("U1"), NodeId("node-1")
        )
        entitled = await tx.sessions.entitlements()
    known = await store.known()
    assert ((Audience.PERSON, "U9") in entitled["node-1"]) is claimed
    assert bool(known.shares_on(NodeId("node-1"))) is claimed
    return claimed, watched, bool(known.usable(UserId("U9")))


async def test_what_was_shared_until_a_moment_authorizes_nothing_from_then(store: Store) -> None:
    async with store.write() as tx:
        await tx.sessions.put(session())
        await tx.sessions.share(replace(SHARE, ends_at=FUTURE))
    assert await usable(store) == (True, True, True)
    async with store.write() as tx:
        await tx.sessions.share(replace(SHARE, ends_at=PAST))
    assert await usable(store) == (False, False, False)
    async with store.write() as tx:
        await tx.sessions.share(SHARE)
    assert await usable(store) == (True, True, True)


async def test_an_end_is_given_once_and_so_is_the_warning_of_it(store: Store) -> None:
    ends_at = NOW + timedelta(hours=8)
    async with store.write() as tx:
        await tx.sessions.put(session())
        await tx.sessions.share(replace(SHARE, ends_at=ends_at))
        assert not await tx.sessions.is_due(NOW, NOW + timedelta(hours=1))
        assert [one.audience for one in await tx.sessions.warn_shares(ends_at)] == ["U9"]
        assert await tx.sessions.warn_shares(ends_at) == []
        assert await tx.sessions.end_shares(ends_at - timedelta(seconds=1)) == []
        assert [one.audience for one in await tx.sessions.end_shares(ends_at)] == ["U9"]
        assert await tx.sessions.end_shares(ends_at) == []


async def test_one_request_a_person_and_node_is_open_and_ends_once(store: Store) -> None:
    async with store.write() as tx:
        assert await tx.access.begin(ASKED)
        assert not await tx.access.begin(replace(ASKED, id="r2"))
        assert await tx.access.refuse("r1", UserId("U3")) is None
        refused = await tx.access.refuse("r1", UserId("U1"))
        assert refused is not None
        assert refused.refused == ("U1",)
        assert await tx.access.refuse("r1", UserId("U1")) is None
        assert await tx.access.end("r1", AccessState.GRANTED, NOW)
        assert not await tx.access.end("r1", AccessState.REFUSED, NOW)
        assert await tx.access.refuse("r1", UserId("U2")) is None
        assert await tx.access.begin(replace(ASKED, id="r2"))
        assert await tx.access.forget(NOW + timedelta(1), 10) == 1
        assert [one.id for one in await tx.access.since("U9", PAST)] == ["r2"]
