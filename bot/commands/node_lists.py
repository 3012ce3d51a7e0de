"""What is listed of nodes: as the daemon says now, else as they were last seen, with why."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.errors import BotError
from bot.ids import NodeId
from bot.model import DbcSession, Node
from bot.pipeline.context import Context
from bot.reply import Line, Note, emoji, line, say

Find = Callable[[], Awaitable[Sequence[Node]]]


@dataclass(frozen=True, slots=True)
class Listed:
    """The nodes, and the sessions that the asker can use. `problem`: why they are as last seen."""

    nodes: Sequence[Node]
    usable: Sequence[DbcSession]
    problem: BotError | None

    @property
    def mine(self) -> set[NodeId]:
        """The nodes that the asker can use."""
        return {session.node for session in self.usable}

    @property
    def also(self) -> tuple[dict[str, str], ...]:
        """The problem, for programs."""
        return ({"problem": self.problem.sentence},) if self.problem else ()

    @property
    def notes(self) -> tuple[Note, ...]:
        """The problem, for people."""
        if self.problem is None:
            return ()
        told = say("As last seen: {problem}", problem=self.problem.words)
        return (Note(line(emoji("warning"), " ", told)),)


async def listed(ctx: Context, ask: Find, known: Find) -> Listed:
    """What `ask` finds or, where that fails, what is `known`; raises its error where nothing is.

    Without the nodes that the rules hide.
    """
    problem: BotError | None = None
    try:
        nodes = await ask()
    except BotError as error:
        problem, nodes = error, await known()
        if not nodes:
            raise
    hidden = await ctx.hidden()
    usable = await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)
    return Listed([node for node in nodes if node.id not in hidden], usable, problem)


def access_sign() -> Line:
    """Behind a node that its reader may use."""
    return line(" ", emoji("key"), " ", say("(access)"))
