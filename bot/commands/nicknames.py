"""What a machine or node may be called here: only what people can type and tell apart.

Whoever uses what gets another name is told: it is theirs, too.
"""

import re
from collections.abc import Mapping
from typing import Literal, TypedDict

from bot.errors import Refused
from bot.folding import fold
from bot.language.table import Look
from bot.messages import board
from bot.messages.facts import FactKind, Kinds
from bot.model import Machine, Node, Place
from bot.pipeline.context import Context, Services
from bot.reply import Reply, bold, code, line, mention

_NICKNAME = re.compile(r"[\w.-]{1,40}")
_WORDS = frozenset({"on", "force", "help", "here", "none", "head", "tail"})  # of the language


_IDS = re.compile(r"[A-Za-z0-9_]{20,22}|[0-9a-fA-F]{64}")  # of machines and nodes
_SHORT = 8  # characters of an id that people read
Kind = Literal["vm", "node"]
_TELLING = 4  # characters; a shorter beginning of an id is nothing that people type


def looks_odd(name: str) -> str:
    """Why a name would be taken for something else wherever it is typed; empty where it is not."""
    if name.startswith("-"):
        return f"“{name}” looks like an option."
    return f"“{name}” looks like an id." if _IDS.fullmatch(name) else ""


def check_nickname(values: Mapping[str, str]) -> None:
    """Refuse a nickname that no command line could mean."""
    nickname = values.get("nickname", "")
    if _NICKNAME.fullmatch(nickname) is None:
        raise Refused(
            "A nickname has at most 40 letters, digits, dots, dashes and underscores, no spaces.",
            field="nickname",
        )
    if told := looks_odd(nickname):
        raise Refused(told, hint="Choose another.", field="nickname")
    if fold(nickname) in _WORDS:
        raise Refused(
            f"“{nickname}” is a word of the commands.", hint="Choose another.", field="nickname"
        )


async def verify_nickname(services: Services, _user: str, values: Mapping[str, str]) -> None:
    """Refuse a nickname that is a command, or hides a machine or node that is named by its id."""
    nickname, table = values.get("nickname", ""), services.table
    is_verb = any(fold(nickname) in {c.verb, *c.synonyms} for c in table)
    if is_verb or table.group(nickname) is not None:
        told = f"“{nickname}” is a word of the commands."
        raise Refused(told, hint="Choose another.", field="nickname")
    async with services.store.read() as tx:
        ids = {machine.task for machine in await tx.inventory.machines()}
        ids |= {node.id for node in await tx.inventory.nodes()}
    if len(nickname) >= _TELLING and any(fold(one).startswith(fold(nickname)) for one in ids):
        told = f"“{nickname}” is the beginning of an id."
        raise Refused(told, hint="Choose another.", field="nickname")


async def rename(ctx: Context, what: Machine | Node, nickname: str) -> Reply:
    """Give it the nickname, and tell those who hold a session for its node, or share one."""
    services, execution = ctx.services, ctx.execution
    await _require_free(ctx, what, nickname)
    assert execution is not None, "to name something is to change something"  # noqa: S101
    is_machine = isinstance(what, Machine)
    node, target = (what.node, what.task) if isinstance(what, Machine) else (what.id, what.id)
    people = [one for one in await services.sessions.entitled(node) if one != ctx.actor]
    channels = await services.sessions.shared_channels(node)
    where = line(" on ", bold(await services.inventory.label(node))) if is_machine else ()
    told = line(bold(what.label), " (", code(target[:_SHORT]), ")", where)
    async with services.store.write() as tx:
        kind: Kind = "vm" if is_machine else "node"
        await tx.names.set(kind, target, nickname, by=ctx.actor, now=ctx.now)
        if nickname != what.label:
            news = Reply.of(
                mention(ctx.actor), " has renamed ", told, ": now ", bold(nickname), "."
            )
            for place in [one for one in (*channels, *people) if one != ctx.place.channel]:
                key = f"renamed:{execution.id}:{place}"
                await board.tell(tx, execution, key, Place(place), news, ctx.now)
    if nickname == what.label:
        return Reply.of(told, " is called that already: nothing has changed.")
    return Reply.of(told, " is now called ", bold(nickname), ".")


async def _require_free(ctx: Context, what: Machine | Node, nickname: str) -> None:
    """Refuse the name of another one that the person sees: then it would mean either."""
    inventory, called = ctx.services.inventory, fold(nickname)
    hidden = await ctx.hidden("vm.list" if isinstance(what, Machine) else "node.list")
    if isinstance(what, Machine):
        for machine in await inventory.machines(ctx.actor, ctx.place.channel):
            is_it = machine.task == what.task or machine.node in hidden
            if not is_it and called in {fold(machine.nickname), fold(machine.desc)}:
                where = await inventory.label(machine.node)
                raise _taken(nickname, "machine", f"{machine.task[:_SHORT]} on {where}")
        return
    for node in (*await inventory.known_nodes(), *await inventory.metals()):
        is_it = node.id == what.id or node.id in hidden
        if not is_it and called in {fold(node.nickname), fold(node.name), fold(node.desc)}:
            raise _taken(nickname, "node", node.id[:_SHORT])


def _taken(nickname: str, kind: str, by: str) -> Refused:
    return Refused(
        f"Another {kind} is already called “{nickname}” ({by}), so the name would mean either.",
        hint="Nothing was changed. Choose another name.",
        field="nickname",
    )


async def _called_now(ctx: Context, *, nickname: str, **what: Machine | Node) -> Mapping[str, str]:
    """The nickname that the new one takes the place of."""
    del nickname
    (one,) = what.values()
    kind, target = ("vm", one.task) if isinstance(one, Machine) else ("node", one.id)
    async with ctx.services.store.read() as tx:
        given = await tx.names.given("vm" if kind == "vm" else "node", target)
    return {"called": given.name if given is not None else ""}


class _Naming(TypedDict):
    asks: str
    loses: str
    shows: Look
    facts: Kinds


# What a row says that gives a nickname.
NAMING: _Naming = {
    "asks": "Give {target} the nickname {nickname}",
    "loses": "A nickname that it has already no longer means it.",
    "shows": _called_now,
    "facts": {"called": FactKind("Present nickname", called="the nickname")},
}
