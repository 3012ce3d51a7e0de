"""Whether a person may read something here: asked before anything is read, by whatever reads it."""

from collections.abc import Mapping
from functools import partial

from bot.commands.context import Services
from bot.errors import Refused
from bot.model import Effect, Machine, Node, Place
from bot.services.inventory import Hidden
from bot.services.policy import Request


async def require_colleague(services: Services, user: str, place: Place) -> None:
    """What is shared is shared with colleagues: a guest in the channel is none.

    Raises Refused, or DeliveryFailed while Slack does not say who it is.
    """
    usable = await services.sessions.usable(user, place.channel)
    if all(session.user == user for session in usable):
        return
    if not (await services.directory.person(user)).is_full_member:
        raise Refused("Shared sessions are for full members of this workspace.")


async def allow_read(
    services: Services,
    user: str,
    place: Place,
    command: str,
    values: Mapping[str, str],
    of: Machine | Node | None,
) -> None:
    """Raise Refused where the rules deny to read this with a command, by its id."""
    await services.reviews.reviewers.allow(
        Request(
            person=user,
            channel=place.channel,
            command=command,
            effect=Effect.READ,
            arguments=values,
            node=of.node if isinstance(of, Machine) else of.id if of else "",
            task=of.task if isinstance(of, Machine) else "",
        )
    )


def hidden_from(
    services: Services, user: str, place: Place, listing: str, *, asking: bool = True
) -> Hidden:
    """Finds out, where it matters, the nodes that this listing would leave out here."""
    hidden = services.reviews.reviewers.hidden
    return partial(hidden, user, place.channel, listing, asking=asking)
