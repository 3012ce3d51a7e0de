"""What a message says where it could not be shown in its place: why, and what would help."""

from dataclasses import replace

from bot.model import Message, Place
from bot.reply import Line, Note, Reply, channel, line, load, mention

# Slack calls a private channel that the bot is not in `channel_not_found`.
OUTSIDE = frozenset({"not_in_channel", "channel_not_found"})
NOWHERE = "neither in its place nor directly"  # the problem of a message that has no way to go
_NO_THREAD = frozenset(
    {"thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked"}
)


def invitation(place: Place, me: str) -> Line:
    """How to let the bot (`me`) into a channel."""
    return line(
        "To get messages in ", channel(place.channel), ", type /invite ", mention(me), " there."
    )


def is_kept_back(card: Message) -> bool:
    """Whether the card was refused in its place, and nowhere else was tried yet."""
    return card.ref is None and card.problem in OUTSIDE


def alone(card: Message, me: str, *, is_open: bool = False) -> Reply:
    """A card for its requester alone, where they typed and it could not be shown.

    What becomes of one that `is_open` they are told directly, and nothing of it before.
    """
    goes_on = ", so what comes of it comes by direct message" if is_open else ""
    why = line("I am not in ", channel(card.place.channel), f"{goes_on}. ")
    return replace(
        load(card.content).also(Note(line(why, invitation(card.place, me)))), private=True
    )


def beside(card: Message, what: Line, me: str) -> Reply | None:
    """Tell the requester, where they asked, where the card is and why it is not there.

    Gives the card itself if it stands nowhere else, None if it stands there. `what` names it.
    """
    wanted = card.place
    if not wanted.channel.startswith(("C", "G")):
        return None
    if card.ref is None and card.problem == NOWHERE:
        why = line("I am not in ", channel(wanted.channel), ", and I may send no direct messages. ")
        told = Note(line(why, invitation(wanted, me)))
        return replace(load(card.content).also(told), private=True)
    if card.ref is None or card.ref.channel == wanted.channel:
        return None
    found = line(what, " is in our direct messages, and so will be its end: ")
    if card.problem not in OUTSIDE:
        return Reply.of(found, "I cannot post in ", channel(wanted.channel), ".", private=True)
    why = line("I am not in ", channel(wanted.channel), ". ")
    return Reply.of(found, why, invitation(wanted, me), private=True)


def explained(reply: Reply, place: Place, reason: str, me: str) -> Reply:
    """The reply, with a word on why it does not stand in `place`."""
    where = channel(place.channel)
    if reason in OUTSIDE:
        why = line("I am not in ", where, ", so this comes here. ")
        return reply.also(Note(line(why, invitation(place, me))))
    if reason == "is_archived":
        why = line(where, " is archived, so this comes here.")
    elif reason in _NO_THREAD:
        why = line("I cannot reply in that thread of ", where, ", so this comes here.")
    else:
        why = line("I cannot post in ", where, ", so this comes here.")
    return reply.also(Note(why))
