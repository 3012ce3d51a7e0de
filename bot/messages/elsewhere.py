"""What a message says where it could not be shown in its place: why, and what would help."""

from dataclasses import replace

from bot.ids import UserId
from bot.model import Message, Place
from bot.reply import (
    Line,
    Note,
    Reply,
    channel,
    line,
    load,
    mention,
    say,
    sentences,
)

# Slack calls a private channel that the bot is not in `channel_not_found`.
OUTSIDE = frozenset({"not_in_channel", "channel_not_found"})
NOWHERE = "neither in its place nor directly"  # the problem of a message that has no way to go
# Slack takes no reply there: the message is deleted, say, or its thread is locked.
NO_THREAD = frozenset(
    {"thread_not_found", "invalid_thread_ts", "cannot_reply_to_message", "thread_locked"}
    | {"restricted_action_thread_locked", "restricted_action_non_threadable_channel"}
    | {"message_not_found"}
)


def invitation(place: Place, me: str) -> Line:
    """How to let the bot (`me`) into a channel."""
    return line(
        say(
            "To get messages in {channel}, type /invite {bot} there.",
            channel=channel(place.channel),
            bot=mention(UserId(me)),
        )
    )


def is_kept_back(card: Message) -> bool:
    """Whether the card was refused in its place, and nowhere else was tried yet."""
    return card.ref is None and card.problem in OUTSIDE


def alone(card: Message, me: str, *, is_open: bool = False) -> Reply:
    """A card for its requester alone, where they typed and it could not be shown.

    What becomes of one that `is_open` they are told directly, and nothing of it before.
    """
    where = channel(card.place.channel)
    why = say("I am not in {channel}.", channel=where)
    if is_open:
        why = say(
            "I am not in {channel}, so you get the outcome as a direct message.", channel=where
        )
    note = Note(sentences((why, invitation(card.place, me))))
    return replace(load(card.content).also(note), private=True)


def beside(card: Message, what: Line, me: str) -> Reply | None:
    """Tell the requester, where they asked, where the card is and why it is not there.

    Gives the card itself if it stands nowhere else, None if it stands there. `what` names it.
    """
    wanted = card.place
    if not wanted.channel.startswith(("C", "G")):
        return None
    where = channel(wanted.channel)
    if card.ref is None and card.problem == NOWHERE:
        why = say("I am not in {channel}, and I may send no direct messages.", channel=where)
        told = Note(sentences((why, invitation(wanted, me))))
        return replace(load(card.content).also(told), private=True)
    if card.ref is None or card.ref.channel == wanted.channel:
        return None
    found = say(
        "The card of “{request}” is in our direct messages, and so is its end.", request=what
    )
    if card.problem not in OUTSIDE:
        why = say("I cannot post in {channel}.", channel=where)
        return Reply.of(sentences((found, why)), private=True)
    why = say("I am not in {channel}.", channel=where)
    return Reply.of(sentences((found, why, invitation(wanted, me))), private=True)


def explained(reply: Reply, place: Place, reason: str, me: str) -> Reply:
    """The reply, with a word on why it does not stand in `place`."""
    where = channel(place.channel)
    if reason in OUTSIDE:
        why = say("I am not in {channel}, so this comes here.", channel=where)
        return reply.also(Note(sentences((why, invitation(place, me)))))
    if reason == "is_archived":
        why = say("{channel} is archived, so this comes here.", channel=where)
    elif reason in NO_THREAD:
        why = say("I cannot reply in that thread of {channel}, so this comes here.", channel=where)
    else:
        why = say("I cannot post in {channel}, so this comes here.", channel=where)
    return reply.also(Note(line(why)))
