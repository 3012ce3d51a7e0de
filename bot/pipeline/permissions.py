"""What a person can run where they are: for help, which promises nothing."""

from bot.ids import UserId
from bot.language.help import Standing
from bot.model import Place
from bot.pipeline.context import Services
from bot.pipeline.rights import is_open_to_all
from bot.ports import DeliveryFailed
from bot.reviews.policy import DecisionKind


async def standing_of(services: Services, user: UserId, place: Place) -> Standing:
    """What the rules, Slack and the sessions say of a person at this moment.

    Where Slack does not answer, nothing is marked: the commands themselves will tell.
    """
    usable = await services.sessions.usable(user, place.channel)
    asked = {command.id: command.effect_of({}) for command in services.table}
    try:
        person = await services.directory.person(user)
        decisions = await services.reviews.reviewers.outlook(user, place.channel, asked)
    except DeliveryFailed:
        return Standing(has_session=bool(usable))
    try:
        unnamed, breaks_glass = await _named(services, user)
    except DeliveryFailed:
        unnamed, breaks_glass = frozenset(), True
    closed = {command.id for command in services.table if not is_open_to_all(command)}
    barred = set() if person.is_full_member else closed
    return Standing(
        has_session=bool(usable),
        barred=frozenset(
            barred | {n for n, one in decisions.items() if one.kind is DecisionKind.DENY}
        ),
        reviewed=frozenset(n for n, one in decisions.items() if one.kind is DecisionKind.APPROVE),
        unnamed=unnamed,
        breaks_glass=breaks_glass,
    )


async def _named(services: Services, user: UserId) -> tuple[frozenset[str], bool]:
    """The commands of which the rules name others or nobody; whether they name them for the glass.

    Raises DeliveryFailed.
    """
    reviewers = services.reviews.reviewers
    rules = reviewers.rules
    unnamed: set[str] = set()
    for command in services.table:
        found = rules.table_of(command.id)
        if found is not None and not await reviewers.is_one_of(user, found[1], now=False):
            unnamed.add(command.id)
    named = [await reviewers.is_one_of(user, people, now=False) for people in rules.glass]
    return frozenset(unnamed), any(named)
