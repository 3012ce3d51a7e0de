"""The App Home: what waits for a person, their machines and sessions, with buttons that work."""

from collections.abc import Sequence

from bot.commands.context import Services
from bot.commands.groups.shown import OPEN_FORM, machine_row, stacked
from bot.commands.waiting import Waiting, waiting_for
from bot.dbc.models import state_of
from bot.model import Machine
from bot.ports import DeliveryFailed
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
from bot.services.review_cards import CANCEL

_MOST_WAITING = 5  # in full; a Home takes 100 blocks


async def home(services: Services, user: str) -> Reply:
    """What `user` sees, from what is known here: no node is asked."""
    hidden = await services.reviews.reviewers.hidden(user, "", "vm.list")
    usable = await services.sessions.usable(user)
    sessions = [session for session in usable if session.node not in hidden]
    seen = await services.inventory.machines(user)
    machines = [machine for machine in seen if machine.node not in hidden]
    async with services.store.read() as tx:
        followed = await tx.watches.open(asked_by=user)
    watches = [watch for watch in followed if watch.node not in hidden]
    parts: list[Part] = [*await _waiting(services, user), Heading("Your machines")]
    parts += await _machines(services, machines)
    if watches:
        rows = [
            line("• ", bold(w.label), f": {state_of(w.status) if w.status else 'queued'}")
            for w in watches
        ]
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


async def _waiting(services: Services, user: str) -> list[Part]:
    """What the person is to decide, and what is theirs, as in full as its card."""
    try:
        found = await waiting_for(services, user)
    except DeliveryFailed:
        return []
    mine = [one for one in found if one.is_mine and not one.for_me and not one.is_glass]
    return [
        *await _in_full(services, "Waiting for you", [one for one in found if one.for_me]),
        *await _in_full(services, "Your requests, waiting for others", mine),
    ]


async def _in_full(services: Services, head: str, found: Sequence[Waiting]) -> list[Part]:
    if not found:
        return []
    parts: list[Part] = [Heading(head)]
    for one in found[:_MOST_WAITING]:
        card = await services.reviews.card(one.approval)
        shown = card.parts if one.for_me else map(_to_cancel, card.parts)
        parts += [*shown, Divider()]
    if len(found) > _MOST_WAITING:
        more = f"{len(found) - _MOST_WAITING} more: "
        parts.append(Note(line(more, command("approval list"))))
    return parts


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
