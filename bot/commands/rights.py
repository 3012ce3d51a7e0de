"""Whether a person may do or read something here: asked before anything is read."""

from collections.abc import Mapping
from functools import partial

from bot.commands.context import Services
from bot.commands.table import Command
from bot.errors import Refused
from bot.model import Machine, Node, Place
from bot.services.inventory import Hidden, Unasked
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


async def allow(
    services: Services,
    user: str,
    place: Place,
    command: Command,
    values: Mapping[str, str],
    of: Machine | Node | None = None,
) -> None:
    """Raise Refused where the rules deny the command with these texts, as far as that is known.

    Comes before anything is read of what it is about, `of`; before that is looked up, too, so that
    nobody is asked for a name that is of no use. Raises RightsUnknown while Slack does not say.
    """
    await services.reviews.reviewers.allow(_request(user, place, command, values, of))


def unasked(
    services: Services,
    user: str,
    place: Place,
    command: Command,
    values: Mapping[str, str],
    *,
    asking: bool = True,
) -> Unasked:
    """Finds out, where it matters, the nodes of which the rules deny this: none is asked then."""
    denied_nodes = services.reviews.reviewers.denied_nodes
    return partial(denied_nodes, _request(user, place, command, values, None), asking=asking)


def _request(
    user: str,
    place: Place,
    command: Command,
    values: Mapping[str, str],
    of: Machine | Node | None,
) -> Request:
    return Request(
        person=user,
        channel=place.channel,
        command=command.id,
        effect=command.effect_of(values),
        arguments=values,
        node=of.node if isinstance(of, Machine) else of.id if of else "",
        task=of.task if isinstance(of, Machine) else "",
    )


def hidden_from(
    services: Services, user: str, place: Place, listing: str, *, asking: bool = True
) -> Hidden:
    """Finds out, where it matters, the nodes that this listing would leave out here."""
    hidden = services.reviews.reviewers.hidden
    return partial(hidden, user, place.channel, listing, asking=asking)
