"""Tells whoever looks after the bot that changes are frozen: no fault, but nothing runs."""

from collections.abc import Callable

import structlog

from bot.health import Health
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


class Frozen:
    """Keeps `health` told of a freeze, by whichever process it was begun; names nobody.

    One that nobody can lift is nobody's will any more: `can_be_lifted` says whether the rules in
    force name anybody for that.
    """

    def __init__(self, store: Store, health: Health, can_be_lifted: Callable[[], bool]) -> None:
        self._store = store
        self._health = health
        self._can_be_lifted = can_be_lifted
        self._is_stuck = False

    async def look(self) -> None:
        """Look whether one is in force, and whether the rules let anybody lift it."""
        async with self._store.read() as tx:
            freeze = await tx.freezes.find()
        was_stuck = self._is_stuck
        self._is_stuck = freeze is not None and not self._can_be_lifted()
        stuck = stuck_since(freeze) if freeze is not None and self._is_stuck else ""
        self._health.impaired(_WHAT, [stuck] if stuck else [])
        self._health.does_without("" if freeze is None or stuck else frozen_since(freeze))
        if stuck and not was_stuck:
            log.warning("freeze.is_stuck", sentence=plain(stuck))
