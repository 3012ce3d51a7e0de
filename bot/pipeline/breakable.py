"""The pending requests that somebody may let run at once, for whoever types that they want that.

What they may is asked anew once they press, and the rules are asked again for the request itself.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.ids import UserId
from bot.messages import ways
from bot.messages.review_cards import BREAK
from bot.model import Approval, ApprovalStatus, Execution, Machine, Place, ReviewKind
from bot.pipeline.context import Services
from bot.ports import DeliveryFailed
from bot.reply import Actions, Button, Note, Para, Part, Reply, bold, code, command, line, say

_MOST = 5


async def breakable(
    services: Services, actor: UserId, place: Place, machine: Machine | None
) -> Reply:
    """Each of these requests with its button; of one machine alone where some are about it."""
    found = await _open_to(services, actor, place)
    about = [one for one in found if machine and one[1].task == machine.task]
    found = about or found
    if not found:
        return _none()
    head = say("Pending requests on which you may break the glass")
    parts: list[Part] = [Para(line(bold(head)))]
    for approval, _ in found[:_MOST]:
        glass = Button(say("Break glass …"), BREAK, approval.id)
        asked = await services.reviews.questions.asked(approval)
        parts += [Para(asked), Actions((glass, ways.to_approval(approval)))]
    parts.append(Note(line(say("See all: {command}", command=command("approval list")))))
    return Reply(head, tuple(parts), private=True)


def _none() -> Reply:
    told = say("No pending request lets you break the glass.")
    how = say(
        "For a new request, add the reason to its command: {option}", option=code('break_glass="…"')
    )
    return Reply(told, (Para(line(told)), Note(line(how))), private=True)


async def _open_to(
    services: Services, actor: UserId, place: Place
) -> Sequence[tuple[Approval, Execution]]:
    """What waits where they typed, is theirs, or is of their node, and they may let run at once."""
    now = services.clock.now()
    async with services.store.read() as tx:
        pending = [one for one in await tx.approvals.open() if one.expires_at > now]
        asked = await tx.executions.some([one.execution for one in pending])
    found = []
    for approval in pending:
        execution = asked[approval.execution]
        is_open = approval.kind is ReviewKind.APPROVE and approval.status is ApprovalStatus.PENDING
        is_near = execution.actor == actor or await services.sessions.is_entitled(
            actor, execution.node, place.channel
        )
        if is_open and is_near and await _may_break(services, replace(execution, actor=actor)):
            found.append((approval, execution))
    return found


async def _may_break(services: Services, asked: Execution) -> bool:
    """Whether the rules let them; where Slack does not say, the press will tell."""
    try:
        decision = await services.reviews.reviewers.decision(asked, glass=True)
    except DeliveryFailed:
        return True
    return decision.break_glass
