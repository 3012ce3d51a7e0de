"""Commands without a group."""

from bot.commands.args import Topic
from bot.commands.context import Context
from bot.commands.derive import help_reply, not_understood
from bot.commands.parse import HelpWanted, NotUnderstood, parse
from bot.commands.table import Command, Group
from bot.reply import Fields, Line, Reply, bold, code, line


async def show_help(ctx: Context, topic: Topic = "") -> Reply:
    """Say what there is, or explain one command."""
    table, slash = ctx.services.table, ctx.services.slash_command
    wanted = parse(table, f"{topic} help", slash)
    if isinstance(wanted, NotUnderstood):
        return not_understood(wanted, slash)
    return help_reply(table, wanted if isinstance(wanted, HelpWanted) else HelpWanted(), slash)


async def whoami(ctx: Context) -> Reply:
    """Say who you are here, and which node is meant when you name none."""
    person = await ctx.services.directory.person(ctx.actor)
    async with ctx.services.store.read() as tx:
        own = await tx.defaults.get("person", ctx.actor)
        channels = await tx.defaults.get("channel", ctx.place.channel)
    sessions = await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)
    label = ctx.services.inventory.label
    nodes = [await label(s.node) + " (shared)" * (s.user != ctx.actor) for s in sessions]
    pairs: list[tuple[str, Line]] = [
        ("You", line(bold(person.name), " ", code(person.id))),
        ("May change things", line("yes" if person.is_full_member else "no: not a full member")),
        ("Sessions for", line(", ".join(nodes) or "no node yet")),
        ("Your default node", line(await label(own) if own else "none")),
        ("This channel's node", line(await label(channels) if channels else "none")),
        ("Language · time zone", line(f"{person.locale} · {person.zone}")),
    ]
    return Reply(f"You are {person.name}", (Fields(tuple(pairs)),), private=True)


GROUP = Group(
    "",
    "Help, and who you are here",
    (
        Command("help", show_help, example="help vm restart"),
        Command("whoami", whoami, example="whoami"),
    ),
)
