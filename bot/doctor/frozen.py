"""The doctor's look at a freeze: whether changes are frozen, and whether anybody can lift it."""

from bot.monitoring.findings import Findings, ok, warning
from bot.reply import say
from bot.reviews.policy import Policy
from bot.services.frozen import frozen_since, stuck_since
from storage import Inspection

_ABOUT = say("freeze")


async def frozen(inspection: Inspection, policy: Policy | None) -> Findings:
    """A freeze that is in force; `policy` are the rules, None where they cannot be read."""
    freeze = await inspection.freeze()
    if freeze is None:
        return
    if policy is None or policy.freeze.people.is_anybody:
        yield ok(_ABOUT, frozen_since(freeze))
    else:
        yield warning(_ABOUT, stuck_since(freeze))
