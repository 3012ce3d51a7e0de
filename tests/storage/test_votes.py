from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.errors import NotFound
from bot.ids import ApprovalId
from bot.model import (
    CLICK_WAITS,
    ApprovalStatus,
    AuditKind,
    AuditQuery,
    Count,
    ReviewKind,
    Verdict,
    Vote,
    VoteState,
)
from storage import Store, UnitOfWork
from tests.storage.conftest import Racing
from tests.storage.samples import HERE, LATER, NOW, SOON, approval, execution, record

SECOND = timedelta(seconds=1)
APPROVE, DENY = Verdict
PENDING, COUNTED, REFUSED, *_ = VoteState


def vote(name: str = "1", **changes: object) -> Vote:
    values: dict[str, object] = {
        "key": f"click-{name}", "approval": "approval-1", "user": f"U{name}",
        "verdict": APPROVE, "at": NOW, "place": HERE,
    }  # fmt: skip
    return Vote(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
async def recorded(store: Store) -> None:
    await record(store, execution())


async def asked(store: Store, **changes: Any) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval(**changes))


async def clicked(store: Store, *votes: Vote, now: datetime = SOON) -> list[Count | None]:
    """What these clicks come to, one after the other."""
    counts = []
    for one in votes:
        async with store.write() as tx:
            assert await tx.votes.cast(one)
            counts.append(await tx.votes.count(one.key, now))
    return counts


async def noted(store: Store) -> list[tuple[str, str, str, object]]:
    """What the audit has of clicks, oldest first: kind, person, reason, details."""
    async with store.read() as tx:
        rows = await tx.audit.page(AuditQuery(), before=None, limit=50)
    kinds = {AuditKind.APPROVED, AuditKind.DENIED, AuditKind.REVIEWED, AuditKind.CLICK_REFUSED}
    entries = [row.entry for row in reversed(rows)]
    return [(e.kind, e.actor, e.reason, dict(e.details)) for e in entries if e.kind in kinds]


async def test_a_click_comes_back_unchanged_and_is_kept_once(store: Store) -> None:
    await asked(store)
    one = vote(reason="‘why’", verdict=DENY)
    async with store.write() as tx:
        assert await tx.votes.cast(one)
        assert not await tx.votes.cast(vote(user="U9"))
    async with store.read() as tx:
        assert await tx.votes.get(one.key) == one
        assert await tx.votes.of(ApprovalId("approval-1")) == [one]
        assert await tx.votes.of(ApprovalId("approval-2")) == []
        with pytest.raises(NotFound, match="That click is not known"):
            await tx.votes.get("click-2")


async def test_the_last_approval_that_is_needed_decides(store: Store) -> None:
    await asked(store, needed=2)
    first, second, late = await clicked(store, vote("1"), vote("2"), vote("3"))
    assert first is not None
    assert second is not None
    assert late is not None
    assert (first.decided, first.vote.state) == (False, COUNTED)
    assert (second.decided, second.approval.status) == (True, ApprovalStatus.APPROVED)
    assert (second.approval.decided_by, second.approval.decided_at) == ("U2", SOON)
    assert (late.decided, late.vote.state, late.vote.why) == (False, REFUSED, "decided")
    clicked_at = {"verdict": "approve", "clicked_at": NOW.isoformat()}
    assert await noted(store) == [
        (AuditKind.APPROVED, "U1", "", clicked_at),
        (AuditKind.APPROVED, "U2", "", clicked_at),
        (AuditKind.CLICK_REFUSED, "U3", "", {**clicked_at, "why": "decided"}),
    ]


async def test_each_person_counts_once(store: Store) -> None:
    await asked(store, needed=2, denials=2)
    _, again, other = await clicked(
        store, vote("1"), vote("2", user="U1"), vote("3", user="U1", verdict=DENY)
    )
    for count in (again, other):
        assert count is not None
        assert (count.vote.state, count.vote.why, count.decided) == (REFUSED, "voted", False)


async def test_so_many_denials_deny_and_approvals_do_not_make_up_for_them(store: Store) -> None:
    await asked(store, needed=2, denials=2)
    denial = vote("1", verdict=DENY, reason="no")
    first, _, last = await clicked(store, denial, vote("2"), vote("3", verdict=DENY))
    assert first is not None
    assert last is not None
    assert (first.decided, first.approval.status) == (False, ApprovalStatus.PENDING)
    assert (last.decided, last.approval.status) == (True, ApprovalStatus.DENIED)
    assert [(kind, reason) for kind, _, reason, _ in await noted(store)] == [
        (AuditKind.DENIED, "no"), (AuditKind.APPROVED, ""), (AuditKind.DENIED, ""),
    ]  # fmt: skip


async def test_a_look_afterwards_is_noted_as_one(store: Store) -> None:
    await asked(store, kind=ReviewKind.AFTERWARDS)
    [count] = await clicked(store, vote())
    assert count is not None
    assert count.decided
    assert [kind for kind, *_ in await noted(store)] == [AuditKind.REVIEWED]


@pytest.mark.parametrize(
    ("at", "looked_at", "why"),
    [
        (LATER - SECOND, LATER - SECOND, ""),
        (LATER, LATER, "expired"),
        (LATER - SECOND, LATER + SECOND, ""),  # made in time, looked at late
        (LATER - SECOND, LATER - SECOND + CLICK_WAITS, "expired"),
        (LATER - SECOND, LATER - 2 * SECOND + CLICK_WAITS, ""),
    ],
)
async def test_a_click_counts_as_of_when_it_was_made_unless_nobody_looked_for_long(
    store: Store, at: datetime, looked_at: datetime, why: str
) -> None:
    await asked(store)
    [count] = await clicked(store, vote(at=at), now=looked_at)
    assert count is not None
    assert (count.vote.why, count.decided) == (why, not why)


async def test_a_click_is_counted_or_refused_once(store: Store, racing: Racing) -> None:
    await asked(store, needed=2)
    async with store.write() as tx:
        await tx.votes.cast(vote())

    async def look(tx: UnitOfWork, number: int) -> bool:
        if number % 2:
            return await tx.votes.refuse("click-1", "You may not.", SOON)
        return await tx.votes.count("click-1", SOON) is not None

    assert (await racing(look)).count(True) == 1
    assert len(await noted(store)) == 1


async def test_a_refused_click_says_why_and_decides_nothing(store: Store) -> None:
    await asked(store)
    async with store.write() as tx:
        await tx.votes.cast(vote())
        assert await tx.votes.refuse("click-1", "You may not.", SOON)
        assert not await tx.votes.refuse("click-1", "Again.", SOON)
        assert await tx.votes.count("click-1", SOON) is None
        refused = await tx.votes.get("click-1")
        assert (refused.state, refused.why) == (REFUSED, "You may not.")
        assert (await tx.approvals.get(ApprovalId("approval-1"))).status is ApprovalStatus.PENDING
    details = {"verdict": "approve", "clicked_at": NOW.isoformat(), "why": "You may not."}
    assert await noted(store) == [(AuditKind.CLICK_REFUSED, "U1", "", details)]


async def test_only_old_clicks_that_nobody_looked_at_are_taken_up(store: Store) -> None:
    await asked(store, needed=9)
    async with store.write() as tx:
        for name, at in {"1": SOON, "2b": NOW, "2a": NOW, "3": NOW - SECOND, "late": LATER}.items():
            await tx.votes.cast(vote(name, at=at))
        await tx.votes.cast(vote("seen", at=NOW))
        await tx.votes.refuse("click-seen", "No.", NOW)
        assert [one.key for one in await tx.votes.pending(SOON, 9)] == [
            "click-3", "click-2a", "click-2b", "click-1",
        ]  # fmt: skip
        assert [one.key for one in await tx.votes.pending(SOON, 2)] == ["click-3", "click-2a"]
