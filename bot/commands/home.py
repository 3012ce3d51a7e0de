"""The App Home: what waits for a person, their machines and sessions, with buttons that work."""

from collections.abc import Sequence

from bot.errors import Refused
from bot.language.table import Listing
from bot.messages.review_cards import CANCEL
from bot.model import DbcSession, Machine
from bot.pipeline.context import Services
from bot.pipeline.formatting import OPEN_FORM, machine_row, stacked
from bot.pipeline.rights import require_colleague
from bot.pipeline.under_way import under_way
from bot.pipeline.waiting import Waiting, waiting_for
from bot.ports import HOME_PAGE, DeliveryFailed, slack_does_not_say
from bot.reply import (
    Actions,
    Button,
    Divider,
    Heading,
    Line,
    Note,
    Para,
    Part,
    Reply,
    Text,
    bold,
    code,
    command,
    line,
    listed,
    say,
    time,
)

_PAGE = 5  # in full, at a time; a Home takes 100 blocks


async def home(services: Services, user: str, page: int = 1) -> Reply:
    """What `user` sees, from what is known here: no node is asked.

    `page` is of what waits; one that is no longer there is the last one.
    """
    waiting = await _waiting(services, user, page)
    try:
        await require_colleague(services, user)
    except (Refused, DeliveryFailed) as refusal:
        why = refusal.words if isinstance(refusal, Refused) else slack_does_not_say().words
        return Reply(
            say("Your machines"), (*waiting, Heading(say("Your machines")), Para(line(why)))
        )
    hidden = await services.reviews.reviewers.hidden(
        user, "", services.table.listing(Listing.MACHINES)
    )
    usable = await services.sessions.usable(user)
    sessions = [session for session in usable if session.node not in hidden]
    seen = await services.inventory.machines(user)
    machines = [machine for machine in seen if machine.node not in hidden]
    machines = await services.inventory.moments(machines)
    async with services.store.read() as tx:
        followed = await tx.watches.open(asked_by=user)
    watches = [watch for watch in followed if watch.node not in hidden]
    parts: list[Part] = [*waiting, Heading(say("Your machines"))]
    parts += await _machines(services, machines)
    if watches:
        told = [await under_way(services, watch, machines) for watch in watches]
        rows = [line("• ", one) for one, _ in told]
        parts += [Divider(), Heading(say("In progress")), Para(stacked(rows))]
    labels = [await _session(services, session, user) for session in sessions]
    parts += [
        Divider(),
        Heading(say("Your sessions")),
        Para(listed(labels) or line(say("None yet: add one to see your machines."))),
        Actions(
            (
                Button(
                    say("Create a machine"), OPEN_FORM, "vm.create", "primary" if sessions else ""
                ),
                Button(
                    say("Add a session"), OPEN_FORM, "session.add", "" if sessions else "primary"
                ),
            )
        ),
        Note(
            line(say("Everything else: {command}", command=code(f"{services.slash_command} help")))
        ),
    ]
    return Reply(say("Your machines"), tuple(parts))


async def _session(services: Services, session: DbcSession, user: str) -> Text:
    node = await services.inventory.label(session.node)
    return node if session.user == user else say("{node} (shared)", node=node)


async def _waiting(services: Services, user: str, page: int) -> list[Part]:
    """What the person is to decide, and what is theirs, as in full as its card."""
    try:
        found = await waiting_for(services, user)
    except DeliveryFailed:
        return []
    for_me = [one for one in found if one.for_me]
    mine = [one for one in found if one.is_mine and not one.for_me and not one.is_glass]
    count = len(for_me) + len(mine)
    page = max(1, min(page, -(-count // _PAGE)))
    begins = (page - 1) * _PAGE
    parts: list[Part] = []
    for head, some in (
        (say("Waiting for you"), for_me),
        (say("Your requests, waiting for others"), mine),
    ):
        here = some[max(begins, 0) : max(begins + _PAGE, 0)]
        begins -= len(some)
        parts += await _in_full(services, head, here)
    if count > _PAGE:
        parts += _pages(page, count)
    return parts


async def _in_full(services: Services, head: Text, found: Sequence[Waiting]) -> list[Part]:
    if not found:
        return []
    parts: list[Part] = [Heading(head)]
    for one in found:
        card = await services.reviews.card(one.approval)
        shown = card.parts if one.for_me else map(_to_cancel, card.parts)
        parts += [*shown, Divider()]
    return parts


def _pages(page: int, count: int) -> list[Part]:
    """`6 to 10 of 200`, and the ways to the others."""
    last = min(page * _PAGE, count)
    buttons = [Button(say("Previous"), HOME_PAGE, str(page - 1))] if page > 1 else []
    if last < count:
        buttons.append(Button(say("Next"), HOME_PAGE, str(page + 1)))
    told = say(
        "{first} to {last} of {count}. In short: {command}",
        first=(page - 1) * _PAGE + 1,
        last=last,
        count=count,
        command=command("approval list"),
    )
    return [Note(line(told)), Actions(tuple(buttons)), Divider()]


def _to_cancel(part: Part) -> Part:
    """Of a card's buttons the one that is for who asked."""
    if not isinstance(part, Actions):
        return part
    return Actions(tuple(button for button in part.buttons if button.action == CANCEL))


async def _machines(services: Services, machines: list[Machine]) -> list[Part]:
    if not machines:
        return [Para(line(say("None that I know of.")))]
    by_node: dict[str, list[Line]] = {}
    for machine in machines:
        by_node.setdefault(machine.node, []).append(machine_row(machine))
    parts: list[Part] = [
        Para(stacked([line(bold(await services.inventory.label(node))), *rows]))
        for node, rows in by_node.items()
    ]
    parts.append(
        Note(line(say("As last seen {what}.", what=time(min(m.seen_at for m in machines)))))
    )
    return parts
