"""The App Home: what waits for a person, their machines and sessions, with buttons that work."""

from collections.abc import Sequence

from bot.errors import Refused
from bot.messages.review_cards import CANCEL
from bot.model import Machine
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
    bold,
    code,
    command,
    line,
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
        why = refusal.sentence if isinstance(refusal, Refused) else slack_does_not_say().sentence
        return Reply("Your machines", (*waiting, Heading("Your machines"), Para(line(why))))
    hidden = await services.reviews.reviewers.hidden(user, "", "vm.list")
    usable = await services.sessions.usable(user)
    sessions = [session for session in usable if session.node not in hidden]
    seen = await services.inventory.machines(user)
    machines = [machine for machine in seen if machine.node not in hidden]
    async with services.store.read() as tx:
        followed = await tx.watches.open(asked_by=user)
    watches = [watch for watch in followed if watch.node not in hidden]
    parts: list[Part] = [*waiting, Heading("Your machines")]
    parts += await _machines(services, machines)
    if watches:
        told = [await under_way(services, watch, machines) for watch in watches]
        rows = [line("• ", one) for one, _ in told]
        parts += [Divider(), Heading("Under way"), Para(stacked(rows))]
    labels = [
        await services.inventory.label(session.node) + " (shared)" * (session.user != user)
        for session in sessions
    ]
    parts += [
        Divider(),
        Heading("Your sessions"),
        Para(line(", ".join(labels) if labels else "None yet: add one to see your machines.")),
        Actions(
            (
                Button("Create a machine", OPEN_FORM, "vm.create", "primary" if sessions else ""),
                Button("Add a session", OPEN_FORM, "session.add", "" if sessions else "primary"),
            )
        ),
        Note(line("Everything else: ", code(f"{services.slash_command} help"))),
    ]
    return Reply("Your machines", tuple(parts))


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
    for head, some in ("Waiting for you", for_me), ("Your requests, waiting for others", mine):
        here = some[max(begins, 0) : max(begins + _PAGE, 0)]
        begins -= len(some)
        parts += await _in_full(services, head, here)
    if count > _PAGE:
        parts += _pages(page, count)
    return parts


async def _in_full(services: Services, head: str, found: Sequence[Waiting]) -> list[Part]:
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
    buttons = [Button("Previous", HOME_PAGE, str(page - 1))] if page > 1 else []
    if last < count:
        buttons.append(Button("Next", HOME_PAGE, str(page + 1)))
    told = f"{(page - 1) * _PAGE + 1} to {last} of {count}. In short: "
    return [Note(line(told, command("approval list"))), Actions(tuple(buttons)), Divider()]


def _to_cancel(part: Part) -> Part:
    """Of a card's buttons the one that is for who asked."""
    if not isinstance(part, Actions):
        return part
    return Actions(tuple(button for button in part.buttons if button.action == CANCEL))


async def _machines(services: Services, machines: list[Machine]) -> list[Part]:
    if not machines:
        return [Para(line("None that I know of."))]
    by_node: dict[str, list[Line]] = {}
    for machine in machines:
        by_node.setdefault(machine.node, []).append(machine_row(machine))
    parts: list[Part] = [
        Para(stacked([line(bold(await services.inventory.label(node))), *rows]))
        for node, rows in by_node.items()
    ]
    parts.append(Note(line("As last seen ", time(min(m.seen_at for m in machines)), ".")))
    return parts
