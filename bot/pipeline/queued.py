"""What waits for its turn at a machine, and behind what: for lists, the App Home and dry runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.ids import ChannelId, UserId
from bot.language.row_parts import Listing
from bot.language.table import Command, Table
from bot.messages import turn_cards
from bot.messages.cards import Subject
from bot.model import Execution, ExecutionStatus
from bot.pipeline.context import Services
from bot.pipeline.joined import wanted
from bot.pipeline.turns import ahead_of
from bot.reply import Line, Text


@dataclass(frozen=True, slots=True)
class Queued:
    """A change that waits, its command, and what is ahead of it, in the order of turns."""

    execution: Execution
    command: Command
    ahead: Sequence[Execution]


async def queued_for(
    services: Services, user: UserId, channel: ChannelId = ChannelId("")
) -> list[Queued]:
    """What `user` has waiting, oldest first; with a channel, also what others requested there.

    What the rules hide from them is not among it.
    """
    now, table = services.clock.now(), services.table
    async with services.store.read() as tx:
        mine = [
            one
            for one in await tx.turns.waiting()
            if one.actor == user or (channel and one.place.channel == channel)
        ]
        if not mine:
            return []
        commands = {one.id: table.spoken_of(one.command) for one in mine}
        ahead = {one.id: await ahead_of(tx, commands[one.id], one, now) for one in mine}
    hidden = await services.reviews.reviewers.hidden(user, channel, table.listing(Listing.MACHINES))
    return [Queued(one, commands[one.id], ahead[one.id]) for one in mine if one.node not in hidden]


async def told(services: Services, one: Queued) -> Line:
    """What was requested, by whom, and what is ahead of it, a line each."""
    execution = one.execution
    label = await services.inventory.label(execution.node)
    what = wanted(one.command, execution, Subject(execution.label, execution.task, label))
    return turn_cards.in_short(execution, what, titled(services.table, one.ahead))


def titled(table: Table, ahead: Sequence[Execution]) -> list[tuple[Execution, Text]]:
    """Each with what its command does."""
    return [(one, table.spoken_of(one.command).called_with(one.known)) for one in ahead]


async def data_of(services: Services, one: Queued) -> Mapping[str, Any]:
    """What a list says of it by name."""
    execution, title = one.execution, one.command.title
    return {
        "id": execution.id,
        "command": title,
        "machine": execution.label or None,
        "task": execution.task or None,
        "node": await services.inventory.label(execution.node),
        "node_id": execution.node,
        "asked_by": execution.actor,
        "asked_at": execution.created_at,
        "status": "waiting_for_turn",
        "behind": [
            {
                "id": it.id,
                "command": services.table.spoken_of(it.command).title,
                "asked_by": it.actor,
                "asked_at": it.created_at,
                "is_sent": it.status is not ExecutionStatus.RECORDED,
            }
            for it in one.ahead
        ],
    }
