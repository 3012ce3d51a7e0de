"""Administration of bare metal: signed offline with the manager's own node key.

The bot never has that key: a form takes a nonce and its signature (docs/dbc-api.md §3.7.2).
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Annotated

from pydantic import SecretStr

from bot.commands.proved import leaves_open, proved
from bot.dbc import fields
from bot.dbc.errors import DbcError
from bot.dbc.identity import NodeKeySignature, Target
from bot.dbc.models import BareMetal
from bot.dbc.requests import BareMetalChange, BareMetalSpec
from bot.dbc.signatures import check_signature
from bot.errors import BotError, Refused, refuse_all
from bot.ids import ChannelId, NodeId, UserId
from bot.language.args import Manager, Metal
from bot.language.kind import WORD, Arg
from bot.language.kinds import INT, MANAGER, METAL, SECRET
from bot.language.row_parts import Listing
from bot.language.table import Command
from bot.messages.facts import FactKind, Kinds, said_node, unread
from bot.model import Effect, Node, NodeKind, Place
from bot.pipeline.context import Context, Services
from bot.pipeline.formatting import short
from bot.pipeline.rights import hidden_from
from bot.reply import Reply, bold, code, command, keep, line, listed, say

Uuid = Annotated[
    str,
    Arg(
        say("UUID"),
        WORD,
        say("Letters, digits and dashes; the machine's own"),
        positional=False,
        narrow=True,
    ),
]
Ip = Annotated[
    str,
    Arg(
        say("IP address"),
        WORD,
        say("The machine's own"),
        "198.51.100.4",
        positional=False,
        narrow=True,
    ),
]
Host = Annotated[
    str,
    Arg(
        say("IPMI host"),
        WORD,
        say("Address of its management controller"),
        word="ipmi_host",
        positional=False,
        narrow=True,
    ),
]
UserName = Annotated[str, Arg(say("IPMI user"), WORD, word="ipmi_user", positional=False)]
Password = Annotated[
    str, Arg(say("IPMI password"), SECRET, say("Kept by the manager, not by this bot"))
]
Port = Annotated[
    int,
    Arg(say("IPMI port"), INT, say("Only if it is not 623"), least=1, most=65535, positional=False),
]
System = Annotated[
    str, Arg(say("System (OS)"), WORD, say("What runs on it"), "Ubuntu 22.04", positional=False)
]
Text = Annotated[
    str, Arg(say("Description"), WORD, say("For people"), "rack 7, slot 1", positional=False)
]
Nonce = Annotated[
    str, Arg(say("Nonce"), SECRET, say("As printed by: python -m bot sign --nonce --node-key"))
]
Sign = Annotated[
    str, Arg(say("Signature"), SECRET, say("The manager's own key's signature of the nonce"))
]

_NOW = "now "  # before a field's name: the fact of what the manager knows now
_UNSEEN = frozenset({"ipmi_username", "ipmi_password"})  # stars, without the manager's key
_DETAILS = ("uuid", "ip", "ipmi_hostname", "ipmi_username", "ipmi_port", "os", "desc")
_TOLD = tuple(name for name in _DETAILS if name not in _UNSEEN)
_WHICH = ("uuid", "ip", "ipmi_hostname", "ipmi_port")


async def listed_by(ctx: Context, manager: Node) -> tuple[BareMetal, ...]:
    """The machines of a manager, asked without its key; names and manager are remembered."""
    machines = await ctx.dbc.metal.list(manager.id)
    seen = [
        Node(
            NodeId(m.node_id), m.name, m.version, ctx.now,
            kind=NodeKind.METAL, desc=m.desc, uuid=m.uuid, manager=manager.id,
        )
        for m in machines
    ]  # fmt: skip
    itself = Node(manager.id, "", "", ctx.now, kind=NodeKind.MANAGER)
    await ctx.services.inventory.saw_nodes([itself, *seen])
    return machines


def _proof(manager: str, values: Mapping[str, str]) -> NodeKeySignature:
    """The manager's signature in a form, verified. Raises InvalidField."""
    nonce, sign = values.get("nonce", "").strip(), values.get("sign", "").strip()
    proof = NodeKeySignature(wallet=manager, nonce=SecretStr(nonce), sign=SecretStr(sign))
    check_signature(proof.sign, nonce, (manager,))
    return proof


async def _once(
    ctx: Context, manager: Node, nonce: str, sign: str
) -> tuple[NodeKeySignature, Target]:
    """The proof, used up now, and the manager addressed with it."""
    proof = _proof(manager.id, {"nonce": nonce, "sign": sign})
    await ctx.services.renters.use_up(proof)
    return proof, Target(node_id=manager.id, credentials=proof)


async def _verify(services: Services, user: UserId, values: Mapping[str, str]) -> None:
    """Find a signature that the manager would refuse while the form is still open."""
    hidden = hidden_from(services, user, Place(ChannelId("")), Listing.NODES, asking=False)
    find = partial(services.inventory.named_node, asking=False, hidden=hidden)
    if text := values.get("manager"):
        manager = (await find(text, MANAGER.nodes, "manager")).id
    else:
        machine = await find(values["machine"], METAL.nodes, "machine")
        manager = _manager_of(machine)
    await services.renters.check_unused(_proof(manager, values))


def _manager_of(machine: Node) -> NodeId:
    if not machine.manager:
        raise Refused(
            say("I do not know the manager of {machine}.", machine=machine.label),
            hint=line(
                say(
                    "Name it here, or list its machines first: {command}",
                    command=command("metal list <manager>"),
                )
            ),
            field="manager",
        )
    return machine.manager


async def add(
    ctx: Context,
    manager: Manager,
    ipmi_password: Password,
    nonce: Nonce,
    sign: Sign,
    *,
    uuid: Uuid,
    ip: Ip,
    ipmi_hostname: Host,
    ipmi_username: UserName,
    ipmi_port: Port | None = None,
    os: System = "",
    desc: Text = "",
) -> Reply:
    """Add a bare-metal machine to a manager; signed with the manager's own key."""
    spec = BareMetalSpec(
        uuid=uuid, ip=ip, ipmi_hostname=ipmi_hostname, ipmi_username=ipmi_username,
        ipmi_password=SecretStr(ipmi_password), ipmi_port=ipmi_port, os=os, desc=desc,
    )  # fmt: skip
    known = {node.uuid for node in await ctx.services.inventory.metals()}
    proof, target = await _once(ctx, manager, nonce, sign)
    try:
        await ctx.dbc.metal.add(target, spec)
    except DbcError as error:
        is_new = leaves_open(error) and uuid not in known and uuid in await _uuids(ctx, manager)
        if not is_new:
            raise await ctx.services.renters.spent(proof, error) from None
    node_id = (await _uuids(ctx, manager)).get(uuid, "")
    return Reply.of(
        say(
            "{manager} has taken on {machine} {id}.",
            manager=bold(manager.label),
            machine=bold(desc or uuid),
            id=code(short(node_id)),
        )
    )


async def _uuids(ctx: Context, manager: Node) -> dict[str, str]:
    """Node ids by uuid of what a manager has now; none if it does not say."""
    try:
        return {machine.uuid: machine.node_id for machine in await listed_by(ctx, manager)}
    except BotError:
        return {}


def _check_new(values: Mapping[str, str]) -> None:
    given = {"ipmi_password": SecretStr(""), **_given(values)}
    refuse_all([partial(BareMetalSpec.model_validate, given), *_of_proof(values)])


def _of_proof(values: Mapping[str, str]) -> Iterator[Callable[[], object]]:
    """The checks of a form's nonce and signature, each by itself."""
    for name, check in (("nonce", fields.token), ("sign", fields.signature)):
        if text := values.get(name, "").strip():
            yield partial(check, SecretStr(text), name)


def _given(values: Mapping[str, str]) -> dict[str, object]:
    """What a form says of a machine, as the DBC client takes it."""
    given: dict[str, object] = {k: values[k].strip() for k in _DETAILS if values.get(k)}
    if "ipmi_port" in given:
        given["ipmi_port"] = int(values["ipmi_port"])
    if password := values.get("ipmi_password"):
        given["ipmi_password"] = SecretStr(password)
    return given


async def modify(
    ctx: Context,
    machine: Metal,
    nonce: Nonce,
    sign: Sign,
    ipmi_password: Password = "",
    *,
    uuid: Uuid = "",
    ip: Ip = "",
    ipmi_hostname: Host = "",
    ipmi_username: UserName = "",
    ipmi_port: Port | None = None,
    os: System = "",
    desc: Text = "",
    manager: Manager | None = None,
) -> Reply:
    """Change a bare-metal machine's record at its manager; empty fields stay unchanged."""
    owner = manager or await ctx.services.inventory.node_by_id(_manager_of(machine))
    texts = {
        "uuid": uuid, "ip": ip, "ipmi_hostname": ipmi_hostname, "ipmi_username": ipmi_username,
        "ipmi_port": str(ipmi_port or ""), "os": os, "desc": desc, "ipmi_password": ipmi_password,
    }  # fmt: skip
    change = BareMetalChange.model_validate(_given(texts))
    proof, target = await _once(ctx, owner, nonce, sign)

    async def is_changed() -> bool:
        found = await ctx.dbc.metal.find(owner.id, machine.id)
        return bool(found) and _shows(found[0], texts)

    await _spending(
        ctx, proof, proved(ctx.dbc.metal.modify(target, machine.id, change), is_changed)
    )
    await _uuids(ctx, owner)
    changed = listed(name for name, text in texts.items() if text)
    return Reply.of(
        say(
            "{manager} has changed {machine}: {changed}.",
            manager=bold(owner.label),
            machine=bold(machine.label),
            changed=changed,
        )
    )


def _shows(machine: BareMetal, texts: Mapping[str, str]) -> bool:
    """Whether all that was to change shows; a user and a password never do."""
    wanted = {name: text for name, text in texts.items() if text}
    seen = {name: str(getattr(machine, name)) for name in wanted if name not in _UNSEEN}
    return wanted == seen


def _check_change(values: Mapping[str, str]) -> None:
    change = partial(BareMetalChange.model_validate, _given(values))
    refuse_all([change, *_of_proof(values)])


async def remove(
    ctx: Context, machine: Metal, nonce: Nonce, sign: Sign, manager: Manager | None = None
) -> Reply:
    """Remove a bare-metal machine from its manager; signed with the manager's own key."""
    owner = manager or await ctx.services.inventory.node_by_id(_manager_of(machine))
    proof, target = await _once(ctx, owner, nonce, sign)

    async def is_gone() -> bool:
        return not await ctx.dbc.metal.find(owner.id, machine.id)

    await _spending(ctx, proof, proved(ctx.dbc.metal.remove(target, machine.id), is_gone))
    async with ctx.services.store.write() as tx:
        await tx.inventory.forget_node(machine.id)
    return Reply.of(
        say(
            "{manager} has forgotten {machine}.",
            manager=bold(owner.label),
            machine=bold(machine.label),
        )
    )


async def _spending(ctx: Context, proof: NodeKeySignature, call: Awaitable[None]) -> None:
    try:
        await call
    except DbcError as error:
        raise await ctx.services.renters.spent(proof, error) from None


async def _managed(
    ctx: Context, machine: Node, manager: Node | None, **_wanted: object
) -> Mapping[str, str]:
    """The manager that is told, also where none is named."""
    owner = manager or await ctx.services.inventory.node_by_id(_manager_of(machine))
    return {"manager": f"{owner.id} {owner.label}"}


async def _known_now(
    ctx: Context, machine: Node, manager: Node | None, **_wanted: object
) -> Mapping[str, str]:
    """What the manager knows of the machine, but for what it never shows."""
    owner = manager.id if manager is not None else _manager_of(machine)
    found = await ctx.dbc.metal.find(owner, machine.id)
    if not found:
        return {}
    return _known(found[0])


def _known(machine: BareMetal, names: Iterable[str] = _TOLD) -> Mapping[str, str]:
    return {f"{_NOW}{name}": str(getattr(machine, name) or "") for name in names}


async def which_now(ctx: Context, machine: Node) -> Mapping[str, str]:
    """Which machine answers to the id, and where its power is switched: a manager can change both.

    Its renter is told its address alone; why the rest is not known, where it cannot be read.
    """
    if not machine.manager:
        return _known(await ctx.dbc.metal.get(await ctx.use_session(machine)), ("ip",))
    try:
        found = await ctx.dbc.metal.find(machine.manager, machine.id)
    except DbcError as problem:
        problem.named(machine.label)
        return {unread(f"{_NOW}{name}"): keep(problem.words) for name in _WHICH}
    if not found:
        unlisted = keep(say("Its manager does not list it."))
        return {unread(f"{_NOW}{name}"): unlisted for name in _WHICH}
    return _known(found[0], _WHICH)


_MANAGER = FactKind(say("Manager"), said=said_node)
_KNOWN = {
    f"{_NOW}{name}": FactKind(label, called=called)
    for name, label, called in (
        ("uuid", say("UUID now"), say("the UUID")),
        ("ip", say("IP address now"), say("the IP address")),
        ("ipmi_hostname", say("IPMI host now"), say("the IPMI host")),
        ("ipmi_port", say("IPMI port now"), say("the IPMI port")),
        ("os", say("System now"), say("the system")),
        ("desc", say("Description now"), say("the description")),
    )
}

WHICH: Kinds = {f"{_NOW}{name}": _KNOWN[f"{_NOW}{name}"] for name in _WHICH}

ADD = Command(
    "add",
    add,
    Effect.CHANGE,
    "metal add rack7",
    form=True,
    check=_check_new,
    verify=_verify,
    alike=("uuid",),
    asks=say("Let {node} take on the bare-metal machine {uuid}"),
    chinese="添加 接管",
    does=say("Add bare metal"),
)
MODIFY = Command(
    "modify",
    modify,
    Effect.CHANGE,
    "metal modify slot-1",
    form=True,
    look=_managed,
    shows=_known_now,
    facts={"manager": _MANAGER, **_KNOWN},
    asks=say("Change what its manager knows of {target}"),
    loses=say("What the manager knew of it before is replaced."),
    check=_check_change,
    verify=_verify,
    chinese="修改",
    does=say("Change bare metal"),
)
REMOVE = Command(
    "remove",
    remove,
    Effect.DESTROY,
    "metal remove slot-1",
    removes=True,
    form=True,
    look=_managed,
    shows=_known_now,
    facts={"manager": _MANAGER, **_KNOWN},
    verify=_verify,
    asks=say("Let its manager forget {target}"),
    loses=say("DBC no longer knows the machine. Adding it again gives it a new id."),
    chinese="移除 删除",
    does=say("Remove bare metal"),
)
