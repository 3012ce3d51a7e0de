"""What the App Home says of access: one's sessions and whose are shared, or how to get one."""

from collections.abc import Sequence, Set

from bot.commands.languages import spoken as called
from bot.ids import NodeId, UserId
from bot.messages import access_cards
from bot.messages.ways import OPEN_FORM
from bot.model import Audience, DbcSession, NodeKind, Scope, Share
from bot.pipeline.context import Services
from bot.pipeline.formatting import stacked
from bot.reply import (
    Actions,
    Button,
    Heading,
    Line,
    Note,
    Para,
    Part,
    Span,
    bold,
    channel,
    command,
    emoji,
    line,
    listed,
    mention,
    say,
    time,
)

_NODES = 10  # whose holders a newcomer is told
_PEOPLE = 5  # of each node


def language(services: Services, user: UserId) -> Note:
    """In which language somebody reads, and how they choose another."""
    spoken = called(services.languages.language(user))
    change = command("settings language")
    read = line(say("You read {language}. Change: {command}", language=spoken, command=change))
    less = line(
        say(
            "Choose your notifications and quiet hours: {notifications}, {hours}",
            notifications=command("settings notifications"),
            hours=command("settings quiet-hours"),
        )
    )
    return Note(line(read, "\n", less))


async def asked_of(services: Services, user: UserId) -> list[Part]:
    """Who asks this person for access, and where they answer that."""
    parts: list[Part] = []
    for one in (await services.access.waiting_for(user))[:_PEOPLE]:
        told = say(
            "{user} asks for access to {node}. Answer in my direct messages to you.",
            user=mention(one.asker), node=bold(await services.inventory.label(one.node)),
        )  # fmt: skip
        parts.append(Para(line(emoji("raised_hand"), " ", told)))
    return parts


def first_steps(*, has_access: bool, can_create: bool) -> Actions:
    """To make a machine, where one can last, or to get access first."""
    create = Button(
        say("Create a machine"), OPEN_FORM, "vm.create", "primary" if has_access else ""
    )
    add = Button(say("Add a session"), OPEN_FORM, "session.add", "" if has_access else "primary")
    ask = access_cards.ask_button(NodeId(""))
    return Actions((*([create] if can_create else []), add, ask) if has_access else (add,))


async def access(services: Services, user: UserId, sessions: Sequence[DbcSession]) -> list[Part]:
    """The sessions that somebody acts with: their own, with whom they share; others', by whom."""
    if not sessions:
        return []
    rows = [line("• ", await _row(services, session, user)) for session in sessions]
    parts: list[Part] = [Heading(say("Your sessions")), Para(stacked(rows))]
    default = (await services.store.known()).default(Scope.PERSON, user)
    if default:
        label = await services.inventory.label(default)
        parts.append(Note(line(say("Your default node is {node}.", node=bold(label)))))
    elif len(sessions) > 1:
        told = say("You have no default node. Set one: {command}", command=command("node use"))
        parts.append(Note(line(told)))
    return parts


async def _row(services: Services, session: DbcSession, user: UserId) -> Line:
    node = bold(await services.inventory.label(session.node))
    shares = (await services.store.known()).shares_on(session.node)
    if session.user != user:
        return _shared_by(node, session, [one for one in shares if one.audience == user])
    given = [_given(one) for one in shares if one.user == user]
    if not given:
        return line(node)
    return line(say("{node}, shared with {people}", node=node, people=line(listed(given))))


def _shared_by(node: Span, session: DbcSession, shares: Sequence[Share]) -> Line:
    """By whom, until when; with several of them access lasts as long as the longest."""
    if len(shares) > 1:
        people = [
            _until(mention(one.user), one) for one in sorted(shares, key=lambda one: one.created_at)
        ]
        return line(say("{node}, shared by {people}", node=node, people=line(listed(people))))
    names = {"node": node, "user": mention(session.user)}
    ends = next((one.ends_at for one in shares), None)
    if ends is None:
        return line(say("{node}, shared by {user}", **names))
    return line(say("{node}, shared by {user} until {time}", **names, time=time(ends)))


def _given(share: Share) -> Line:
    """With whom, until when."""
    who = (
        mention(UserId(share.audience))
        if share.kind is Audience.PERSON
        else channel(share.audience)
    )
    return _until(who, share)


def _until(who: Span, share: Share) -> Line:
    if share.ends_at is None:
        return line(who)
    return line(say("{audience} until {time}", audience=who, time=time(share.ends_at)))


async def newcomer(services: Services, user: UserId, hidden: Set[str]) -> list[Part]:
    """What a session is, who has one, and a button to ask them: nobody meets a wall."""
    parts: list[Part] = [
        Para(
            line(
                say(
                    "You have no node access yet. A session is what a node knows its renter by. "
                    "Add yours, or ask a teammate who has one to share it with you: they answer "
                    "with one click."
                )
            )
        )
    ]
    known = await services.store.known()
    held = {
        node: people
        for node in known.nodes(NodeKind.GPU)
        if node.id not in hidden and (people := known.entitled(node.id))
    }
    if not held:
        return parts
    async with services.store.read() as tx:
        waiting = {one.node: one for one in await tx.access.open_of(user)}
    parts.append(Para(line(bold(say("Who has access")))))
    for node, people in list(held.items())[:_NODES]:
        named = listed([line(mention(one)) for one in people[:_PEOPLE]])
        parts.append(
            Para(line("• ", say("{what}: {subject}", what=bold(node.label), subject=named)))
        )
        if (request := waiting.get(node.id)) is None:
            parts.append(Actions((access_cards.ask_button(node.id),)))
        else:
            asked = say("You asked for access {time}.", time=time(request.created_at))
            parts.append(Note(line(asked)))
    return parts
