"""Tells whoever looks after the bot that changes are frozen: no fault, but nothing runs."""

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

import structlog

from bot.health import Health
from bot.ids import UserId
from bot.model import Freeze
from bot.reply import Text, plain, say, time
from storage import Store

_WHAT = "the freeze"

log = structlog.get_logger()


def frozen_since(freeze: Freeze) -> Text:
    """That changes are frozen."""
    return say("Changes have been frozen since {at}.", at=time(freeze.since))


def stuck_since(freeze: Freeze) -> Text:
    """That changes are frozen, and what lets somebody lift that again."""
    return say(
        "Changes have been frozen since {at}, and the rules let nobody lift that: name people "
        "under {section} of POLICY_FILE.",
        at=time(freeze.since), section="[freeze]",
    )  # fmt: skip


class Lifters(Protocol):
    """Who may lift a freeze, by the rules."""

    @property
    def persons(self) -> Collection[str]:
        """Those named one by one."""
        ...

    @property
    def is_anybody(self) -> bool:
        """Whether anybody is named at all, also by a user group."""
        ...


class Frozen:
    """Keeps `health` told of a freeze, by whichever process it was begun; names nobody.

    One that nobody can lift is nobody's will any more: `may_lift` says whom the rules in force name
    for that. While one is in force, `is_barred` finds out which of them, and whether whoever froze,
    are still here: that is known then, and whoever is refused is told whom to ask.
    """

    def __init__(
        self,
        store: Store,
        health: Health,
        may_lift: Callable[[], Lifters],
        is_barred: Callable[[UserId], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._health = health
        self._may_lift = may_lift
        self._is_barred = is_barred
        self._is_stuck = False

    async def look(self) -> None:
        """Look whether one is in force, whether anybody may lift it, and who of them is here."""
        async with self._store.read() as tx:
            freeze = await tx.freezes.find()
        was_stuck = self._is_stuck
        self._is_stuck = freeze is not None and not self._may_lift().is_anybody
        stuck = stuck_since(freeze) if freeze is not None and self._is_stuck else ""
        self._health.impaired(_WHAT, [stuck] if stuck else [])
        self._health.does_without("" if freeze is None or stuck else frozen_since(freeze))
        if stuck and not was_stuck:
            log.warning("freeze.is_stuck", sentence=plain(stuck))
        if freeze is not None:
            for user in {freeze.person, *map(UserId, self._may_lift().persons)}:
                await self._is_barred(user)
