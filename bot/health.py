"""Whether the bot can do its work, and if not, why: what readiness and the stop go by.

Whoever finds out reports it, by the name of what is at fault. Knows nothing of Slack.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from bot.clock import Clock
from bot.reply import Phrase, Text, plain, say

# The headers in which a bot's answers say on which database it is (`Settings.database_id`), and of
# which kind that is.
DATABASE = "Database"
DATABASE_KIND = "Database-Kind"
STARTING = say("The bot is starting: Slack has not answered it yet.")
# What flickers counts as down, and what was down for longer than the patience has to stay up for so
# long before it counts as up: a probe that changes its mind every second is of no use.
_PATIENCE = timedelta(seconds=30)
_SETTLES = timedelta(seconds=10)


_Look = Callable[[], Sequence[Text]]


class Steadiness:
    """Whether something is up, told so that neither a blip nor a flicker changes the answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._up_since: timedelta | None = None
        self._good_at: timedelta | None = None  # when it was last up for good

    def note(self, *, is_up: bool) -> None:
        """Note whether it is up now. The first time that it is, it counts at once."""
        now = self._clock.monotonic()
        if is_up and self._up_since is None:
            self._up_since = now
            self._good_at = now if self._good_at is None else self._good_at
        elif not is_up and self._up_since is not None:
            if now - self._up_since >= _SETTLES:
                self._good_at = now
            self._up_since = None

    @property
    def was_up(self) -> bool:
        """Whether it was ever up."""
        return self._good_at is not None

    @property
    def down_for(self) -> timedelta | None:
        """For how long it has been down, once somebody should act on that; else None."""
        now = self._clock.monotonic()
        if self._up_since is not None and now - self._up_since >= _SETTLES:
            self._good_at = now
        if self._good_at is None or now - self._good_at <= _PATIENCE:
            return None
        return now - self._good_at


class Health:
    """The faults that keep the bot from its work, in the order in which they came up.

    The process stops for those that are fatal; it waits for the others to pass. Whoever reaches the
    health port, or reads systemd's status, is told them: none names people, machines or paths.
    """

    def __init__(
        self, told: Callable[[str], str] = str, database: str = "", kind: str = ""
    ) -> None:
        """`told` says of a sentence what others read in its place; `database` is the bot's."""
        self._told = told
        self.database = database
        self.kind = kind
        self._faults: dict[str, Phrase] = {}
        self._fatal: set[str] = set()
        self._faulty = asyncio.Event()
        self._impairments: Mapping[str, tuple[Sequence[Text], Sequence[Text]]] = {}
        self._wanted: Text = ""
        self._checks: list[Callable[[], Text]] = []
        self._lookers: list[tuple[_Look, _Look]] = []

    def watch(self, check: Callable[[], Text]) -> None:
        """Ask this, too, whenever somebody wants to know; it gives a sentence, or nothing."""
        self._checks.append(check)

    def watch_impairments(self, look: _Look, brief: _Look | None = None) -> None:
        """Ask this, too, for what the bot has to do without.

        `brief` tells everybody the same, without a name or a path, where `look` has one.
        """
        self._lookers.append((look, brief or look))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the bot cannot do its work now, one sentence each; empty while it can.

        For whoever reaches the health port; `faults` are for people, in their language.
        """
        return tuple(dict.fromkeys(self._told(plain(sentence)) for sentence in self.faults))

    @property
    def faults(self) -> tuple[Text, ...]:
        """The same for operators, in their language."""
        found = (*self._faults.values(), *(check() for check in self._checks))
        return tuple(sentence for sentence in found if sentence)

    @property
    def fault(self) -> str:
        """The sentence of the first fault there is; empty while the bot can work."""
        return plain(next(iter(self._faults.values()), ""))

    @property
    def lacking(self) -> tuple[str, ...]:
        """What the process stops for if it stays at fault, by the names that were reported."""
        return tuple(what for what in self._faults if what in self._fatal)

    @property
    def fatal_fault(self) -> str:
        """The sentence of the first fault that the process stops for; empty without one."""
        fatal = (said for what, said in self._faults.items() if what in self._fatal)
        return plain(next(fatal, ""))

    @property
    def impairments(self) -> tuple[str, ...]:
        """What the bot has to do without, one sentence each; it does the rest of its work.

        For whoever reaches the health port: without a name or a path.
        """
        known = (*(brief for _, brief in self._impairments.values()),)
        looked = (*(look() for _, look in self._lookers),)
        return tuple(plain(one) for said in (*self._by_choice, *known, *looked) for one in said)

    @property
    def amiss(self) -> int:
        """How many of these are nobody's will."""
        return len(self.impairments) - len(self._by_choice)

    @property
    def _by_choice(self) -> tuple[Sequence[Text], ...]:
        return ((self._wanted,),) if self._wanted else ()

    @property
    def lessened(self) -> tuple[Text, ...]:
        """The same for operators, by name, in their language."""
        known = (*(said for said, _ in self._impairments.values()),)
        looked = (*(look() for look, _ in self._lookers),)
        return tuple(one for said in (*self._by_choice, *known, *looked) for one in said)

    def does_without(self, wanted: Text) -> None:
        """Report what the bot does not do because people want it so; nothing where it does all."""
        self._wanted = wanted

    def impaired(
        self, what: str, sentences: Sequence[Text], brief: Sequence[Text] | None = None
    ) -> None:
        """Report all that is amiss with `what`, in place of what was reported before.

        `brief` tells everybody the same, without a name or a path.
        """
        everybody = sentences if brief is None else brief
        self._impairments = {**self._impairments, what: (tuple(sentences), tuple(everybody))}

    def lost(self, what: str, sentence: Phrase, *, is_fatal: bool = True) -> bool:
        """Report that the bot cannot work without `what`; False when that is known already."""
        if what in self._faults:
            return False
        self._faults[what] = sentence
        if is_fatal:
            self._fatal.add(what)
            self._faulty.set()
        return True

    def regained(self, what: str) -> bool:
        """Report that `what` works; False when it was not at fault."""
        known = self._faults.pop(what, None)
        self._fatal.discard(what)
        if not self._fatal:
            self._faulty.clear()
        return known is not None

    async def until_faulty(self) -> None:
        """Return once there is a fault that the process stops for."""
        await self._faulty.wait()
