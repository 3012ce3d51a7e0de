"""Puts up what people see of a change: its card with all copies, and messages of their own.

Whatever is put up here names who requested the change and who approved it.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot.ids import UserId
from bot.messages.cards import (
    DIGESTS,
    ENDS,
    answered_key,
    card_key,
    owner_of,
    signed,
    unmentioned,
)
from bot.messages.glass_cards import glass_key, glass_note, is_glass_note
from bot.messages.review_cards import read_by
from bot.messages.wishes import wishes
from bot.model import DigestHour, Execution, ExecutionStatus, MessageRef, Place, ReviewKind
from bot.reply import Actions, Reply, dump, load
from storage import UnitOfWork
from storage.handover import Urgency


async def show_card(
    tx: UnitOfWork,
    execution: Execution,
    card: Reply,
    now: datetime,
    *,
    can_wait: bool = False,
    at_once: bool = True,
) -> None:
    """Let the card and every copy of it say `card`, in the unit of work of what it tells.

    What runs without approval says so until its end, and who still has to review it. What
    `can_wait` is left out where the next thing comes soon after what was shown last; `at_once`: it
    is sent once this is committed, where that can be done, not at the next delivery.
    """
    if execution.arguments.get("break_glass"):
        card = await _marked(tx, execution, card)
    whole = signed(execution, card)
    content = dump(whole)
    key = card_key(execution.id)
    how = Urgency(can_wait, at_once)
    read = await _reading(tx, execution, whole, content)
    own = content if execution.place.is_channel else read(execution.actor)
    await tx.messages.put(key, execution.place, own, now, urgency=how)
    if (asked := await _asked_elsewhere(tx, execution)) is not None:
        await tx.messages.put(f"{key}:{asked.channel}", asked, content, now, urgency=how)
    await _put_copies(tx, key, content, now, how, read)


async def show_copies(tx: UnitOfWork, execution: Execution, card: Reply, now: datetime) -> None:
    """Let the copies of the card say `card`, where the card itself is shown to nobody."""
    whole = signed(execution, card)
    content = dump(whole)
    read = await _reading(tx, execution, whole, content)
    await _put_copies(tx, card_key(execution.id), content, now, Urgency(), read)


async def _put_copies(
    tx: UnitOfWork,
    key: str,
    content: str,
    now: datetime,
    how: Urgency,
    read: Callable[[str], str],
) -> None:
    for copy in await tx.messages.copies(key):
        if copy.key != key and not copy.was_said:
            owner = owner_of(key, copy.key)
            said = read(owner) if _is_person(owner) else content
            await tx.messages.put(copy.key, copy.place, said, now, urgency=how)


def _is_person(owner: str) -> bool:
    return owner.startswith(("U", "W"))


async def _reading(
    tx: UnitOfWork, execution: Execution, whole: Reply, content: str
) -> Callable[[str], str]:
    """What a copy of the card says that one person alone reads, by that person."""
    if not any(isinstance(part, Actions) for part in whole.parts):
        return lambda _reader: content
    approval = await tx.approvals.for_execution(execution.id)
    votes = await tx.votes.of(approval.id) if approval is not None else ()
    return lambda reader: dump(read_by(whole, reader, execution, approval, votes))


async def _asked_elsewhere(tx: UnitOfWork, execution: Execution) -> Place | None:
    """Where the broken glass was announced, if it was pressed on a copy or in the Home."""
    if not execution.arguments.get("break_glass"):
        return None
    announced = await tx.messages.find(glass_key(execution.id))
    if announced is None or announced.place.channel == execution.place.channel:
        return None
    return announced.place


async def tell(
    tx: UnitOfWork,
    execution: Execution,
    key: str,
    place: Place,
    told: Reply,
    now: datetime,
    *,
    under: str = "",
) -> None:
    """Say something of the change in a message of its own, in the unit of work of what it tells.

    It belongs in the thread of the message `under`, by its key, where there is such a message.
    """
    await tx.messages.put(key, place, dump(signed(execution, told)), now, under=under)


async def tell_end(
    tx: UnitOfWork, execution: Execution, key: str, told: Reply, now: datetime, *, is_news: bool
) -> None:
    """Tell how it ended in the thread of its card; to the channel as well what is news there.

    A good end is by what was done (`is_news`), a failure always. What was requested
    in a thread stays in that one. The requester and the channel may want less, or later (`wishes`):
    whoever must not be mentioned now is told directly once their quiet hours are over.
    """
    place, want = execution.place, await wishes(tx, execution)
    told = want.told(told, is_news=is_news, in_thread=bool(place.thread))
    held = want.held_until(told, now, is_channel=place.is_channel)
    if place.is_channel and (called := want.called_at(told, held or now)) is not None:
        told = unmentioned(told)
        direct = dump(replace(told, broadcast=False))
        own = f"{key}:{execution.actor}"
        await tx.messages.put(own, Place.direct(execution.actor), direct, now, held_until=called)
    content = dump(told if told.quiet else signed(execution, told))
    under = card_key(execution.id)
    digests = want.digests if told.end == ExecutionStatus.DONE else {}
    is_told_later = bool(digests) and not place.is_channel
    end = await tx.messages.put(
        key, place, content, now, under=under, held_until=held,
        not_before=now if is_told_later else None,
    )  # fmt: skip
    if is_told_later and end.ref is None:  # nobody should read it twice in their direct messages
        await tx.messages.was_said(key)
    await _into_digests(tx, key, place, told, digests, now)


async def _into_digests(
    tx: UnitOfWork,
    key: str,
    place: Place,
    told: Reply,
    digests: Mapping[Place, DigestHour],
    now: datetime,
) -> None:
    """Keep a good end for the digests of the requester and the channel, where they want one."""
    content = dump(replace(unmentioned(told), parts=unmentioned(told).parts[:1], broadcast=False))
    for where, hour in digests.items():
        if place.thread and where.channel == place.channel:
            continue
        name = f"{DIGESTS}{key.removeprefix(ENDS)}:{where.channel}"
        await tx.messages.put(name, where, content, now, held_until=hour.after(now))


async def mark_reviewed(tx: UnitOfWork, execution: Execution, now: datetime) -> None:
    """Let the card of what ran without approval say who has reviewed it."""
    shown = await tx.messages.find(card_key(execution.id))
    if shown is not None:
        with suppress(ValueError):  # of another version, or damaged: then it stays as it is
            await show_card(tx, execution, load(shown.content), now)


async def _marked(tx: UnitOfWork, execution: Execution, card: Reply) -> Reply:
    approval = await tx.approvals.for_execution(execution.id)
    if approval is None or approval.kind is not ReviewKind.AFTERWARDS:
        return card
    key = glass_key(execution.id)
    copies = [copy.key for copy in await tx.messages.copies(key)]
    people = [UserId(owner) for one in copies if (owner := owner_of(key, one))]
    kept = tuple(part for part in card.parts if not is_glass_note(part))
    return replace(card, parts=(*kept, glass_note(approval, people)))


async def keep_true(
    tx: UnitOfWork, shown: Reply, place: Place, ref: MessageRef, now: datetime
) -> None:
    """Let an answer that shows a card say from now on what the card says.

    Where the card has gone on since it was read, the answer says that at once.
    """
    if shown.copy_of is None:
        return
    key, version = shown.copy_of
    own = answered_key(key, ref)
    await tx.messages.put(own, place, dump(shown), now, not_before=now)
    await tx.messages.stands(own, ref)
    card = await tx.messages.find(key)
    if card is not None and card.version != version:
        await tx.messages.put(own, place, card.content, now)


async def copy_card(
    tx: UnitOfWork, execution: Execution, card: Reply, user: UserId, now: datetime
) -> None:
    """Let `user` have a copy of the card in their direct messages from now on."""
    key = f"{card_key(execution.id)}:{user}"
    whole = signed(execution, card)
    content = (await _reading(tx, execution, whole, dump(whole)))(user)
    await tx.messages.put(key, Place.direct(user), content, now)
