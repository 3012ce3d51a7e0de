"""What a review shows of its target: its state at this moment, and what would be lost with it."""

import asyncio
from collections.abc import Mapping

from bot.commands.bind import Bound
from bot.commands.context import Context
from bot.commands.table import Command
from bot.dbc.models import state_of
from bot.errors import BotError
from bot.model import Goal
from bot.services.review_cards import LAST_SEEN, STATE


async def facts_of(
    command: Command, bound: Bound, context: Context, patience: float
) -> Mapping[str, str]:
    """The facts by name; after `patience` seconds without an answer, what was seen before."""
    machine = bound.machine
    if machine is None:
        return {}
    try:
        target = await context.target(machine)
        async with asyncio.timeout(patience):
            detail = await context.dbc.tasks.get(target, machine.task)
            found = {STATE: state_of(detail.status)}
            # What only loses its power keeps them, and what loses one of them says which.
            if command.follow is not None and command.follow.goal is Goal.GONE:
                found["Disks"] = ", ".join(f"{d.name} {d.size}" for d in detail.disks) or "none"
                snapshots = await context.dbc.snapshots.list(target, machine.task)
                found["Snapshots"] = ", ".join(s.name for s in snapshots) or "none"
    except (BotError, TimeoutError):
        return {LAST_SEEN: f"{state_of(machine.status)}; the node does not answer just now"}
    return found
