"""Tells a refusal from the answer to a second copy of the same request, made on the way.

The first copy went through, and the node refuses the second one since it did.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from bot.dbc.errors import DbcError
from bot.dbc.models import said_state
from bot.errors import BotError
from bot.language.table import Command
from bot.model import MACHINE_GOALS, Noted, Watch, WatchState
from bot.pipeline.context import Services
from bot.reply import Text, keep, say
from bot.watches.late import LOOKED_FOR
from bot.watches.machine_ends import has_moved, verdict
from bot.watches.observers.absence import is_missed
from storage import Store

log = structlog.get_logger()


async def went_through(
    services: Services, command: Command, watch: Watch, error: BotError
) -> Mapping[str, str] | None:
    """What was learnt where the effect of a refused change shows; None where the refusal is one.

    `watch` is what would follow the change. One look decides. It proves nothing where
    the machine was already as wanted before, or where another command may have done it since.
    Where the look itself fails, what the node has said stays what is known.
    """
    try:
        return await _seen_through(services, command, watch, error)
    except BotError:
        return None
    except Exception:  # a fault of ours is no reason not to tell the refusal
        log.exception("refusal.not_looked_into", execution=watch.execution)
        return None


async def _seen_through(
    services: Services, command: Command, watch: Watch, error: BotError
) -> Mapping[str, str] | None:
    watch = replace(watch, about={**watch.about, **error.learnt})
    if command.repeated is None or not command.repeated(error, watch.about):
        return None
    is_of_machine = watch.goal in MACHINE_GOALS
    if is_of_machine and (
        _was_so(watch, command, services) or await _has_rival(watch, services.store)
    ):
        return None
    sight = await services.watches.look_once(watch)
    if sight is None or isinstance(sight, BotError):
        return None
    is_done = sight.verdict.state is WatchState.DONE
    if not (is_done or sight.moved or is_missed(sight.about)):
        return None
    text = error.dbc_text if isinstance(error, DbcError) else ""
    given: Text = text or error.words
    learnt = {
        **error.learnt,
        Noted.ANSWERED: keep(say("The node answered: “{answer}”.", answer=given)),
    }
    if not is_of_machine:
        return learnt
    twice = say(
        "The node answered: “{answer}”. The machine was {state} just before, so this request "
        "probably arrived twice, and the first one did it.",
        answer=given,
        state=said_state(watch.about[Noted.WAS]),
    )
    return {**learnt, Noted.TWICE: keep(twice)}


async def _has_rival(watch: Watch, store: Store) -> bool:
    """Whether another command of the bot may have done it since the machine was looked at."""
    looked_at = watch.about.get(Noted.LOOKED_AT)
    if looked_at is None:
        return True
    since = datetime.fromisoformat(looked_at)
    async with store.read() as tx:
        execution = await tx.executions.get(watch.execution)
        return await tx.executions.has_rival(
            execution, since=since, unknown_since=since - LOOKED_FOR, of_any_command=True
        )


def _was_so(watch: Watch, command: Command, services: Services) -> bool:
    """Whether the machine was as it was to be, or on its way to somewhere, as far as is known.

    What was seen longer ago proves nothing: somebody else may have done it since.
    """
    was = watch.about.get(Noted.WAS)
    if was is None:
        return True
    found = verdict(watch, services.table.deed(command.id), was, services.clock.now())
    return found.state is WatchState.DONE or has_moved(was)
