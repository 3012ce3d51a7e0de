"""Looks at one machine for a card, a form or an answer; what was read is kept like any list."""

from bot.dbc.models import TaskDetail
from bot.model import Machine
from bot.pipeline.context import Context
from bot.services.left_out import as_read, machine_of
from bot.services.sessions import target_of


async def look_at(context: Context, machine: Machine, *, keeps_all: bool = False) -> TaskDetail:
    """What its node says of a machine now; lists and Home say so from then on.

    Nothing is written down of one that is as it was known, unless it `keeps_all`, such as for who
    asks again while the node is silent. Raises Refused without a session, and what DBC refuses.
    """
    services = context.services
    session = await context.session_on(machine)
    asked_at = services.clock.now()
    detail = await context.dbc.tasks.get(target_of(session), machine.task)
    seen = as_read(machine, machine_of(session, machine.task, detail, asked_at))
    known = (await services.store.known()).machines([(session.user, session.node)])
    is_news = (seen.task, seen.status) not in {(one.task, one.status) for one in known}
    if is_news or keeps_all:
        await services.last_known.saw(session, machine.task, detail, asked_at, seen)
    return detail
