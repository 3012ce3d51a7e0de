"""What a machine or node may be called here: only what people can type and tell apart.

Whoever uses what gets another name is told: it is theirs, too.
"""

import re
from collections.abc import Mapping
from typing import TypedDict

from bot.errors import Refused
from bot.folding import fold
from bot.ids import ChannelId, TaskId
from bot.language.args import OPTIONS
from bot.language.chinese import (
    ALONE,
    BEHIND_NODE,
    CALLED,
    PREPOSITIONS,
    WITH_FLAG,
    choice,
    is_every,
)
from bot.language.mood import NOTHINGS, PRONOUNS
from bot.language.row_parts import Listing
from bot.language.sorting import WITH
from bot.language.table import Look, Table, words_of
from bot.messages import board
from bot.messages.facts import FactKind, Kinds
from bot.messages.wishes import wants_news
from bot.model import Machine, Nicknamed, Node, Place
from bot.pipeline.context import Context, Services
from bot.reply import Given, Phrase, Reply, Text, bold, code, mention, say

_NICKNAME = re.compile(r"[\w.-]{1,40}")
_WORDS = (
    NOTHINGS | PRONOUNS | {"on", "force", "help", "here", "none", "head", "tail"}
)  # of the language


# Of machines and nodes; with something behind it, one still reads like the machine itself.
_IDS = re.compile(r"[A-Za-z0-9_]{20,22}(?:[.-].*)?|[0-9a-fA-F]{64}")
_SHORT = 8  # characters of an id that people read
_TELLING = 4  # characters; a shorter beginning of an id is nothing that people type


def looks_odd(name: str) -> Text:
    """Why a name would be taken for something else wherever it is typed; empty where it is not."""
    if name.startswith("-"):
        return say("“{name}” looks like an option.", name=name)
    return say("“{name}” looks like an id.", name=name) if _IDS.fullmatch(name) else ""


def check_nickname(values: Mapping[str, str]) -> None:
    """Refuse a nickname that no command line could mean."""
    nickname = values.get("nickname", "")
    if _NICKNAME.fullmatch(nickname) is None:
        raise Refused(
            say(
                "A nickname has at most 40 letters, digits, dots, dashes and "
                "underscores, no spaces."
            ),
            field="nickname",
        )
    if told := looks_odd(nickname):
        raise Refused(told, hint=say("Choose another."), field="nickname")
    if fold(nickname) in _WORDS or is_every(nickname):
        raise Refused(
            say("“{nickname}” is a word of the commands.", nickname=nickname),
            hint=say("Choose another."),
            field="nickname",
        )


def _is_of_language(table: Table, word: str) -> bool:
    """Whether it is a verb, a flag, a preposition or a choice, in English or Chinese."""
    beside_names = [c for c in table if c.target is not None and c.target.required]
    given = [p for c in beside_names for p in c.parameters if p.arg.kind.is_flag]
    flags = {name for p in given for name in p.spellings}
    verbs = {name for c in table for name in words_of(c)}
    options = {name for one in OPTIONS for name in (one.name, *CALLED.get(one.name, ()))}
    return (
        word in flags | verbs | options | ALONE.keys() | WITH_FLAG.keys() | PREPOSITIONS.keys()
        or word in WITH | BEHIND_NODE
        or choice(word, _WORDS) in _WORDS
    )


async def verify_nickname(services: Services, _user: str, values: Mapping[str, str]) -> None:
    """Refuse a nickname that is a command, or hides a machine or node that is named by its id."""
    nickname, table = values.get("nickname", ""), services.table
    if _is_of_language(table, fold(nickname)) or table.group(nickname) is not None:
        told = say("“{nickname}” is a word of the commands.", nickname=nickname)
        raise Refused(told, hint=say("Choose another."), field="nickname")
    async with services.store.read() as tx:
        ids: set[str] = {machine.task for machine in await tx.inventory.machines()}
        ids |= {node.id for node in await tx.inventory.nodes()}
    if len(nickname) >= _TELLING and any(fold(one).startswith(fold(nickname)) for one in ids):
        told = say("“{nickname}” is the beginning of an id.", nickname=nickname)
        raise Refused(told, hint=say("Choose another."), field="nickname")


async def rename(ctx: Context, what: Machine | Node, nickname: str) -> Reply:
    """Give it the nickname, and tell those who hold a session for its node, or share one."""
    services, execution = ctx.services, ctx.entry
    await _require_free(ctx, what, nickname)
    is_machine = isinstance(what, Machine)
    node, target = (what.node, what.task) if isinstance(what, Machine) else (what.id, what.id)
    told: Given = say("{name} ({id})", name=bold(what.label), id=code(target[:_SHORT]))
    people = [one for one in await services.sessions.entitled(node) if one != ctx.actor]
    channels = await services.sessions.shared_channels(node)
    if is_machine:
        on = bold(await services.inventory.label(node))
        told = say("{machine} on {node}", machine=told, node=on)
    if nickname == what.label:  # stored, it would count as given anew, by somebody else
        return Reply.of(say("{what} already has that name: nothing has changed.", what=told))
    async with services.store.write() as tx:
        kind = Nicknamed.MACHINE if is_machine else Nicknamed.NODE
        former = await tx.names.find(kind, nickname)
        if is_machine and former and not await tx.inventory.knows(None, TaskId(former)):
            await tx.names.remove(kind, former)  # that machine is gone
        await tx.names.set(kind, target, nickname, by=ctx.actor, now=ctx.now)
        news = Reply.of(
            say(
                "{user} has renamed {what} to {nickname}.",
                user=mention(ctx.actor),
                what=told,
                nickname=bold(nickname),
            )
        )
        for place in [one for one in (*channels, *people) if one != ctx.place.channel]:
            if not await wants_news(tx, ChannelId(place)):
                continue
            key = f"renamed:{execution.id}:{place}"
            await board.tell(tx, execution, key, Place(ChannelId(place)), news, ctx.now)
    return Reply.of(say("{what} is now called {nickname}.", what=told, nickname=bold(nickname)))


async def _require_free(ctx: Context, what: Machine | Node, nickname: str) -> None:
    """Refuse the name of another one that the person sees: then it would mean either."""
    inventory, called = ctx.services.inventory, fold(nickname)
    hidden = await ctx.hidden(Listing.MACHINES if isinstance(what, Machine) else Listing.NODES)
    if isinstance(what, Machine):
        for machine in await inventory.machines(ctx.actor, ctx.place.channel):
            is_it = machine.task == what.task or machine.node in hidden
            if not is_it and called in {fold(machine.nickname), fold(machine.desc)}:
                where = await inventory.label(machine.node)
                other = say("{id} on {node}", id=machine.task[:_SHORT], node=where)
                raise _taken(
                    say(
                        "Another machine is already called “{nickname}” ({other}), so the name "
                        "would mean either.",
                        nickname=nickname,
                        other=other,
                    )
                )
        return
    for node in (*await inventory.known_nodes(), *await inventory.metals()):
        is_it = node.id == what.id or node.id in hidden
        if not is_it and called in {fold(node.nickname), fold(node.name), fold(node.desc)}:
            raise _taken(
                say(
                    "Another node is already called “{nickname}” ({other}), so the name would "
                    "mean either.",
                    nickname=nickname,
                    other=node.id[:_SHORT],
                )
            )


def _taken(told: Phrase) -> Refused:
    return Refused(
        told,
        hint=say("Nothing was changed. Choose another name."),
        field="nickname",
    )


async def _called_now(ctx: Context, *, nickname: str, **what: Machine | Node) -> Mapping[str, str]:
    """The nickname that the new one takes the place of."""
    del nickname
    (one,) = what.values()
    kind, target = (
        (Nicknamed.MACHINE, one.task) if isinstance(one, Machine) else (Nicknamed.NODE, one.id)
    )
    async with ctx.services.store.read() as tx:
        given = await tx.names.given(kind, target)
    return {"called": given.name if given is not None else ""}


class _Naming(TypedDict):
    asks: Text
    loses: Text
    shows: Look
    facts: Kinds


# What a row says that gives a nickname.
NAMING: _Naming = {
    "asks": say("Give {target} the nickname {nickname}"),
    "loses": say("A nickname that it already has no longer means it."),
    "shows": _called_now,
    "facts": {"called": FactKind(say("Present nickname"), called=say("the nickname"))},
}
