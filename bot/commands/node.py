"""Nodes: which there are, what they have, what they are called here (docs/dbc-api.md §3.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from bot.commands import node_orders
from bot.commands.here import require_channel
from bot.commands.nicknames import NAMING, check_nickname, rename, verify_nickname
from bot.commands.node_lists import access_sign, listed
from bot.dbc.guard import Silence
from bot.dbc.models import Gpu, HostDisk, Memory, NodeInfo
from bot.errors import NotFound
from bot.ids import NodeId, UserId
from bot.language.args import AnyNode, Nickname, OnNode
from bot.language.chinese import is_none
from bot.language.kind import Arg
from bot.language.kinds import FLAG
from bot.language.row_parts import Listing
from bot.language.table import Command, Group
from bot.messages.access_cards import ask_button
from bot.messages.facts import FactKind
from bot.model import Effect, Node, NodeKind, Scope
from bot.pipeline import json_data
from bot.pipeline.context import Context, Services
from bot.pipeline.formatting import (
    cores,
    joined,
    retry_buttons,
    said_audiences,
    short,
    sized,
    stacked,
)
from bot.reply import (
    Fields,
    Line,
    Para,
    Part,
    Reply,
    Row,
    Rows,
    Text,
    bold,
    code,
    emoji,
    line,
    say,
    say_number,
    time,
)
from bot.reply import command as to_type
from bot.services.matching import none_called

Here = Annotated[
    bool, Arg(say("Here"), FLAG, say("For everyone in this channel, not only for you"))
]


async def list_nodes(ctx: Context) -> Reply:
    """List the nodes that the DBC daemon knows."""
    inventory = ctx.services.inventory
    found = await listed(ctx, inventory.refresh_nodes, inventory.known_nodes)
    nodes, mine = found.nodes, found.mine
    silences = {node.id: ctx.dbc.silence(node.id) for node in nodes}
    rows = tuple(
        [
            _row(node, silences[node.id], await _unasked(ctx, node), has_session=node.id in mine)
            for node in nodes
        ]
    )
    head = () if rows else line(say("None yet."))
    parts: list[Part] = [Rows(rows, head, also=found.also), *found.notes]
    ask = () if found.usable else (ask_button(NodeId("")),)
    parts.extend(retry_buttons([node for node in nodes if silences[node.id]], *ask))
    return Reply(say_number("{number} node", "{number} nodes", len(nodes)), tuple(parts))


@dataclass(frozen=True, slots=True)
class _Unasked:
    """A node that this process has not asked anything yet; when it last answered, if known."""

    last_answer: datetime | None


async def _unasked(ctx: Context, node: Node) -> _Unasked | None:
    """That nobody knows whether a node answers; None for one that was asked."""
    if ctx.dbc.silence(node.id) is not None or ctx.dbc.last_answer(node.id) is not None:
        return None
    return _Unasked(await ctx.services.inventory.last_answer(node.id))


def _row(
    node: Node, silence: Silence | None, unasked: _Unasked | None, *, has_session: bool
) -> Row:
    own_name = f" ({node.name})" if node.name not in {"", node.label} else ""
    key: Line = access_sign() if has_session else ()
    shown = line(bold(node.label), f"{own_name} ", code(short(node.id)), _version(node), key)
    if silence is not None:
        shown = line(shown, " ", emoji("warning"), " ", _silent(silence))
    elif unasked is not None and has_session:  # the others are asked when somebody asks for them
        known = unasked.last_answer
        told = say("not asked yet since I started")
        if known:
            told = say(
                "not asked yet since I started; last answer {time}",
                time=time(known),
            )
        shown = line(shown, " ", emoji("grey_question"), " ", told)
    last_answer = silence.last_answer if silence else unasked.last_answer if unasked else None
    data = {
        "id": node.id,
        "name": node.label,
        "version": node.version or None,
        "usable": has_session,
        "seen_at": node.seen_at,
        "is_silent": None if unasked else silence is not None,
        "last_answer_at": last_answer,
        "next_retry_at": silence.until if silence else None,
    }
    return Row(shown, data)


def _version(node: Node) -> str:
    return f" {node.version}" if node.version else ""


def _silent(silence: Silence) -> Line:
    told = say("not responding")
    if silence.last_answer:
        told = say("not responding since {time}", time=time(silence.last_answer))
    if silence.until is None:
        return line(told)
    return line(say("{told}; next retry {time}", told=told, time=time(silence.until)))


async def retry(ctx: Context, node: AnyNode) -> Reply:
    """Retry a node that is not responding now, not at its next retry."""
    ctx.dbc.ask_again(node.id)
    await ctx.dbc.nodes.info(node.id)
    data = {"id": node.id, "name": node.label, "is_silent": False}
    told = say("{node} is responding.", node=bold(node.label))
    return Reply.of(emoji("white_check_mark"), " ", told, data=data)


async def show(ctx: Context, node: AnyNode) -> Reply:
    """Show a node's hardware, how much of it is in use, and its images."""
    info = await ctx.dbc.nodes.info(node.id)
    kind = say("bare metal") if info.is_bare_metal else say("GPU node")
    parts: list[Part] = [
        Para(line(bold(node.label), " · ", kind, "\n", code(node.id))),
        Fields(_facts(info)),
    ]
    if info.images:
        images = [line(code(image.name), " ", sized(image.size)) for image in info.images]
        parts.append(Para(stacked([line(bold(say("Images"))), *images])))
    data = json_data.hardware(node, info)
    return Reply(say("{what}: {subject}", what=node.label, subject=kind), tuple(parts), data=data)


def _facts(info: NodeInfo) -> tuple[tuple[Text, Line], ...]:
    facts: list[tuple[Text, Line]] = []
    if info.gpu:
        facts.append((say("GPUs"), _gpus(info.gpu)))
    if info.cpu:
        used = say("{percent} used", percent=info.cpu.used_usage) if info.cpu.used_usage else ""
        told = joined(cores(info.cpu.cores), used)
        facts.append((say("CPU"), joined(told, info.cpu.type, by="\n") or line(say("unknown"))))
    if info.mem:
        facts.append((say("Memory"), free_of(info.mem)))
    facts.extend(
        (say("Disk {path}", path=disk.path) if disk.path else say("Disk"), free_of(disk))
        for disk in info.disk_data
    )
    facts.append((say("System"), line(info.os or say("unknown"))))
    facts.append((say("Address"), line(info.ip or say("unknown"))))
    facts.append((say("DBC version"), line(info.version or say("unknown"))))
    return tuple(facts)


def _gpus(gpu: Gpu) -> Line:
    if gpu.gpu_count is None:
        return line(say("unknown"))
    if gpu.gpu_used is None:
        return line(say("{count}, how many are in use is not known", count=gpu.gpu_count))
    return line(say("{used} of {count} in use", used=gpu.gpu_used, count=gpu.gpu_count))


def free_of(of: Memory | HostDisk) -> Line:
    """How much is free, and of how much."""
    if of.size.text and of.free.text:
        return line(say("{free} of {size} free", free=str(of.free), size=str(of.size)))
    if of.size.text:
        return line(of.size.text)
    return line(say("{free} free", free=str(of.free)) if of.free.text else say("unknown"))


async def name(ctx: Context, node: AnyNode, nickname: Nickname) -> Reply:
    """Give a node a nickname that everyone here can use."""
    return await rename(ctx, node, nickname)


async def _meant_now(ctx: Context, node: Node, *, here: bool) -> Mapping[str, str]:
    """For whom it is chosen, and which node is meant there now."""
    del node
    owner = ctx.place.channel if here else ctx.actor
    async with ctx.services.store.read() as tx:
        found = await tx.defaults.get(Scope.CHANNEL if here else Scope.PERSON, owner)
    meant = await ctx.services.inventory.node_by_id(found) if found else None
    return {"for": owner, "meant": f"{meant.label} ({short(meant.id)})" if meant else ""}


async def _verify_use(_services: Services, _user: UserId, values: Mapping[str, str]) -> None:
    """Lead from `none` to what removes the default."""
    if is_none(text := values.get("node", "")):
        hint = say("Did you mean {command}?", command=to_type(f"settings node={text}"))
        raise NotFound(none_called(text, NodeKind.GPU), hint=line(hint), field="node")


async def use(ctx: Context, node: OnNode, here: Here = False) -> Reply:
    """Set the default node, for you or for this channel."""
    if here:
        require_channel(ctx.place)
    async with ctx.services.store.write() as tx:
        if here:
            await tx.defaults.set(Scope.CHANNEL, ctx.place.channel, node.id)
        else:
            await tx.defaults.set(Scope.PERSON, ctx.actor, node.id)
    return Reply.of(
        say("This channel's default node is now {node}.", node=bold(node.label))
        if here
        else say("Your default node is now {node}.", node=bold(node.label)),
        private=not here,
    )


GROUP = Group(
    "node",
    say("GPU nodes"),
    (
        Command(
            "list",
            list_nodes,
            example="node list",
            synonyms=("ls",),
            lists=Listing.NODES,
            spans_nodes=True,
            chinese="列表 列出",
            does=say("List nodes"),
        ),
        Command(
            "show",
            show,
            example="node show gpu1",
            details=Listing.NODES,
            chinese="查看 详情 状态",
            does=say("Show a node"),
        ),
        Command(
            "retry",
            retry,
            example="node retry gpu1",
            synonyms=("ping",),
            chinese="重试",
            does=say("Retry a node"),
            button=say("Retry"),
        ),
        Command(
            "orders",
            node_orders.orders,
            example="node orders gpu1",
            chinese="订单 租用订单",
            does=say("List a node's rentals"),
            button=say("Show"),
        ),
        Command(
            "name",
            name,
            Effect.CHANGE,
            "node name 58fb618a gpu1",
            check=check_nickname,
            verify=verify_nickname,
            **NAMING,
            chinese="改名 命名",
            does=say("Name a node"),
        ),
        Command(
            "use",
            use,
            Effect.CHANGE,
            "node use gpu1 here",
            shows=_meant_now,
            verify=_verify_use,
            facts={
                "for": FactKind(say("For"), said=said_audiences),
                "meant": FactKind(say("Meant so far"), called=say("the node that is meant")),
            },
            asks=say("Make {target} the default node"),
            loses=say("A default that is set already is replaced."),
            is_personal=True,
            chinese="使用 默认",
            does=say("Set the default node"),
            button=say("Set default"),
        ),
    ),
)
