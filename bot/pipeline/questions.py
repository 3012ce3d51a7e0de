"""What the card of a review says: its question, and all that is read for it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from bot.ids import ApprovalId, ChannelId, UserId
from bot.language.table import Table
from bot.messages import decisions, review_cards
from bot.messages.cards import owner_of
from bot.messages.question import Question, subject_of, to_type, with_requester
from bot.model import (
    Approval,
    ApprovalStatus,
    Execution,
    Message,
    Node,
    ReviewKind,
    Vote,
)
from bot.pipeline.covered import may_be_broken
from bot.pipeline.titles import losses_of, pressed_on, title_of, told_beside
from bot.ports import DeliveryFailed
from bot.reply import Line, Reply, Words
from bot.reviews.policy import Decision
from bot.reviews.reviewers import Reviewers
from bot.services.inventory import Inventory
from storage import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Seen:
    """The votes on a review, the copies of its card, and what else waits to be approved for the
    same machine, as they were read together.
    """

    votes: Sequence[Vote]
    copies: Sequence[Message]
    beside: Sequence[tuple[Approval, Execution]] = ()


NOTHING_SEEN = Seen((), ())  # of a new one


async def seen_with(tx: UnitOfWork, approval: Approval) -> Seen:
    """What a card is made of beside the review itself."""
    votes = await tx.votes.of(approval.id)
    copies = await tx.messages.copies(review_cards.key_of(approval))
    return Seen(votes, copies, await beside_of(tx, approval))


async def beside_of(tx: UnitOfWork, approval: Approval) -> Sequence[tuple[Approval, Execution]]:
    """What else waits to be approved for the machine of one that does."""
    if approval.kind is not ReviewKind.APPROVE or approval.status is not ApprovalStatus.PENDING:
        return ()
    found = await tx.approvals.beside(approval)
    about = await tx.executions.some([one.execution for one in found]) if found else {}
    return [(one, about[one.execution]) for one in found]


class Questions:
    """Puts together what cards say."""

    def __init__(
        self, store: Store, table: Table, inventory: Inventory, reviewers: Reviewers
    ) -> None:
        self._store = store
        self._table = table
        self._inventory = inventory
        self._reviewers = reviewers

    async def of(
        self,
        approval: Approval,
        execution: Execution,
        decision: Decision | None = None,
        seen: Seen | None = None,
    ) -> Question:
        """All that the card says; `decision` is what the rules say now, where that is known.

        `seen` was read a moment ago; without it, it is read now.
        """
        command = self._table.spoken_of(execution.command)
        label = await self._inventory.label(execution.node) if execution.node else ""
        subject = subject_of(approval, execution, label)
        asked = title_of(self._table, approval, execution, label)
        loses = losses_of(self._table, approval, execution)
        key = review_cards.key_of(approval)
        if seen is None:
            async with self._store.read() as tx:
                seen = await seen_with(tx, approval)
        votes = seen.votes
        had = [UserId(owner) for copy in seen.copies if (owner := owner_of(key, copy.key))]
        people: Sequence[UserId] = had
        if approval.kind is ReviewKind.APPROVE and approval.status is ApprovalStatus.PENDING:
            with suppress(DeliveryFailed):
                decision = decision or await self._reviewers.decision(execution)
                people = await self._reviewers.still_asked(had, execution, decision)
        named = decision is not None and bool(decision.approvers)
        channel = "" if named else await self._reviewers.sharing_channel(execution)
        glass = decision is not None and not command.secrets and may_be_broken(decision)
        first = await pressed_on(self._store, approval, execution)
        return Question(
            execution, approval, subject, asked, loses, command.kinds, votes, named, people,
            ChannelId(channel), glass, told_beside(self._table, execution, seen.beside, label),
            await self.of(*first) if first else None,
        )  # fmt: skip

    async def not_done(self, approval: Approval, execution: Execution, why: Words) -> Line:
        """What was asked about, and what stopped it after all."""
        return decisions.not_done(await self.of(approval, execution), why)

    async def to_type(self, approval_id: ApprovalId) -> tuple[str, ...]:
        """What an approver may have to type, one of these: names that people did not give."""
        async with self._store.read() as tx:
            approval = await tx.approvals.get(approval_id)
            execution = await tx.executions.get(approval.execution)
        title = self._table.spoken_of(execution.command).title
        return to_type(approval, execution) or (title,)

    async def asked(self, approval: Approval) -> Line:
        """`Delete train-01 on gpu1, requested by @bob`."""
        async with self._store.read() as tx:
            execution = await tx.executions.get(approval.execution)
        question = await self.of(approval, execution)
        return with_requester(question)

    async def titled(self, approval: Approval) -> Line:
        """`Delete train-01 on gpu1`."""
        async with self._store.read() as tx:
            execution = await tx.executions.get(approval.execution)
        return (await self.of(approval, execution)).title

    async def card(self, approval: Approval, reader: UserId = UserId("")) -> Reply:
        """What there is to see of a review, with its buttons while it waits.

        Where one `reader` alone sees it, it has the buttons that they may press.
        """
        async with self._store.read() as tx:
            execution = await tx.executions.get(approval.execution)
        question = await self.of(approval, execution)
        card = review_cards.shown_again(question)
        if not reader:
            return card
        decides = reader in question.people
        return review_cards.read_by(
            card, reader, execution, approval, question.votes, decides=decides
        )

    async def node_of(self, execution: Execution) -> Node | None:
        """The node that it is about, if any."""
        return await self._inventory.node_by_id(execution.node) if execution.node else None
