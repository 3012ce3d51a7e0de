"""HTTP mode: whether what is signed as Slack signs is refused, and nothing is accepted meanwhile.

Then it is Slack that is refused, by a wrong secret or a clock that is far off, and nobody is told
otherwise. What carries no signature is anybody's, and does not count.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.clock import Clock
from bot.health import Health
from bot.metrics import Metrics
from bot.reply import Text, say, say_number, time

_SEVERAL = 3  # Slack delivers most things again at once; one may be anybody's
_SECRET = say("Check SLACK_SIGNING_SECRET; if it is right, this was not Slack.")
_CLOCK = say("Set this machine's clock.")


class Signed:
    """Counts deliveries with a signature: those that were refused since the last accepted one."""

    def __init__(self, clock: Clock, health: Health, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._refused = 0
        self._since: datetime | None = None
        self._advice: Text = ""
        health.watch_impairments(self.impairments)

    def accepted(self) -> None:
        """Note one that Slack has signed."""
        self._refused, self._since = 0, None

    def refused(self, *, by_age: bool) -> None:
        """Note one that does not fit the secret, or, `by_age`, was signed long before or after."""
        self._refused += 1
        self._since = self._since or self._clock.now()
        self._advice = _CLOCK if by_age else _SECRET
        self._metrics.refused("age" if by_age else "secret")

    def impairments(self) -> Sequence[Text]:
        """What there is to tell of it; nothing while deliveries are accepted."""
        if self._refused < _SEVERAL or self._since is None:
            return ()
        told = say_number(
            "{number} signed delivery has been refused since {at}, and none accepted. {advice}",
            "{number} signed deliveries have been refused since {at}, and none accepted. {advice}",
            self._refused, at=time(self._since), advice=self._advice,
        )  # fmt: skip
        return (told,)
