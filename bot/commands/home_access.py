"""What the App Home says of access: one's sessions and whose are shared, or how to get one."""

from collections.abc import Sequence, Set

from bot.model import Audience, DbcSession, NodeKind, Scope
from bot.pipeline.context import Services
from bot.pipeline.formatting import OPEN_FORM, stacked
from bot.reply import (
    Actions,
    Button,
    Heading,
    Line,
    Note,
    Para,
    Part,
    bold,
    channel,
    command,
    line,
    listed,
    mention,
    say,
)

_NODES = 10  # whose holders a newcomer is told
_PEOPLE = 5  # of each node


def first_steps(*, has_access: bool) -> Actions:
    """To make a machine, or to get access first."""
    create = Button(
        say("Create a machine"), OPEN_FORM, "vm.create", "primary" if has_access else ""
    )
    add = Button(say("Add a session"), OPEN_FORM, "session.add", "" if has_access else "primary")
    return Actions((create, add) if has_access else (add, create))


async def access(services: Services, user: str, sessions: Sequence[DbcSession]) -> list[Part]:
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


async def _row(services: Services, session: DbcSession, user: str) -> Line:
    node = bold(await services.inventory.label(session.node))
    if session.user != user:
        return line(say("{node}, shared by {user}", node=node, user=mention(session.user)))
    shares = (await services.store.known()).shares_on(session.node)
    given = [
        line(mention(one.audience) if one.kind is Audience.PERSON else channel(one.audience))
        for one in shares
        if one.user == user
    ]
    if not given:
        return line(node)
    return line(say("{node}, shared with {people}", node=node, people=line(listed(given))))


async def newcomer(services: Services, hidden: Set[str]) -> list[Part]:
    """What a session is and who has one, for somebody without: nobody meets a wall."""
    parts: list[Part] = [
        Para(
            line(
                say(
                    "You have no node access yet. A session is what a node knows its renter by. "
                    "Add yours, or ask a teammate who has one to share it with you: {command}",
                    command=command("session share <node> with @you"),
                )
            )
        )
    ]
    known = await services.store.known()
    rows = [
        line("• ", bold(node.label), ": ", listed([line(mention(one)) for one in people[:_PEOPLE]]))
        for node in known.nodes(NodeKind.GPU)
        if node.id not in hidden and (people := known.entitled(node.id))
    ]
    if rows:
        parts += [Para(line(bold(say("Who has access")))), Para(stacked(rows[:_NODES]))]
    return parts
