"""Networks between the machines of one site (docs/dbc-api.md §3.6, §3.8)."""

from collections.abc import Mapping
from typing import Annotated

from bot.dbc import fields
from bot.dbc.errors import Clash, Missing, Unreadable
from bot.dbc.models import Lan
from bot.errors import BotError, Conflict
from bot.language.args import Arg, AtNode, OnNode
from bot.language.table import Command, Follow, Group
from bot.messages.facts import FactKind
from bot.model import Effect, Goal, Node
from bot.pipeline.context import Context
from bot.pipeline.formatting import joined, short
from bot.pipeline.glance import glance
from bot.plural import counted
from bot.reply import Note, Reply, Row, Rows, bold, code, line

LanName = Annotated[
    str,
    Arg(
        "Network",
        "word",
        "6 to 10 letters and digits, no others",
        "team01",
        word="network",
        narrow=True,
    ),
]
Cidr = Annotated[
    str,
    Arg(
        "Address range (CIDR)",
        "word",
        "IPv4 with a mask from 8 to 30; the machines get their addresses from it",
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
    labels = await _labels(ctx)
    rows = tuple(_row(lan, labels) for lan in lans)
    head = line(bold(node.label), "" if rows else " knows no networks.")
    return Reply(f"{counted(len(lans), 'network')} on {node.label}", (Rows(rows, head),))


def _row(lan: Lan, labels: Mapping[str, str]) -> Row:
    used = ", ".join(labels.get(task, short(task)) for task in lan.members) or "unused"
    data = {"name": lan.network_name, "ip_cidr": lan.ip_cidr or None, "machines": list(lan.members)}
    return Row(joined(joined(line(code(lan.network_name)), lan.ip_cidr, by=" "), used), data)


async def _labels(ctx: Context) -> dict[str, str]:
    machines = await ctx.services.inventory.machines(ctx.actor, ctx.place.channel)
    return {machine.task: machine.label for machine in machines}


async def create(ctx: Context, name: LanName, cidr: Cidr, node: AtNode) -> Reply:
    """Make a network, to be named when a machine is created."""
    target = await ctx.target(node)

    await ctx.dbc.lans.create(target, name, cidr)
    return Reply.of(
        "The network ", bold(name), f" ({cidr}) is made on ", bold(node.label), "."
    ).also(
        Note(
            line(
                "Other nodes of the site learn of it a little later. Unused, it is removed after "
                "three days."
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
    fields.lan_name(values.get("name", ""), "name")
    if cidr := values.get("cidr"):
        fields.ip_cidr(cidr, "cidr")


async def delete(ctx: Context, name: LanName, node: AtNode) -> Reply:
    """Delete a network that no machine uses; only its maker can."""
    target = await ctx.target(node)

    await ctx.dbc.lans.delete(target, name)
    return Reply.of("The network ", bold(name), " is deleted from ", bold(node.label), ".")


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
        used = ", ".join(labels.get(task, short(task)) for task in lan.members)
        raise Conflict(
            f"The network {name} is in use by {used}.",
            hint="Delete these machines first, or create them anew without the network.",
            field="name",
        )
    which = f"{lan.vxlan_vni} {lan.machine_id} {lan.rent_wallet}".strip()
    return {"ip_cidr": lan.ip_cidr, "used_by": "", _WHICH: which}


def _another(shown: str, now: str) -> str:
    """The node gives each network a number by chance."""
    (number, *_), (was, *_) = now.split() or ("unknown",), shown.split() or ("unknown",)
    if number == was:
        return "the network is another one now: its owner is another"
    return f"the network is another one now: its VNI is {number}, not {was}"


GROUP = Group(
    "lan",
    "Networks between machines",
    (
        Command("list", list_lans, example="lan list gpu1", synonyms=("ls",)),
        Command(
            "create",
            create,
            Effect.CHANGE,
            "lan create team01 192.168.66.0/24 on gpu1",
            alike=("name",),
            asks="Create the network {name} ({cidr}) on",
            check=_check,
            look=_before_create,
            repeated=_is_made_already,
            unanswered=Follow(
                Goal.CHANGED, lambda known: f"makes the network {known['name']}", "has it now"
            ),
        ),
        Command(
            "delete",
            delete,
            Effect.DESTROY,
            "lan delete team01 on gpu1",
            check=_check,
            look=_before_delete,
            facts={
                "ip_cidr": FactKind("Address range"),
                "used_by": FactKind("Used by"),
                _WHICH: FactKind("VNI", said=lambda text: text.partition(" ")[0], differs=_another),
            },
            asks="Delete the network {name} on",
            repeated=lambda error, _known: isinstance(error, Missing),
            unanswered=Follow(
                Goal.CHANGED, lambda known: f"deletes the network {known['name']}", "is without it"
            ),
            loses="The network and its addresses are gone; no machine can be put into it any more.",
        ),
    ),
    needs_session=True,
)
