"""What is said where nothing of it could be seen. Pure."""

from bot.errors import BotError
from bot.model import WatchState
from bot.reply import say
from bot.watches.machine_ends import Verdict

DAMAGED = Verdict(
    WatchState.UNKNOWN,
    say("{target} can no longer be looked at: the bot's record of it is damaged"),
    more=say("Check its present state."),
    resumable=False,
)
REMOVED = Verdict(
    WatchState.UNKNOWN, say("{target} can no longer be looked at: the session was removed")
)
NOT_SHARED = Verdict(
    WatchState.UNKNOWN,
    say("{target} can no longer be looked at: the session is not shared with you any more"),
)


def ours() -> BotError:
    """A look that failed by a fault of the bot."""
    return BotError(say("Looking at it failed on my side."))


def refused(problem: BotError) -> Verdict:
    """That the node refuses to tell, for good, and why."""
    why = say("{target} can no longer be looked at")
    return Verdict(WatchState.UNKNOWN, why, more=problem.words)


def not_in_time(problem: BotError, *, silent: bool) -> Verdict:
    """That nothing was seen by the deadline, and why."""
    if silent:
        why = say("{target} could not be looked at in time: the node does not answer")
        return Verdict(WatchState.UNKNOWN, why)
    why = say("{target} could not be looked at in time")
    return Verdict(WatchState.UNKNOWN, why, more=problem.words)
