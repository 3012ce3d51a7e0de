"""What a message says where it could not be shown in its place: why, and what would help."""

from bot.model import Place
from bot.reply import Line, Note, Reply, channel, line, mention

# Slack calls a private channel that the bot is not in `channel_not_found`.
OUTSIDE = frozenset({"not_in_channel", "channel_not_found"})
_NO_THREAD = frozenset(
    {"thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked"}
)


def invitation(place: Place, me: str) -> Line:
    """How to let the bot (`me`) into a channel."""
    return line(
        "To get them in ", channel(place.channel), ", type /invite ", mention(me), " there."
    )


def explained(reply: Reply, place: Place, reason: str, me: str) -> Reply:
    """The reply, with a word on why it does not stand in `place`."""
    where = channel(place.channel)
    if reason in OUTSIDE:
        why = line("I am not in ", where, ", so my messages from there come here. ")
        return reply.also(Note(line(why, invitation(place, me))))
    if reason == "is_archived":
        why = line(where, " is archived, so this comes here.")
    elif reason in _NO_THREAD:
        why = line("I cannot reply in that thread of ", where, ", so this comes here.")
    else:
        why = line("I cannot post in ", where, ", so this comes here.")
    return reply.also(Note(why))
