"""The App Home: what waits for a person, their machines and sessions, with buttons that work."""

from collections.abc import Sequence, Set
from contextlib import nullcontext

from bot.commands import home_access, home_machines
from bot.commands.home_machines import At
from bot.commands.order_notes import ending
from bot.errors import Refused
from bot.ids import ChannelId, UserId
from bot.language.row_parts import Listing
from bot.messages.turn_cards import WITHDRAW
from bot.model import Machine
from bot.pipeline import queued
from bot.pipeline.context import Services
from bot.pipeline.ended import ended_of
from bot.pipeline.formatting import stacked
from bot.pipeline.holding import frozen_now
from bot.pipeline.rights import require_colleague
from bot.pipeline.under_way import under_way
from bot.pipeline.waiting import Waiting, waiting_for
from bot.ports import HOME_PAGE, DeliveryFailed, slack_does_not_say
from bot.reply import (
    Actions,
    Button,
    Divider,
    Heading,
    Note,
    Para,
    Part,
    Reply,
    Text,
    Words,
    command,
    emoji,
    line,
    say,
    say_number,
    time,
)
from bot.services.people import at_a_glance

_PAGE = 5  # in full, at a time; a Home takes 100 blocks


async def home(
    services: Services, user: UserId, pages: str = "", *, is_open: bool = False
) -> Reply:
    """What `user` sees, from what is known here: no node is asked.

    `pages` are that of what waits and that of the machines, `2.1`; behind words that machines are
    sought by, also the one to go back to, `2.1.3 train`. One that is no longer there is the last
    one. Raises DeliveryFailed where it `is_open` and Slack does not say what belongs in
    it: what stands there already says more.
    """
    at = At.read(pages)
    with at_a_glance() if is_open else nullcontext():
        why = await _barred(services, user, is_open=is_open)
    waiting = [*await _frozen(services)]
    try:
        with at_a_glance():  # a click in it asks anew
            if at.words:
                waiting += await _in_short(services, user, at.back)
            else:
                waiting += await _waiting(services, user, at.waiting, at.machines)
    except DeliveryFailed:
        if is_open:
            raise
        waiting += _untold()
    if why:
        return Reply(
            say("Your machines"), (*waiting, Heading(say("Your machines")), Para(line(why)))
        )
    if at.words:
        told = await home_machines.listings(services, user)
        ended = await ended_of(services, await services.sessions.usable(user))
        found = await home_machines.found(services, user, told, at, ended)
        return Reply(say("Your machines"), (*waiting, *found))
    return await _with_machines(services, user, waiting, at)


async def _barred(services: Services, user: UserId, *, is_open: bool) -> Words:
    """Why somebody sees no machines; empty where they may."""
    try:
        await require_colleague(services, user)
    except Refused as refusal:
        return refusal.words
    except DeliveryFailed:
        if is_open:
            raise
        return slack_does_not_say().words
    return ""


def _untold() -> list[Part]:
    """In place of what waits: nobody is to take silence for nothing."""
    told = say(
        "Slack does not say at the moment what waits for you. See it in a minute: {command}",
        command=command("approval list"),
    )
    return [Para(line(emoji("warning"), " ", told)), Divider()]


async def _with_machines(
    services: Services, user: UserId, waiting: Sequence[Part], at: At
) -> Reply:
    hidden = await services.reviews.reviewers.hidden(
        user, ChannelId(""), services.table.listing(Listing.MACHINES)
    )
    usable = await services.sessions.usable(user)
    sessions = [session for session in usable if session.node not in hidden]
    told = await home_machines.listings(services, user)
    machines = [machine for one in told for machine in one.machines]
    asked = await home_access.asked_of(services, user)
    parts = [*waiting, *asked, *([Divider()] if asked else [])]
    parts += await _in_progress(services, user, machines, hidden)
    parts += await _in_line(services, user)
    parts.append(Heading(say("Your machines")))
    ended = await ended_of(services, sessions)
    parts += await ending(services, ended, user)
    if sessions:
        parts += await home_machines.by_node(services, user, told, at, ended)
    else:
        parts += await home_access.newcomer(services, user, hidden)
    places = [one.node for one in await services.inventory.of_gpu_nodes(sessions)]
    parts += [
        home_access.first_steps(has_access=bool(sessions), can_create=ended.takes_new(places)),
        Divider(),
        *await home_access.access(services, user, sessions),
        home_access.language(services, user),
        Note(line(say("Everything else: {command}", command=command("help")))),
    ]
    return Reply(say("Your machines"), tuple(parts))


async def _frozen(services: Services) -> list[Part]:
    frozen = await frozen_now(services.store)
    return [] if frozen is None else [Para(line(emoji("ice_cube"), " ", frozen)), Divider()]


async def _in_progress(
    services: Services, user: UserId, machines: Sequence[Machine], hidden: Set[str]
) -> list[Part]:
    async with services.store.read() as tx:
        followed = await tx.watches.open(asked_by=user)
    watches = [watch for watch in followed if watch.node not in hidden]
    if not watches:
        return []
    told = [await under_way(services, watch, machines) for watch in watches]
    rows = [
        line("• ", one, " · ", say("since {time}", time=time(watch.started_at)))
        for watch, (one, _) in zip(watches, told, strict=True)
    ]
    return [Heading(say("In progress")), Para(stacked(rows)), Divider()]


async def _in_line(services: Services, user: UserId) -> list[Part]:
    """The person's changes that wait for others of the same machine, each with its way out."""
    found = [one for one in await queued.queued_for(services, user) if one.execution.actor == user]
    if not found:
        return []
    parts: list[Part] = [Heading(say("Waiting for other changes of the machine"))]
    for one in found[:_PAGE]:
        button = Button(say("Withdraw"), WITHDRAW, one.execution.id)
        parts += [Para(await queued.told(services, one)), Actions((button,))]
    if len(found) > _PAGE:
        told = say("{count} more: {command}", count=len(found) - _PAGE,
            command=command("approval list"))  # fmt: skip
        parts.append(Note(line(told)))
    return [*parts, Divider()]


async def _waiting(services: Services, user: UserId, page: int, beside: int) -> list[Part]:
    """What the person is to decide, and what is theirs, as in full as its card.

    Raises DeliveryFailed while Slack does not say what that is.
    """
    found = await waiting_for(services, user)
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
        parts += await _in_full(services, user, head, here)
    if count > _PAGE:
        parts += _pages(page, count, beside)
    return parts


async def _in_short(services: Services, user: UserId, back: int) -> list[Part]:
    """How many requests wait for the person, above what they look for.

    Raises DeliveryFailed while Slack does not say what that is.
    """
    count = sum(one.for_me for one in await waiting_for(services, user))
    if not count:
        return []
    told = say_number(
        "{number} request waits for your decision: {command}",
        "{number} requests wait for your decision: {command}",
        count, command=command("approval list"),
    )  # fmt: skip
    shows = Button(say("Show requests"), HOME_PAGE, f"1.{back}")
    return [Para(line(told)), Actions((shows,)), Divider()]


async def _in_full(
    services: Services, user: UserId, head: Text, found: Sequence[Waiting]
) -> list[Part]:
    if not found:
        return []
    parts: list[Part] = [Heading(head)]
    for one in found:
        card = await services.reviews.questions.card(one.approval, user)
        parts += [*card.parts, Divider()]
    return parts


def _pages(page: int, count: int, beside: int) -> list[Part]:
    """`6 to 10 of 200`, and the ways to the others."""
    last = min(page * _PAGE, count)
    buttons = [Button(say("Previous"), HOME_PAGE, f"{page - 1}.{beside}")] if page > 1 else []
    if last < count:
        buttons.append(Button(say("Next"), HOME_PAGE, f"{page + 1}.{beside}"))
    told = say(
        "{first} to {last} of {count}. In short: {command}",
        first=(page - 1) * _PAGE + 1,
        last=last,
        count=count,
        command=command("approval list"),
    )
    return [Note(line(told)), Actions(tuple(buttons)), Divider()]
