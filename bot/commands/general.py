"""Commands without a group."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

from bot.commands import cost, doctor, freezing, languages, notifications
from bot.commands.here import may_choose, require_channel
from bot.ids import NodeId, Reader
from bot.language.args import Topic
from bot.language.chinese import is_none
from bot.language.help import help_reply, not_understood
from bot.language.kind import Arg
from bot.language.kinds import DEFAULT
from bot.language.parse import HelpWanted, NotUnderstood, parse
from bot.language.row_parts import Listing
from bot.language.table import Command, Group
from bot.messages import setting_buttons
from bot.messages.facts import FactKind, said_node
from bot.messages.ways import OPEN_FORM
from bot.model import Effect, Scope
from bot.pipeline.context import Context
from bot.pipeline.formatting import said_audiences
from bot.pipeline.holding import frozen
from bot.pipeline.permissions import standing_of
from bot.reply import (
    Button,
    Fields,
    Line,
    Note,
    Para,
    Reply,
    Row,
    Rows,
    Text,
    bold,
    code,
    command,
    line,
    listed,
    say,
)

_NODES = 3  # of a menu: Slack takes five options

DefaultNode = Annotated[
    str,
    Arg(
        say("Your node"),
        DEFAULT,
        say("The default node for you; none removes it"),
        "gpu1",
        positional=False,
    ),
]
ChannelNode = Annotated[
    str,
    Arg(
        say("This channel's node"),
        DEFAULT,
        say("The default node in this channel; none removes it"),
        "gpu1",
        positional=False,
    ),
]


async def show_help(ctx: Context, topic: Topic = "") -> Reply:
    """Show all commands, or explain one."""
    table, slash = ctx.services.table, ctx.services.slash_command
    wanted = parse(table, f"{topic} help", slash)
    if isinstance(wanted, NotUnderstood):
        return not_understood(wanted)
    topic_of = wanted if isinstance(wanted, HelpWanted) else HelpWanted()
    standing = await standing_of(ctx.services, ctx.actor, ctx.place)
    asked = [c for c in table if topic_of.group in {"", c.group} and topic_of.command in {None, c}]
    data = {"commands": [_row_of(command, slash) for command in asked]}
    return replace(help_reply(table, topic_of, standing), data=data)


def _row_of(command: Command, slash: str) -> Mapping[str, str]:
    return {
        "command": command.title,
        "usage": f"{slash} {command.usage}",
        "help": str(command.help),
        "example": f"{slash} {command.example}",
    }


async def whoami(ctx: Context) -> Reply:
    """Show who you are here, and your default node."""
    person = await ctx.services.directory.person(ctx.actor)
    async with ctx.services.store.read() as tx:
        own = await tx.defaults.get(Scope.PERSON, ctx.actor)
        channels = await tx.defaults.get(Scope.CHANNEL, ctx.place.channel)
        freeze = await tx.freezes.find()
    hidden = await ctx.hidden()
    usable = await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)
    sessions = [session for session in usable if session.node not in hidden]
    label = ctx.services.inventory.label
    held = [(await label(s.node), s) for s in sessions]
    nodes = [say("{node} (shared)", node=name) if s.user != ctx.actor else name for name, s in held]
    here = await label(channels) if channels else None
    mine, none = await label(own) if own else None, say("none")
    pairs: list[tuple[Text, Line]] = [
        (say("You"), line(bold(person.name), " ", code(person.id))),
        (
            say("May change things"),
            line(say("yes") if person.is_full_member else say("no: not a full member")),
        ),
        (say("Sessions for"), listed(nodes) or line(say("no node yet"))),
        (say("Your default node"), line(mine or none)),
        (say("This channel's node"), line(here or none)),
        *languages.shown_to(ctx, person),
        (say("Time zone"), line(person.zone)),
    ]
    if freeze is not None:
        pairs.insert(0, (say("Freeze"), line(frozen(freeze))))
    data = {
        "id": person.id,
        "name": person.name,
        "may_change_things": person.is_full_member,
        "sessions": [
            {
                "node": name,
                "node_id": s.node,
                "shared_by": s.user if s.user != ctx.actor else None,
            }
            for name, s in held
        ],
        "default_node": mine,
        "channel_node": here,
        "language": ctx.services.languages.language(ctx.actor),
        "locale": person.locale,
        "time_zone": person.zone,
        "freeze": freeze and {"person": freeze.person, "since": freeze.since, "why": freeze.why},
    }
    told = say("You are {person}", person=person.name)
    return Reply(told, (Fields(tuple(pairs)),), private=True, data=data)


async def settings(ctx: Context, node: DefaultNode = "", channel_node: ChannelNode = "") -> Reply:
    """Show or change the settings for you and for this channel."""
    if channel_node:
        require_channel(ctx.place)
    inventory = ctx.services.inventory
    asked: list[tuple[Scope, Reader, str]] = [
        (Scope.PERSON, ctx.actor, node),
        (Scope.CHANNEL, ctx.place.channel, channel_node),
    ]
    is_changed = await _choose(ctx, asked)
    async with ctx.services.store.read() as tx:
        set_to = {scope: await tx.defaults.get(scope, owner) for scope, owner, _ in asked}
    person = await ctx.services.directory.person(ctx.actor)
    names = {
        scope: await inventory.label(id_) if id_ else say("none") for scope, id_ in set_to.items()
    }
    aliases = len(ctx.services.aliases.of(ctx.actor))
    pairs: tuple[tuple[Text, Line], ...] = (
        (say("Your node"), line(names[Scope.PERSON], "\n", command("settings node=…"))),
        (
            say("This channel's node"),
            line(names[Scope.CHANNEL], "\n", command("settings channel_node=…")),
        ),
        *languages.shown_to(ctx, person),
        *await notifications.shown_to(ctx),
    )
    told = say("Settings changed") if is_changed else say("Settings")
    aliases_told = line(str(aliases), " ", command("alias list"))
    zone = say("{zone}, as set in Slack", zone=person.zone)
    order = say("Your node is used where a command names none; this channel's comes first.")
    notes = (
        Note(line(order)),
        Note(line(say("{what}: {subject}", what=say("Your aliases"), subject=aliases_told))),
        Note(line(say("{what}: {subject}", what=say("Time zone"), subject=zone))),
    )
    data = {
        "node": str(names[Scope.PERSON]) if set_to[Scope.PERSON] else None,
        "channel_node": str(names[Scope.CHANNEL]) if set_to[Scope.CHANNEL] else None,
        "aliases": aliases,
        "language": ctx.services.languages.language(ctx.actor),
        "locale": person.locale,
        "time_zone": person.zone,
    }
    # Menus name nodes of the requester's, from whom the rules may hide them: only for themselves.
    menus = {} if channel_node else await _menus(ctx)
    rows = tuple(
        Row(line(bold(label), "\n", text), {}, menus.get(label, ())) for label, text in pairs
    )
    parts = (Para(line(bold(told))), Rows(rows), *notes)
    return Reply(told, parts, private=not channel_node, data=data)


async def _choose(ctx: Context, asked: Sequence[tuple[Scope, Reader, str]]) -> bool:
    """Write down the nodes that were named, if any; says whether there were."""
    find, hidden = ctx.services.inventory.named_node, partial(ctx.hidden, Listing.NODES)
    wanted = [
        (scope, owner, None if is_none(text) else await find(text, hidden=hidden))
        for scope, owner, text in asked
        if text
    ]
    if not wanted:
        return False
    async with ctx.services.store.write() as tx:
        for scope, owner, chosen in wanted:
            if chosen is None:
                await tx.defaults.remove(scope, owner)
            else:
                await tx.defaults.set(scope, owner, chosen.id)
    return True


async def _menus(ctx: Context) -> Mapping[Text, tuple[Button, ...]]:
    """What can be chosen of each setting, by its label; a channel's by whoever may choose it."""
    hidden, label = await ctx.hidden(Listing.NODES), ctx.services.inventory.label
    usable = await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)
    nodes = [(s.node, await label(s.node)) for s in usable if s.node not in hidden][:_NODES]
    none, other = ("none", say("None")), Button(say("Other …"), OPEN_FORM, setting_buttons.NODES)
    menus: dict[Text, tuple[Button, ...]] = {
        say("Your node"): (
            *setting_buttons.choices(setting_buttons.NODES, "node", [*nodes, none]), other
        ),
        say("Language"): languages.to_choose("language"),
        **notifications.to_choose(""),
    }  # fmt: skip
    if await may_choose(ctx):
        menus |= {
            say("This channel's node"): (
                *setting_buttons.choices(setting_buttons.NODES, "channel_node", [*nodes, none]),
                other,
            ),
            say("This channel's language"): languages.to_choose("channel-language"),
            **notifications.to_choose("channel-"),
        }
    return menus


async def _meant_now(ctx: Context, node: NodeId, channel_node: str) -> Mapping[str, str]:
    """Which nodes are named, in which channel, and what is meant there now."""
    found: dict[str, str] = {}
    inventory, hidden = ctx.services.inventory, partial(ctx.hidden, Listing.NODES)
    asked: list[tuple[str, str, Scope, Reader]] = [
        ("node", node, Scope.PERSON, ctx.actor),
        ("channel_node", channel_node, Scope.CHANNEL, ctx.place.channel),
    ]
    for name, text, scope, owner in asked:
        if not text:
            continue
        async with ctx.services.store.read() as tx:
            now = await tx.defaults.get(scope, owner)
        meant = await inventory.node_by_id(now) if now else None
        found[f"{name}_now"] = f"{meant.id} {meant.label}" if meant else ""
        if not is_none(text):
            named = await inventory.named_node(text, hidden=hidden)
            found[name] = f"{named.id} {named.label}"
    return {**found, **({"channel": ctx.place.channel} if channel_node else {})}


_MEANT = {
    "channel_node": FactKind(say("This channel's node"), said=said_node),
    "channel": FactKind(say("Channel"), said=said_audiences),
    "node_now": FactKind(say("Node so far"), said=said_node, called=say("the node")),
    "channel_node_now": FactKind(
        say("This channel's node so far"), said=said_node, called=say("this channel's node")
    ),
}


def _effect(values: Mapping[str, str]) -> Effect:
    return Effect.CHANGE if {"node", "channel_node"} & set(values) else Effect.READ


GROUP = Group(
    "",
    say("Help, and who you are here"),
    (
        Command(
            "help",
            show_help,
            example="help vm restart",
            chinese="帮助",
            does=say("Get help"),
        ),
        Command(
            "whoami",
            whoami,
            example="whoami",
            spans_nodes=True,
            is_open=True,
            chinese="我是谁",
            does=say("Show who you are"),
        ),
        Command(
            "settings",
            settings,
            _effect,
            "settings node=gpu1",
            asks=say("Change which node is meant when none is named"),
            loses=say("A default that is set already is replaced."),
            shows=_meant_now,
            facts=_MEANT,
            chinese="设置",
            does=say("Change settings"),
            button=say("Save"),
        ),
        *cost.COMMANDS,
        *freezing.COMMANDS,
        *doctor.COMMANDS,
    ),
)
