from dataclasses import replace
from datetime import timedelta

from bot.ids import ChannelId, NodeId, UserId
from bot.model import Audience, SessionRequest, Share
from storage import Store
from tests.storage.samples import LATER, NOW, session

WAITING = SessionRequest(UserId("U1"), NodeId("node-1"), "SECRET-ID", ("5A", "5B"), "1287", LATER)


def share(kind: Audience, audience: str, **changes: str) -> Share:
    return replace(Share("U1", "node-1", kind, audience, NOW), **changes)  # type: ignore[arg-type]


async def test_a_nonce_is_used_once_unless_it_is_released(store: Store) -> None:
    async with store.write() as tx:
        assert await tx.renters.use_nonce("n1", NOW)
        assert not await tx.renters.use_nonce("n1", LATER)
        assert await tx.renters.use_nonce("n2", NOW)
        await tx.renters.release_nonce("n1")
        assert not await tx.renters.is_used("n1")
        assert await tx.renters.is_used("n2")


async def test_a_request_comes_back_until_it_expires(store: Store) -> None:
    async with store.write() as tx:
        await tx.renters.put(replace(WAITING, session_id="FORMER", rent_order=""))
        await tx.renters.put(WAITING)
    async with store.read() as tx:
        assert await tx.renters.of(UserId("U1"), NOW) == [WAITING]
        assert await tx.renters.of(UserId("U2"), NOW) == []
        assert await tx.renters.of(UserId("U1"), LATER) == []


async def test_expired_requests_are_erased(store: Store) -> None:
    async with store.write() as tx:
        await tx.renters.put(WAITING)
        await tx.renters.put(
            replace(WAITING, node=NodeId("node-2"), expires_at=LATER + timedelta(1))
        )
        await tx.renters.drop_expired(LATER)
        assert [one.node for one in await tx.renters.of(UserId("U1"), NOW)] == ["node-2"]


async def test_ones_own_session_comes_first_then_a_persons_then_a_channels(store: Store) -> None:
    async with store.write() as tx:
        for user in ("U1", "U2", "U3"):
            await tx.sessions.put(session(user))
        await tx.sessions.share(share(Audience.CHANNEL, "C1", user="U2"))
        await tx.sessions.share(share(Audience.PERSON, "U9"))
        await tx.sessions.share(share(Audience.PERSON, "U3"))

        async def used_by(user: str, channel: str = "") -> list[str]:
            return [one.user for one in await tx.sessions.usable(UserId(user), ChannelId(channel))]

        assert await used_by("U3") == ["U3"]
        assert await used_by("U9", "C1") == ["U1"]
        assert await used_by("U8", "C1") == ["U2"]
        assert await used_by("U8", "C2") == []


async def test_who_removes_a_session_shares_it_no_more(store: Store) -> None:
    async with store.write() as tx:
        await tx.sessions.put(session())
        await tx.sessions.share(share(Audience.PERSON, "U9"))
        assert await tx.sessions.may_use(
            UserId("U9"), ChannelId(""), UserId("U1"), NodeId("node-1")
        )
        await tx.sessions.remove(UserId("U1"), NodeId("node-1"))
        await tx.sessions.put(session())
        assert not await tx.sessions.may_use(
            UserId("U9"), ChannelId(""), UserId("U1"), NodeId("node-1")
        )
        assert await tx.sessions.usable(UserId("U9")) == []
