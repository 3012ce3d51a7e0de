"""How to copy what a rental's machines hold: what, where to, how large, and where there is room."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, count

from bot.chain.heads import SLOT
from bot.commands.node import free_of
from bot.dbc.errors import DbcError, says_unrented
from bot.dbc.models import HostDisk, Phase, phase_of
from bot.dbc.sizes import Size
from bot.errors import BotError
from bot.ids import NodeId, TaskId
from bot.messages import ways
from bot.messages.machine_buttons import RESCUE, May, button
from bot.model import ExecutionStatus, OrderPhase, RentalOrder
from bot.orders.coming import when
from bot.orders.facts import AtStake, Facts
from bot.orders.just_ended import copy_by
from bot.orders.schedule import DAY, LOOP, is_left_by_lapse, is_too_late, moment
from bot.orders.words import why_over
from bot.pipeline import json_data
from bot.pipeline.context import Context
from bot.pipeline.ended import Ended, ended_of
from bot.pipeline.formatting import short, stacked
from bot.pipeline.rights import may_press
from bot.ports import DeliveryFailed
from bot.reply import (
    Actions,
    Fields,
    Given,
    Line,
    Note,
    Para,
    Part,
    Reply,
    Row,
    Rows,
    Text,
    Words,
    all_of,
    bold,
    code,
    command,
    emoji,
    line,
    listed,
    say,
    sentences,
    time,
)
from bot.reviews.policy import DecisionKind

_WITH_BUTTONS = 4  # machines
_SYSTEM = "vda"  # the only disk that a snapshot holds
_STARTS = ("vm.start", "vm.restart")
_RAN = {
    ExecutionStatus.RUNNING, ExecutionStatus.FOLLOWING, ExecutionStatus.DONE,
    ExecutionStatus.UNKNOWN,
}  # fmt: skip
_RUNNING = {Phase.ON, Phase.ASLEEP}
_COPIES = {ExecutionStatus.DONE, *(one for one in ExecutionStatus if not one.is_end)}


@dataclass(frozen=True, slots=True)
class Left:
    """What can still be done on an order's node: all, or what it takes once the order has ended.

    It `answers`, it `refuses` every command since nobody rents it, or has another `problem`, such
    as that it is silent. It `has_looked` for what to switch off. `again` is the order by which it
    is rented again.
    """

    node: NodeId
    label: str
    ended: Ended
    has_ended: bool = False
    answers: bool = False
    refuses: bool = False
    problem: BotError | None = None
    has_looked: bool = False
    again: str = ""

    @property
    def takes_commands(self) -> bool:
        """Whether commands for its machines have any prospect now."""
        return not self.refuses and self.problem is None

    @property
    def later(self) -> Text:
        """When they have again, where they have not."""
        if self.refuses:
            return say("once {node} is rented again", node=self.label)
        return say("once {node} takes commands again", node=self.label)

    def is_off(self, one: AtStake) -> bool:
        """Whether a machine is off, or must be by now."""
        return one.is_off or (self.has_looked and not self.answers)


async def left_of(ctx: Context, order: RentalOrder) -> Left:
    """Ask the node of an order what it still takes."""
    usable = await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)
    here = [one for one in usable if one.node == order.node]
    facts = await ctx.services.orders.facts(order)
    order = facts.order
    has_ended = order.phase is OrderPhase.ENDED or facts.is_ending
    listings = [await ctx.services.inventory.list_node(one) for one in here]
    ended = await ended_of(ctx.services, here)
    problems = [one.problem for one in listings if one.problem is not None]
    answers = len(problems) < len(listings)
    refuses = not answers and any(map(says_unrented, problems))
    label = await ctx.services.inventory.label(order.node)
    problem = None if answers or refuses else next(iter(problems), None)
    if isinstance(problem, DbcError):
        problem.named(label)
    has_ended |= refuses and order.phase is OrderPhase.LAPSED
    has_looked = has_ended and ctx.services.orders.has_passed(order.ends + LOOP, order)
    live = [one for one in ended.orders if one.phase is OrderPhase.RENTING]
    later = [one for one in live if one.node == order.node and one.began >= order.ends]
    again = str(later[0].number) if later else ""
    return Left(order.node, label, ended, has_ended, answers, refuses, problem, has_looked, again)


@dataclass(frozen=True, slots=True)
class Requested:
    """What was requested here for a machine: the GiB of its data disk, and the last snapshot of it.

    Of the snapshots, those that these steps take; `names` of all of them are in use. `has_run`:
    the machine was started, or seen running, since the last one was `taken`.
    """

    disk: str = ""
    server: str = ""
    snapshot: str = ""
    status: ExecutionStatus = ExecutionStatus.FAILED
    names: frozenset[str] = frozenset()
    taken: datetime | None = None
    has_run: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the last snapshot is on its image server."""
        return bool(self.snapshot) and self.status is ExecutionStatus.DONE

    @property
    def is_enough(self) -> bool:
        """Whether the last snapshot holds all there is, or will: the machine was off ever since."""
        return bool(self.snapshot) and not (self.is_done and self.has_run)

    @property
    def free(self) -> str:
        """A name that DBC does not refuse for the next one."""
        others = (f"{RESCUE}-{number}" for number in count(2))
        return next(one for one in chain((RESCUE,), others) if one not in self.names)


async def requested(ctx: Context, facts: Facts) -> Mapping[TaskId, Requested]:
    """What was requested here for an order's machines; snapshots since its first warning."""
    machines = {one.task: one for one in facts.machines or ()}
    async with ctx.services.store.read() as tx:
        found = await tx.executions.of_machines(
            machines, ("vm.create", "snapshot.create", *_STARTS)
        )
    since = moment(facts.order, facts.order.ends, facts.order.ends) - DAY * 3 * SLOT
    if facts.order.phase is OrderPhase.LAPSED:
        since = facts.order.first_at
    told = {task: Requested(names=frozenset(one.snapshots)) for task, one in machines.items()}
    for one in found:
        before, known = told[one.task], one.known
        name = known.get("name", "")
        if ctx.services.table.deed(one.command).makes_machine:
            is_made = known.get("bios") != "pxe" and not known.get("data_file")
            told[one.task] = replace(before, disk=known.get("disk", "100") if is_made else "")
        elif name.startswith(RESCUE) and one.created_at >= since and one.status in _COPIES:
            told[one.task] = replace(
                before, server=known.get("server", ""), snapshot=name, status=one.status,
                names=before.names | {name}, taken=one.started_at or one.created_at,
                has_run=False,
            )  # fmt: skip
        elif one.command in _STARTS and one.status in _RAN:
            told[one.task] = replace(before, has_run=True)
    inventory = ctx.services.inventory
    seen = await inventory.machines(ctx.actor, ctx.place.channel)
    for vm in await inventory.moments(seen):
        taken = told[vm.task].taken if vm.task in told else None
        if taken is not None and vm.seen_at > taken and phase_of(vm.status) in _RUNNING:
            told[vm.task] = replace(told[vm.task], has_run=True)
    return told


async def copying(ctx: Context, facts: Facts, left: Left, data: Mapping[str, object]) -> Reply:
    """What to copy from an order's machines, where to, until when. `data` names the order."""
    order = facts.order
    if order.phase is OrderPhase.VANISHED:
        return _vanished(facts)
    if (order.phase.is_over and not is_left_by_lapse(order, facts.head)) or is_too_late(order):
        late = say(
            "It is too late to copy anything: the 72 hours after the end of order {order} are "
            "over, and {node} deletes, or has deleted, its machines.",
            order=str(order.number), node=facts.node,
        )  # fmt: skip
        return Reply.empty(late, private=True)
    if not facts.machines:
        return Reply.empty(_nothing(facts), private=True)
    head = copy_by(facts)
    servers = [server.name for server in await ctx.services.sightings.servers()]
    may = left.ended.narrowed(may_press(ctx.services, ctx.actor, ctx.place.channel))
    known = await requested(ctx, facts)
    rows = [_saved(one, servers, may, left, known[one.task]) for one in facts.machines]
    room, disks = await _room(ctx, facts, servers)
    return Reply(
        line(head),
        (
            Para(line(emoji("ring_buoy"), " ", head)),
            *_after_the_end(facts, left),
            *_stepwise(rows),
            room,
            await _how(ctx, facts, servers, left),
        ),
        private=True,
        data={**data, "node_disks": disks},
    )


def _vanished(facts: Facts) -> Reply:
    """That nothing is known of it any more, as `order show` says."""
    told = say(
        "Order {order} for {node} {when}.",
        order=str(facts.order.number), node=bold(facts.node), when=when(facts),
    )  # fmt: skip
    return Reply.empty(told, private=True).also(*why_over(facts))


def _nothing(facts: Facts) -> Text:
    number, node = str(facts.order.number), bold(facts.node)
    if not facts.sees:
        return say(
            "You have no access to the machines of order {order} for {node}.",
            order=number, node=node,
        )  # fmt: skip
    if facts.machines is None:
        return say(
            "The machines of order {order} for {node} were not listed yet. See: {command}",
            order=number, node=node, command=command("vm list"),
        )  # fmt: skip
    return say("No machine of order {order} for {node} is known here.", order=number, node=node)


def _after_the_end(facts: Facts, left: Left) -> list[Part]:
    """Why not everything works any more, and what to do first."""
    again = Actions((ways.to_rescue(facts.order, say("Ask {node} again", node=facts.node)),))
    parts: list[Part] = []
    told: Words
    if left.problem is not None and not left.refuses:
        told = sentences((left.problem.words, left.problem.hint))
        parts += [Note(line(emoji("warning"), " ", told)), again]
    if not left.has_ended:
        return parts
    if left.refuses:
        told = say(
            "Nobody rents {node} now, so it refuses every command for these machines. Rent one of "
            "its GPUs again first, then ask again: the commands stand here then. They are deleted "
            "all the same.",
            node=facts.node,
        )
        if not left.has_looked:
            told = say(
                "Nobody rents {node} now, so it refuses every command for these machines. Those "
                "that run can be reached for 15 minutes at most. To go on after that, rent one of "
                "its GPUs again. They are deleted all the same.",
                node=facts.node,
            )
        return [Note(line(emoji("warning"), " ", told)), again]
    told = say(
        "The order has ended. While any GPU of {node} is rented, it takes commands for these "
        "machines; one that you start runs for 15 minutes at most. They are deleted all the same.",
        node=facts.node,
    )
    if left.again and left.answers:
        told = say(
            "{node} is rented again (order {order}), so these steps can be run now. A machine that "
            "you start runs for 15 minutes at most. They are deleted all the same.",
            node=facts.node, order=left.again,
        )  # fmt: skip
    return [*parts, Note(line(emoji("warning"), " ", told))]


def _saved(one: AtStake, servers: Sequence[str], may: May, left: Left, known: Requested) -> Row:
    """A machine: each of its disks with its size and where to, in the order to copy them in."""
    named = one.told
    if one.disks is None:
        named = line(named, " ", say("(disks not read yet)"))
    if not one.is_sure:
        named = line(named, " ", say("(perhaps of another order)"))
    is_off = left.is_off(one)
    steps = [_by_shell(one, left, known), _system_disk(one, servers, known, left)]
    if is_off and left.has_ended:
        steps.reverse()  # its disk can be copied as it is
    told = [step for step in steps if step]
    lines = [named, *(line(f"{at}. ", step) for at, step in enumerate(told, 1))]
    node, verbs = left.node, ["show", "start" if is_off else "shutdown"]
    if not known.is_enough:
        verbs.append(RESCUE if known.free == RESCUE else "snapshot")
    if not left.takes_commands:
        verbs = ["show"]
    acts = tuple(button(verb, node, one.task) for verb in verbs if may(verb, node, one.task))
    data = {"task": one.task, "name": one.label, "disks": one.disks, "connect": one.login or None}
    return Row(stacked(lines), data, acts)


def _stepwise(rows: Sequence[Row]) -> list[Part]:
    """The machines, each with its steps as buttons below it; of many, in its menu."""
    if len(rows) > _WITH_BUTTONS:
        return [Rows(tuple(rows))]
    found: list[Part] = []
    for row in rows:
        found += [Rows((replace(row, menu=()),)), *([Actions(row.menu)] if row.menu else [])]
    return found


def _by_shell(one: AtStake, left: Left, known: Requested) -> Text | Line:
    """What is copied over SSH while the machine runs, by which line."""
    others: list[Text] = [disk for disk in one.disks or () if not _is_system(disk)]
    if not one.disks:
        others.append(
            say("data disk of {size} GiB by its creation (could not be read)", size=known.disk)
            if known.disk
            else say("data disks, if it has any (could not be read)")
        )
    if not others:
        return ""
    disks, is_off = listed(others), left.is_off(one)
    if is_off and not left.takes_commands:
        return say("{disks}: only over SSH, {later}", disks=disks, later=left.later)
    if is_off and not left.has_ended:
        told = say("{disks}: only over SSH. Start it for that", disks=disks)
    elif not left.has_ended:
        told = say("{disks}: over SSH while it runs, to a computer of yours", disks=disks)
    elif is_off:
        told = say("{disks}: only over SSH. Start it: it runs for 15 minutes at most", disks=disks)
    else:
        told = say("{disks}: over SSH now. It is switched off within 15 minutes", disks=disks)
    if not one.login:
        return told
    return line(say("{what}: {subject}", what=told, subject=code(one.login)))


def _system_disk(one: AtStake, servers: Sequence[str], known: Requested, left: Left) -> Text | Line:
    """How its system disk is copied; or that it is copied, and when that was."""
    disk: Text = next(filter(_is_system, one.disks or ()), "")
    if not disk:  # each machine has one, and a snapshot takes it by that name
        disk = say("system disk {disk}", disk=_SYSTEM)
    if not known.snapshot:
        return _by_snapshot(one, disk, servers, known, left)
    named = {
        "disk": disk,
        "name": line(code(known.snapshot)),
        "server": line(bold(known.server)),
        "time": line(time(known.taken)) if known.taken else (),
    }
    if not known.is_done:
        told = say("{disk}: snapshot {name} is on its way to image server {server}", **named)
        return line(emoji("hourglass_flowing_sand"), " ", told)
    told = say("{disk}: snapshot {name}, taken {time}, is on image server {server}", **named)
    if known.is_enough:
        return line(emoji("white_check_mark"), " ", told)
    return say(
        "{steps}. Snapshot {name}, taken {time}, is on image server {server} without what was "
        "written since",
        steps=line(_by_snapshot(one, disk, servers, known, left)), **named,
    )  # fmt: skip


def _by_snapshot(
    one: AtStake, disk: Text, servers: Sequence[str], known: Requested, left: Left
) -> Text | Line:
    """The commands that copy its system disk, in the order to run them in, where they can work."""
    is_off = left.is_off(one)
    if not servers:
        return say("{disk}: over SSH as well, since no image server is known", disk=disk)
    if not left.takes_commands:
        named: Mapping[str, Given] = {
            "disk": disk, "server": line(bold(servers[0])), "later": left.later,
        }  # fmt: skip
        if is_off:
            return say("{disk}: by a snapshot to image server {server}, {later}", **named)
        return say(
            "{disk}: over SSH as well, or by a snapshot to image server {server}, {later}", **named
        )
    to = f" to {servers[0]}" if len(servers) > 1 else ""
    saves = command(f"snapshot create {short(one.task)} {known.free}{to}")
    server = bold(servers[0])
    if is_off:
        return say(
            "{disk}: to image server {server}, by {command}",
            disk=disk, server=server, command=saves,
        )  # fmt: skip
    return say(
        "{disk}: to image server {server}, by {off}, then {command}",
        disk=disk, server=server, off=command(f"vm shutdown {short(one.task)}"), command=saves,
    )  # fmt: skip


def _is_system(disk: str) -> bool:
    return disk.partition(" ")[0] == _SYSTEM


async def _room(
    ctx: Context, facts: Facts, servers: Sequence[str]
) -> tuple[Fields, Sequence[Mapping[str, object]] | None]:
    """How much there is to copy, and how much room where; the node's directories as data."""
    rows: list[tuple[Text, Line]] = []
    for label, is_system in ((say("System disks"), True), (say("Data disks"), False)):
        if amount := _amount(facts.machines or (), is_system=is_system):
            rows.append((label, line(amount)))
    try:
        info = await ctx.dbc.nodes.info(facts.order.node)
    except BotError as problem:
        disks, free = None, line(say("could not be read: {problem}", problem=problem.words))
    else:
        disks = json_data.hardware_disks(info)
        free = stacked([_free_in(disk) for disk in info.disk_data]) or line(say("unknown"))
    rows.append((say("Free on {node}", node=facts.node), free))
    if servers:
        rows.append((say("Free on image servers"), line(say("DBC does not say"))))
    return Fields(tuple(rows)), disks


def _amount(machines: Sequence[AtStake], *, is_system: bool) -> Text:
    """How much all disks of a kind hold at most; nothing where there are none, or one is odd."""
    disks = [disk for one in machines for disk in one.disks or () if _is_system(disk) is is_system]
    sizes = [Size.parse(disk.partition(" ")[2]).gib for disk in disks]
    known = [size for size in sizes if size is not None]
    if not disks or len(known) < len(sizes) or any(one.disks is None for one in machines):
        return ""
    return say("at most {size} GiB in all", size=f"{sum(known):,.0f}")


def _free_in(disk: HostDisk) -> Line:
    where = disk.path or say("Disk")
    return line(say("{what}: {subject}", what=where, subject=free_of(disk)))


async def _how(ctx: Context, facts: Facts, servers: Sequence[str], left: Left) -> Part:
    told = [
        line(
            say(
                "Copy data disks first, over SSH, while the machine runs: a snapshot holds the "
                "system disk only. It needs the machine to be off, and goes to an image server."
            )
            if facts.order.phase is OrderPhase.RENTING and not facts.is_ending
            else say("A snapshot holds the system disk only, and needs the machine to be off.")
        ),
        *await _reviewed(ctx, facts, left),
    ]
    if servers:
        told.append(
            line(
                say(
                    "The node writes a snapshot to its temporary directory first. DBC does not "
                    "tell how much is free there."
                )
            )
        )
    if len(servers) > 1:
        told.append(
            line(
                say("Image servers: {servers}", servers=all_of(line(bold(one)) for one in servers))
            )
        )
    if facts.order.phase is OrderPhase.RENTING and not facts.is_past(facts.order.ends):
        long = say(
            "Data of this size takes hours to transfer. Begin with what matters most; if the time "
            "is short, renew the order first."
        )
        told.insert(0, line(emoji("hourglass_flowing_sand"), " ", long))
    return Note(stacked(told))


async def _reviewed(ctx: Context, facts: Facts, left: Left) -> list[Line]:
    """That switching off may need an approval, which takes time; not once the node does it."""
    is_on = any(not one.is_off for one in facts.machines or ())
    if not is_on or left.refuses or facts.is_ending or facts.is_past(facts.order.ends):
        return []
    shutdown = ctx.services.table["vm.shutdown"]
    asked = {shutdown.id: shutdown.effect_of({})}
    try:
        found = await ctx.services.reviews.reviewers.outlook(ctx.actor, ctx.place.channel, asked)
    except DeliveryFailed:  # the command itself will tell
        return []
    if found[shutdown.id].kind is not DecisionKind.APPROVE:
        return []
    return [line(say("Shutting a machine down needs approval here. Request it in time."))]
