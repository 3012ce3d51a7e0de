"""Reviews that are held to stricter terms, and votes that are taken back."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.ids import ApprovalId, UserId
from bot.model import (
    Approval,
    ApprovalStatus,
    AuditKind,
    AuditQuery,
    ReviewKind,
    Terms,
    Verdict,
    Vote,
    VoteState,
)
from storage import Store
from storage.repositories.repository import APART
from tests.storage.samples import HERE, LATER, NOW, SOON, approval, execution, record

SECOND = timedelta(seconds=1)
APPROVE, DENY = Verdict
PENDING, APPROVED, DENIED, CANCELLED, EXPIRED, VOID = ApprovalStatus


@pytest.fixture(autouse=True)
async def recorded(store: Store) -> None:
    await record(store, execution(), execution("2"))


def vote(name: str, verdict: Verdict = APPROVE, **changes: Any) -> Vote:
    values: dict[str, Any] = {"approval": "approval-1", "user": f"U{name}", "at": NOW}
    return Vote(f"click-{name}", verdict=verdict, place=HERE, **{**values, **changes})


async def asked(store: Store, *votes: Vote, **changes: Any) -> None:
    """Put a question, and another one; let these votes count."""
    async with store.write() as tx:
        await tx.approvals.add(approval(**{"needed": 3, "denials": 3, **changes}))
        await tx.approvals.add(approval("2", execution="execution-2", needed=3, denials=3))
        for one in votes:
            await tx.votes.cast(one)
            await tx.votes.count(one.key, NOW)


async def measured(store: Store, now: datetime = SOON, **terms: Any) -> Approval:
    """The review under these terms; it is stored as it is given."""
    held = {"expires_at": LATER, "denials": 3, "self_approval": True, **terms}
    async with store.write() as tx:
        found = await tx.votes.measure(ApprovalId("approval-1"), Terms(**held), now)
        assert await tx.approvals.get(ApprovalId("approval-1")) == found
        assert await tx.approvals.get(ApprovalId("approval-2")) == approval(
            "2", execution="execution-2", needed=3, denials=3
        )
    return found


async def states(store: Store) -> dict[str, tuple[VoteState, str]]:
    async with store.read() as tx:
        return {
            v.key.removeprefix("click-"): (v.state, v.why)
            for v in await tx.votes.of(ApprovalId("approval-1"))
        }


async def noted(store: Store, *kinds: AuditKind) -> list[tuple[str, str, datetime, object]]:
    async with store.read() as tx:
        rows = await tx.audit.page(AuditQuery(), before=None, limit=50)
    entries = [row.entry for row in reversed(rows)]
    assert {e.approval for e in entries if e.kind in kinds} <= {"approval-1", "approval-2"}
    return [(e.kind, e.actor, e.at, e.details.get("why")) for e in entries if e.kind in kinds]


async def test_laxer_terms_change_nothing(store: Store) -> None:
    await asked(store, vote("1"), vote("2", DENY))
    before = approval(needed=3, denials=3)
    lax: dict[str, Any] = {"expires_at": LATER + SECOND, "denials": 4, "self_approval": True}
    assert await measured(store, **lax) == before
    counted = (VoteState.COUNTED, "")
    assert await states(store) == {"1": counted, "2": counted}


@pytest.mark.parametrize(
    ("terms", "changed"),
    [
        ({"expires_at": SOON}, {"expires_at": SOON}),
        ({"denials": 2}, {"denials": 2}),
        ({"self_approval": False}, {"self_approval": False}),
    ],
)
async def test_stricter_terms_count(
    store: Store, terms: dict[str, Any], changed: dict[str, Any]
) -> None:
    await asked(store, vote("1", DENY), self_approval=True)
    expected = {"needed": 3, "denials": 3, "self_approval": True, **changed}
    assert await measured(store, **terms) == approval(**expected)


async def test_a_right_to_approve_oneself_is_not_given_afterwards(store: Store) -> None:
    await asked(store, self_approval=False)
    assert not (await measured(store, self_approval=True)).self_approval


async def test_fewer_denials_end_it_in_the_name_of_the_last_who_denied(store: Store) -> None:
    await asked(store, vote("1", DENY), vote("2", DENY, at=NOW + SECOND), vote("3", at=SOON))
    found = await measured(store, denials=2)
    assert (found.status, found.decided_by, found.decided_at) == (DENIED, "U2", SOON)


async def test_an_approved_review_that_lacks_a_vote_is_open_again(store: Store) -> None:
    await asked(store, vote("1"), vote("2"), needed=2)
    found = await measured(store, fallen={"click-2": "You have left."})
    assert (found.status, found.decided_by, found.decided_at) == (PENDING, "", None)
    fell = (VoteState.FALLEN, "You have left.")
    assert await states(store) == {"1": (VoteState.COUNTED, ""), "2": fell}
    assert await noted(store, AuditKind.VOTE_FELL) == [
        (AuditKind.VOTE_FELL, "U2", SOON, "You have left.")
    ]
    async with store.write() as tx:  # who fell may vote again, and whoever counts may not
        for again, user in (vote("3"), "U1"), (vote("4"), "U2"):
            await tx.votes.cast(Vote(again.key, again.approval, UserId(user), APPROVE, SOON, HERE))
        first, second = await tx.votes.count("click-3", SOON), await tx.votes.count("click-4", SOON)
    assert first is not None
    assert second is not None
    assert (first.vote.why, second.decided) == ("voted", True)


async def test_an_approved_review_that_loses_no_vote_stays_as_it_is(store: Store) -> None:
    await asked(store, vote("1"), vote("2"), vote("3"), needed=2)
    async with store.write() as tx:
        before = await tx.approvals.get(ApprovalId("approval-1"))
    assert (before.status, before.decided_by, before.decided_at) == (APPROVED, "U2", NOW)
    assert await measured(store, fallen={"click-3": "late"}) == before


async def test_an_approved_review_is_denied_where_as_many_denials_do_now(store: Store) -> None:
    await asked(store, vote("1", DENY), vote("2"), needed=1)
    assert (await measured(store, denials=1)).status is DENIED


async def test_a_review_that_is_over_is_not_measured(store: Store) -> None:
    await asked(store, vote("1"))
    async with store.write() as tx:
        await tx.approvals.resolve(ApprovalId("approval-1"), CANCELLED, by=UserId("U1"), now=NOW)
    found = await measured(store, denials=1, expires_at=SOON, fallen={"click-1": "x"})
    assert (found.status, found.denials, found.expires_at) == (CANCELLED, 3, LATER)
    assert await states(store) == {"1": (VoteState.COUNTED, "")}


# Taken back


async def withdrawn(store: Store, user: str, at: datetime = SOON) -> bool:
    async with store.write() as tx:
        return await tx.votes.withdraw(ApprovalId("approval-1"), UserId(user), at, LATER)


async def test_who_takes_a_vote_back_may_vote_again(store: Store) -> None:
    await asked(store, vote("1"), vote("2"))
    assert await withdrawn(store, "U1")
    assert not await withdrawn(store, "U1")
    back = (VoteState.WITHDRAWN, "")
    assert await states(store) == {"1": back, "2": (VoteState.COUNTED, "")}
    assert await noted(store, AuditKind.VOTE_WITHDRAWN) == [
        (AuditKind.VOTE_WITHDRAWN, "U1", LATER, None)
    ]
    async with store.write() as tx:
        await tx.votes.cast(vote("3", DENY, user="U1"))
        again = await tx.votes.count("click-3", SOON)
    assert again is not None
    assert again.vote.state is VoteState.COUNTED


async def test_a_click_that_still_waits_is_taken_back_too(store: Store) -> None:
    await asked(store)
    async with store.write() as tx:
        await tx.votes.cast(vote("1"))
    assert await withdrawn(store, "U1")
    async with store.write() as tx:
        assert await tx.votes.count("click-1", SOON) is None


async def test_what_is_voted_after_the_withdrawal_was_meant_stays(store: Store) -> None:
    await asked(store, vote("1", at=SOON))
    assert not await withdrawn(store, "U1", SOON - APART - SECOND)
    assert await withdrawn(store, "U1", SOON)


async def test_a_withdrawal_counts_where_the_clock_of_its_replica_is_behind(store: Store) -> None:
    await asked(store, vote("1", at=SOON))
    assert await withdrawn(store, "U1", SOON - APART)


@pytest.mark.parametrize("user", ["U1", "U9"])
async def test_what_is_decided_or_was_never_voted_is_not_taken_back(
    store: Store, user: str
) -> None:
    await asked(store, vote("1"), needed=1 if user == "U1" else 2)
    assert not await withdrawn(store, user)
    assert await states(store) == {"1": (VoteState.COUNTED, "")}


async def test_a_refused_click_is_nothing_to_take_back(store: Store) -> None:
    await asked(store)
    async with store.write() as tx:
        await tx.votes.cast(vote("1"))
        await tx.votes.refuse("click-1", "No.", NOW)
    assert not await withdrawn(store, "U1")


async def test_a_look_afterwards_that_is_taken_back_is_noted_as_that(store: Store) -> None:
    await asked(store, vote("1"), kind=ReviewKind.AFTERWARDS)
    assert await withdrawn(store, "U1")
    assert [kind for kind, *_ in await noted(store, *set(AuditKind) - {AuditKind.REQUESTED})][
        -1
    ] is AuditKind.VOTE_WITHDRAWN
