"""Networks between the machines of one site (docs/dbc-api.md §3.6, §3.8)."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated

from bot.dbc import fields
from bot.dbc.errors import Clash, Missing, Unreadable
from bot.dbc.models import Lan
from bot.errors import BotError, Conflict, refuse_all
from bot.language.args import AtNode, OnNode
from bot.language.kind import WORD, Arg
from bot.language.kinds import NETWORK
from bot.language.row_parts import Follow, Listing
from bot.language.table import Command, Group
from bot.messages.facts import FactKind
from bot.model import Deed, Effect, Goal, Node, Trace
from bot.pipeline.context import Context
from bot.pipeline.formatting import joined, short
from bot.pipeline.glance import glance
from bot.reply import (
    Column,
    Note,
    Phrase,
    Reply,
    Row,
    Rows,
    bold,
    code,
    line,
    listed,
    say,
    say_number,
)

LanName = Annotated[
    str,
    Arg(
        say("Network name"),
        WORD,
        say("6 to 10 letters and digits, no others"),
        "team01",
        word="network",
        narrow=True,
    ),
]
KnownLan = Annotated[str, Arg(say("Network"), NETWORK, say("Its name"), "team01", word="network")]
Cidr = Annotated[
    str,
    Arg(
        say("Address range (CIDR)"),
        WORD,
        say("IPv4 with a mask from 8 to 30; the machines get their addresses from it"),
        "192.168.66.0/24",
        names=("ip_cidr",),
        narrow=True,
    ),
]


_WHICH = "which"  # a fact: what tells a network from another one of its name
_THERE = "there"  # a fact: whether the node has a network of that name already


async def list_lans(ctx: Context, node: OnNode) -> Reply:
    """List the networks that a node knows, and which machines are in them."""
    lans = await ctx.dbc.lans.list(node.id)
    await ctx.services.sightings.saw_networks(node.id, lans)
    labels = await _labels(ctx)
    rows = tuple(_row(lan, labels) for lan in lans)
    head = line(bold(node.label))
    if not rows:
        head = line(say("{node} knows no networks.", node=bold(node.label)))
    return Reply(
        say(
            "{networks} on {node}",
            networks=say_number("{number} network", "{number} networks", len(lans)),
            node=node.label,
        ),
        (Rows(rows, head, columns=_COLUMNS),),
    )


def _row(lan: Lan, labels: Mapping[str, str]) -> Row:
    used = listed(labels.get(task, short(task)) for task in lan.members) or line(say("unused"))
    data = {"name": lan.network_name, "ip_cidr": lan.ip_cidr or None, "machines": list(lan.members)}
    named = line(code(lan.network_name))
    told = joined(joined(named, lan.ip_cidr, by=" "), used)
    return Row(told, data, cells=(named, line(lan.ip_cidr), used))


_COLUMNS = (
    Column(say("Network")),
    Column(say("Address range")),
    Column(say("Machines"), is_long=True),
)


async def _labels(ctx: Context) -> dict[str, str]:
    machines = await ctx.services.inventory.machines(ctx.actor, ctx.place.channel)
    return {machine.task: machine.label for machine in machines}


async def create(ctx: Context, name: LanName, cidr: Cidr, node: AtNode) -> Reply:
    """Create a network; name it when you create a machine."""
    target = await ctx.use_session(node)

    await ctx.dbc.lans.create(target, name, cidr)
    return Reply.of(
        say(
            "The network {name} ({cidr}) is made on {node}.",
            name=bold(name),
            cidr=cidr,
            node=bold(node.label),
        )
    ).also(
        Note(
            line(
                say(
                    "Other nodes of the site learn of it a little later. Unused, it is "
                    "removed after three days."
                )
            )
        )
    )


async def _before_create(ctx: Context, name: str, node: Node, **_other: object) -> dict[str, str]:
    """Whether the node has it already: afterwards, that it has it proves nothing then."""

    async def is_there() -> bool:  # asked by its name: a list can be short
        try:
            await ctx.dbc.lans.get(name, node.id)
        except Missing:
            return False
        return True

    found = await glance(ctx, node.id, is_there)
    return {} if found is None else {_THERE: "yes" if found else "no"}


def _is_made_already(error: BotError, known: Mapping[str, str]) -> bool:
    return isinstance(error, Clash) and known.get(_THERE) == "no"


def _check(values: Mapping[str, str]) -> None:
    cidr = values.get("cidr", "")
    checks = [partial(fields.lan_name, values.get("name", ""), "name")]
    refuse_all([*checks, partial(fields.ip_cidr, cidr, "cidr")] if cidr else checks)


async def delete(ctx: Context, name: KnownLan, node: AtNode) -> Reply:
    """Delete a network that no machine uses; only whoever created it can."""
    target = await ctx.use_session(node)

    await ctx.dbc.lans.delete(target, name)
    return Reply.of(
        say("The network {name} is deleted from {node}.", name=bold(name), node=bold(node.label))
    )


async def _before_delete(ctx: Context, name: str, node: Node) -> Mapping[str, str]:
    """Refuse while machines are in it, and say which."""
    try:
        lan = await ctx.dbc.lans.get(name, node.id)
    except Unreadable as problem:
        if not problem.is_of_the_node:
            raise
        return {"ip_cidr": "", _WHICH: ""}  # a node refuses by itself while machines are in it
    if lan.members:
        labels = await _labels(ctx)
        used = listed(labels.get(task, short(task)) for task in lan.members)
        raise Conflict(
            say("The network {name} is in use by {used}.", name=name, used=used),
            hint=say("Delete these machines first, or create them anew without the network."),
            field="name",
        )
    which = f"{lan.vxlan_vni} {lan.machine_id} {lan.rent_wallet}".strip()
    return {"ip_cidr": lan.ip_cidr, "used_by": "", _WHICH: which}


def _another(shown: str, now: str) -> Phrase:
    """The node gives each network a number by chance."""
    unknown = say("unknown")
    (number, *_), (was, *_) = now.split() or (unknown,), shown.split() or (unknown,)
    if number == was:
        return say("the network is another one now: its owner is another")
    return say(
        "the network is another one now: its VNI is {number}, not {before}",
        number=number,
        before=was,
    )


def _making(known: Mapping[str, str]) -> Phrase:
    return say("{target} makes the network {name}", name=known["name"])


def _deleting(known: Mapping[str, str]) -> Phrase:
    return say("{target} deletes the network {name}", name=known["name"])


GROUP = Group(
    "lan",
    say("Networks between machines"),
    (
        Command(
            "list",
            list_lans,
            example="lan list gpu1",
            synonyms=("ls",),
            chinese="列表 列出",
            does=say("List networks"),
            lists=Listing.NETWORKS,
        ),
        Command(
            "create",
            create,
            Effect.CHANGE,
            "lan create team01 192.168.66.0/24 on gpu1",
            alike=("name",),
            asks=say("Create the network {name} ({cidr}) on {target}"),
            check=_check,
            look=_before_create,
            repeated=_is_made_already,
            deed=Deed(trace=Trace.LAN_MADE),
            unanswered=Follow(Goal.CHANGED, _making, say("{target} has it now")),
            chinese="创建 新建",
            does=say("Create a network"),
        ),
        Command(
            "delete",
            delete,
            Effect.DESTROY,
            "lan delete team01 on gpu1",
            removes=True,
            check=_check,
            look=_before_delete,
            facts={
                "ip_cidr": FactKind(say("Address range")),
                "used_by": FactKind(say("Used by")),
                _WHICH: FactKind(
                    say("VNI"), said=lambda text: text.partition(" ")[0], differs=_another
                ),
            },
            asks=say("Delete the network {name} on {target}"),
            repeated=lambda error, _known: isinstance(error, Missing),
            deed=Deed(trace=Trace.LAN_GONE),
            unanswered=Follow(Goal.CHANGED, _deleting, say("{target} is without it")),
            loses=say(
                "The network and its addresses are gone; no machine can be put into it any more."
            ),
            chinese="删除",
            does=say("Delete a network"),
        ),
    ),
    needs_session=True,
)
