"""Whether a person may do or read something here: asked before anything is read."""

from collections.abc import Mapping
from functools import cache, partial

from bot.errors import Denied, Refused
from bot.ids import ChannelId, NodeId, TaskId, UserId
from bot.language.row_parts import Listing
from bot.language.table import Command
from bot.messages import machine_buttons
from bot.messages.machine_buttons import May
from bot.model import AuditEntry, AuditKind, Effect, Machine, Node, Place
from bot.pipeline.context import Services
from bot.pipeline.reviews import Reviews
from bot.ports import DeliveryFailed, RightsUnknown, slack_does_not_say
from bot.reply import command as typed
from bot.reply import line, say
from bot.reviews.policy import Request, is_free
from bot.reviews.rule_reasons import surely_denied
from bot.services.inventory import Hidden
from bot.services.machine_search import Unasked
from bot.services.remembering import note_denied


def is_open_to_all(command: Command) -> bool:
    """Whether guests, too, may use a command: it shows nothing of any machine."""
    return command.is_open or is_free(command.id)


async def require_colleague(
    services: Services, user: UserId, effect: Effect = Effect.READ, *, fresh: bool = False
) -> None:
    """Machines are for colleagues: no guests, no deactivated people.

    Their own session does not help: a person who became a guest keeps it in the database.
    `fresh`: who they were a moment ago does not do. Raises Refused, or RightsUnknown while Slack
    does not say who it is.
    """
    directory = services.people_now if fresh else services.directory
    try:
        person = await directory.person(user)
    except RightsUnknown:
        raise
    except DeliveryFailed as failure:
        raise slack_does_not_say() from failure
    if not person.is_full_member:
        if effect is Effect.READ:
            raise Refused(say("Only full members of this workspace can see machines."))
        raise Refused(say("Only full members of this workspace can change machines."))


async def allow(
    services: Services,
    user: UserId,
    place: Place,
    command: Command,
    values: Mapping[str, str],
    of: Machine | Node | None = None,
) -> None:
    """Raise Denied where the rules deny the command with these texts, as far as that is known.

    Comes before anything is read of what it is about, `of`; before that is looked up, too, so that
    nobody is asked for a name that is of no use. Raises RightsUnknown while Slack does not say.
    What only reads is not in the ledger, so that it was denied is recorded here.
    """
    asked = _request(user, place, command, values, of)
    try:
        await services.reviews.reviewers.allow(asked)
    except Denied as denied:
        if asked.effect is Effect.READ:
            label = of.label if isinstance(of, Machine) else ""
            await note_denied(
                services.store,
                AuditEntry(
                    AuditKind.READ_DENIED, services.clock.now(), actor=user,
                    command=command.id, arguments=values, node=asked.node, task=asked.task,
                    label=label, place=place, reason=denied.sentence,
                ),
            )  # fmt: skip
        raise


def require_possible(
    reviews: Reviews, user: UserId, place: Place, command: Command, values: Mapping[str, str]
) -> None:
    """Raise Denied where the rules surely deny it: before a form asks for anything else.

    Asks nobody, and records nothing: what is sent in is looked at as any request.
    """
    asked = _request(user, place, command, values, None)
    if why := surely_denied(reviews.reviewers.rules, asked):
        raise Denied(why)


def may_press(services: Services, user: UserId, channel: ChannelId) -> May:
    """Whether a machine's button is offered to somebody: not where the rules surely deny it."""
    table, rules = services.table, services.reviews.reviewers.rules

    @cache
    def may(verb: str, node: NodeId, task: TaskId) -> bool:
        act = machine_buttons.ACTS[verb]
        effect = table[act.command].effect_of(act.given)
        asked = Request(user, channel, act.command, effect, act.given, node=node, task=task)
        return not surely_denied(rules, asked)

    return may


def unasked(
    services: Services,
    user: UserId,
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
    user: UserId,
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
        node=NodeId(of.node if isinstance(of, Machine) else of.id if of else ""),
        task=TaskId(of.task if isinstance(of, Machine) else ""),
    )


def hidden_from(
    services: Services, user: UserId, place: Place, listing: Listing, *, asking: bool = True
) -> Hidden:
    """Finds out, where it matters, the nodes that this listing would leave out here."""
    hidden = services.reviews.reviewers.hidden
    return partial(hidden, user, place.channel, services.table.listing(listing), asking=asking)


async def visible_to(services: Services, user: UserId, place: Place) -> list[Machine]:
    """The machines that somebody may see here. Raises Refused, or RightsUnknown."""
    await require_colleague(services, user)
    hidden = await hidden_from(services, user, place, Listing.MACHINES)()
    seen = await services.inventory.machines(user, place.channel)
    return [one for one in seen if one.node not in hidden]


def no_such_machine() -> Refused:
    """For a button of a machine that is gone, or not for whoever pressed it."""
    return Refused(
        say("You have no such machine: it is gone, or you have no access to its node."),
        hint=line(say("See: {command}", command=typed("vm list"))),
    )
