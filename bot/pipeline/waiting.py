"""What waits for a person: questions that they may answer, their own, and broken glass.

For the list of approvals and for the App Home. Knows no words.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.ids import ChannelId, UserId
from bot.language.row_parts import Listing
from bot.model import Approval, Execution, ReviewKind
from bot.pipeline.context import Services
from storage import UnitOfWork


@dataclass(frozen=True, slots=True)
class Waiting:
    """A review that is open, what it is about, and why `user` is shown it.

    `is_mine`: they asked for it. `for_me`: they may decide, and have not. Neither: it is broken
    glass that everybody can see where it was announced, but for whom the rules deny to read of
    its node.
    """

    approval: Approval
    execution: Execution
    is_mine: bool
    for_me: bool

    @property
    def is_glass(self) -> bool:
        """Whether it has run already."""
        return self.approval.kind is ReviewKind.AFTERWARDS


async def waiting_for(
    services: Services, user: UserId, channel: ChannelId = ChannelId("")
) -> list[Waiting]:
    """What waits for `user`, or is theirs, oldest first.

    With a channel, also what they may decide as one of those there, and its broken glass.

    Raises DeliveryFailed while Slack does not say who may decide.
    """
    async with services.store.read() as tx:
        pending = await _open(tx, services.clock.now())
        voted = await tx.votes.counted_of(user)
    reviewers = services.reviews.reviewers.at_this_moment()
    hidden = await reviewers.hidden(user, channel, services.table.listing(Listing.MACHINES))
    found = []
    for approval, execution in pending:
        is_mine = execution.actor == user
        for_me = approval.id not in voted and await reviewers.may_decide(
            approval, execution, user, channel
        )
        here = bool(channel) and execution.place.channel == channel and execution.node not in hidden
        one = Waiting(approval, execution, is_mine, for_me)
        if is_mine or for_me or (one.is_glass and here):
            found.append(one)
    return found


async def requests_of(tx: UnitOfWork, user: UserId, now: datetime) -> list[Waiting]:
    """Their own pending requests, oldest first."""
    return [one for one in await _concerning(tx, user, now) if one.is_mine and not one.is_glass]


async def decisions_of(tx: UnitOfWork, user: UserId, now: datetime) -> list[Waiting]:
    """What they have a counted vote on, and their own pending requests, oldest first."""
    voted = await tx.votes.counted_of(user)
    return [
        one
        for one in await _concerning(tx, user, now)
        if one.approval.id in voted or (one.is_mine and not one.is_glass)
    ]


async def voted_on(tx: UnitOfWork, user: UserId, now: datetime) -> list[Waiting]:
    """Requests of others on which they have a counted vote, and that still wait, oldest first."""
    return [one for one in await decisions_of(tx, user, now) if not one.is_mine]


async def _concerning(tx: UnitOfWork, user: UserId, now: datetime) -> list[Waiting]:
    return [
        Waiting(approval, execution, is_mine=execution.actor == user, for_me=False)
        for approval, execution in await _open(tx, now)
    ]


async def _open(tx: UnitOfWork, now: datetime) -> list[tuple[Approval, Execution]]:
    """Those whose time is not over, also where nobody has written yet that it is."""
    pending = [one for one in await tx.approvals.open() if one.expires_at > now]
    executions = await tx.executions.some([one.execution for one in pending])
    return [(one, executions[one.execution]) for one in pending]
