"""What one look has shown, and how observers are asked. Knows neither rows nor cards."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from bot.dbc.errors import DaemonUnavailable, DbcError, OutcomeUnknown
from bot.dbc.identity import Target
from bot.errors import BotError
from bot.model import DbcSession, Deed, Watch
from bot.reply import Part, Words, say
from bot.services.sessions import target_of
from bot.watches.machine_ends import WAIT, Verdict

# Seconds after the nth look; then every 12 s: the tick and the node take their time as well.
_PAUSES = (2, 3, 3, 5, 5, 8, 10, 12)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look has shown.

    `status` is what was seen, in few words (`keep`): the card is edited when it changes, and then
    says `parts` and `detail` (nothing where that is None). `about` is remembered beside what is
    known. `moved` says that it was seen at work; `advanced` that its deadline counts from now.
    """

    verdict: Verdict = WAIT
    status: str = ""
    pause: timedelta = timedelta(seconds=5)
    detail: Words | None = None
    parts: tuple[Part, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    moved: bool = False
    advanced: bool = False


STEADY_AFTER = len(_PAUSES) - 1  # looks, from which on pauses no longer grow

Seen = Mapping[str, Sight | BotError]
Deeds = Callable[[str], Deed]  # what a command does, by its id


class LookFailed(BotError):
    """A look met what nobody expected, which is its `__cause__`."""


class Observer(Protocol):
    """Looks at things of its kind. Changes nothing."""

    async def look(self, session: DbcSession, watches: Sequence[Watch]) -> Seen:
        """What is seen of each, by the watch's id; or why nothing could be seen."""
        ...


def growing_pause(polls: int) -> timedelta:
    """How long to wait after the nth look: short at first."""
    return timedelta(seconds=_PAUSES[min(polls, len(_PAUSES) - 1)])


async def one_by_one(
    session: DbcSession,
    watches: Sequence[Watch],
    look: Callable[[Target, Watch], Awaitable[Sight]],
) -> Seen:
    """Ask about each in turn. Once the node is silent, or cannot reach the chain, the rest is not
    asked: each unanswered request costs the daemon a slot, and each failing look at the chain
    holds up the node's one thread (docs/dbc-api.md §1.6).
    """
    target = target_of(session)
    seen: dict[str, Sight | BotError] = {}
    silence: BotError | None = None
    for watch in watches:
        if silence is not None:
            seen[watch.id] = silence
            continue
        try:
            seen[watch.id] = await look(target, watch)
        except BotError as problem:
            seen[watch.id] = problem
            if isinstance(problem, DbcError) and problem.passes:
                silence = problem
        except Exception as error:  # noqa: BLE001 - one keeps no other from being looked at
            failed = LookFailed(say("Looking at it failed on my side."))
            failed.__cause__ = error
            seen[watch.id] = failed
    return seen


def is_silence(problem: BotError) -> bool:
    """Whether nothing came back, as opposed to an answer that is of no use."""
    return isinstance(problem, DaemonUnavailable | OutcomeUnknown) and problem.passes
