"""Sessions: the credentials with which a person acts on a node (docs/dbc-api.md §2.5)."""

from collections.abc import Mapping
from typing import Annotated

from bot.commands.args import Arg, OnNode
from bot.commands.context import Context
from bot.commands.groups.shown import short, stacked
from bot.commands.table import Command, Group
from bot.dbc import fields
from bot.dbc.identity import SessionPair
from bot.errors import BotError, NotFound, Refused
from bot.model import DbcSession, Effect
from bot.reply import Line, Note, Para, Reply, bold, code, emoji, line, time

SessionId = Annotated[
    str, Arg("Session id", "secret", "As the node gave it to the renter, about 55 characters")
]
SessionSign = Annotated[
    str, Arg("Session signature", "secret", "The renter's signature of it, 128 hex digits")
]
RentOrder = Annotated[
    str,
    Arg(
        "Rent order",
        "word",
        "Only where single GPUs are rented: the order's number",
        "1287",
        positional=False,
    ),
]


async def add(
    ctx: Context,
    node: OnNode,
    session_id: SessionId,
    session_id_sign: SessionSign,
    rent_order: RentOrder = "",
) -> Reply:
    """Add your session for a node: it is tried there and kept encrypted."""
    session = DbcSession(
        ctx.actor, node.id, session_id.strip(), session_id_sign.strip(), rent_order
    )
    try:
        count = await ctx.services.sessions.add(session)
    except BotError as error:
        error.hint = f"The session was not kept. {error.hint}".strip()
        raise
    sees = (
        f"it sees {count} machine{'s' * (count != 1)}"
        if count is not None
        else "the list of its machines cannot be read at present, though"
    )
    return Reply(
        f"Your session for {node.label} works",
        (
            Para(
                line(
                    emoji("white_check_mark"), " Your session for ", bold(node.label),
                    f" works and is kept; {sees}.",
                )
            ),
            Note(line("It never expires by itself. Erase it with ", code("session remove"), ".")),
        ),
        private=True,
    )  # fmt: skip


def _check(values: Mapping[str, str]) -> None:
    """Find what cannot be a session while the form is still open."""
    SessionPair.of(values.get("session_id", "").strip(), values.get("session_id_sign", "").strip())
    if rent_order := values.get("rent_order"):
        fields.rent_order(rent_order)


async def list_sessions(ctx: Context) -> Reply:
    """List the nodes that you have a session for; the secrets are never shown."""
    sessions = await ctx.services.sessions.of(ctx.actor)
    if not sessions:
        return Reply.of(
            "You have no session yet. Add one with ", code("session add"), ".", private=True
        )
    rows = [await _row(ctx, session) for session in sessions]
    return Reply(
        "Your sessions", (Para(stacked([line(bold("Your sessions")), *rows])),), private=True
    )


async def _row(ctx: Context, session: DbcSession) -> Line:
    label = await ctx.services.inventory.label(session.node)
    order = f" · rent order {session.rent_order}" if session.rent_order else ""
    seen: Line = line(" · checked ", time(session.checked_at)) if session.checked_at else ()
    bad: Line = line(" · ", emoji("warning"), f" {session.problem}") if session.problem else ()
    return line("• ", bold(label), " ", code(short(session.node)), order, seen, bad)


async def check(ctx: Context, node: OnNode) -> Reply:
    """Try your session against its node."""
    for session in await ctx.services.sessions.of(ctx.actor):
        if session.node == node.id:
            problem = await ctx.services.sessions.check(session)
            if problem is not None:
                raise problem
            return Reply.of(
                emoji("white_check_mark"),
                " Your session for ",
                bold(node.label),
                " works.",
                private=True,
            )
    raise Refused(
        f"You have no session for {node.label}.", hint="Add one with: session add", field="node"
    )


async def remove(ctx: Context, node: OnNode) -> Reply:
    """Erase your session for a node from this bot."""
    if not await ctx.services.sessions.remove(ctx.actor, node):
        raise NotFound(f"You have no session for {node.label}.", field="node")
    return Reply.of("Your session for ", bold(node.label), " is erased.", private=True)


GROUP = Group(
    "session",
    "Your credentials for nodes",
    (
        Command("add", add, Effect.CHANGE, "session add gpu1", form=True, check=_check),
        Command("list", list_sessions, example="session list", synonyms=("ls",)),
        Command("check", check, example="session check gpu1"),
        Command("remove", remove, Effect.CHANGE, "session remove gpu1"),
    ),
)
