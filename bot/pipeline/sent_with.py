"""With whose session a change is sent: read in the unit of work that claims it, and held to."""

from bot.language.table import Command
from bot.messages.facts import SESSION, session_told
from bot.model import Approval, DbcSession, Execution, Fact, ReviewKind
from bot.pipeline.context import Services
from bot.pipeline.covered import require_shown
from bot.pipeline.targets import Bound
from storage import UnitOfWork


async def sent_with(
    services: Services,
    tx: UnitOfWork,
    command: Command,
    execution: Execution,
    bound: Bound,
    reviewed: Approval | None,
) -> DbcSession | None:
    """The session that it is sent with, as people may use it now; None where it needs none.

    Raises Refused without one, and where another one was approved.
    """
    needs_one = services.table.needs_session(command) and not command.is_kept_here
    if bound.node is None or not needs_one:
        return None
    actor, channel = execution.actor, execution.place.channel
    session = await services.sessions.at_claim(tx, actor, bound.node, channel)
    if reviewed is not None and reviewed.kind is not ReviewKind.AFTERWARDS:
        require_shown(command, reviewed, {SESSION: session_fact(session)})
    return session


def session_fact(session: DbcSession) -> Fact:
    """What a review shows of a session, and which one of its owner's it is."""
    return Fact(session_told(session.user, session.rent_order, session.added_at))
