"""Whether the bot can do its work, and if not, why: what readiness and the stop go by.

Whoever finds out reports it, by the name of what is at fault. Knows nothing of Slack.
"""

import asyncio
from collections.abc import Mapping, Sequence


class Health:
    """The faults that keep the bot from its work, in the order in which they came up.

    The process stops for those that are fatal; it waits for the others to pass.
    """

    def __init__(self) -> None:
        self._faults: dict[str, str] = {}
        self._fatal: set[str] = set()
        self._faulty = asyncio.Event()
        self._impairments: Mapping[str, tuple[str, ...]] = {}

    @property
    def fault(self) -> str:
        """The sentence of the first fault there is; empty while the bot can work."""
        return next(iter(self._faults.values()), "")

    @property
    def lacking(self) -> tuple[str, ...]:
        """What the process stops for if it stays at fault, by the names that were reported."""
        return tuple(what for what in self._faults if what in self._fatal)

    @property
    def fatal_fault(self) -> str:
        """The sentence of the first fault that the process stops for; empty without one."""
        return next((said for what, said in self._faults.items() if what in self._fatal), "")

    @property
    def impairments(self) -> tuple[str, ...]:
        """What the bot has to do without, one sentence each; it does the rest of its work."""
        return tuple(one for said in self._impairments.values() for one in said)

    def impaired(self, what: str, sentences: Sequence[str]) -> None:
        """Report all that is amiss with `what`, in place of what was reported before."""
        self._impairments = {**self._impairments, what: tuple(sentences)}

    def lost(self, what: str, sentence: str, *, is_fatal: bool = True) -> bool:
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
