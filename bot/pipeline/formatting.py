"""How machines and nodes are written in answers, the same in every command."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from bot.bounded import Bounded
from bot.dbc.errors import DbcError, NodeSilent, Unreadable, says_unrented
from bot.dbc.models import Phase, phase_of, said_state
from bot.dbc.reasons import COPIES
from bot.dbc.sizes import Size
from bot.errors import BotError, Refused
from bot.ids import NodeId, TaskId, UserId
from bot.language.output import Page
from bot.language.text import quoted
from bot.messages import machine_buttons, ways
from bot.model import Machine, Node
from bot.pipeline import json_data
from bot.reply import (
    Actions,
    Button,
    Line,
    Note,
    Part,
    Phrase,
    Row,
    Rows,
    Span,
    Text,
    Words,
    bold,
    channel,
    code,
    command,
    emoji,
    line,
    listed,
    mention,
    say,
    say_number,
    sentences,
    time,
)
from bot.services.listing import NodeListing, NotListed

RETRY_VM = "vm.retry"  # asks a machine's silent node again, and shows the machine, by its id

_MOST_RETRIES = 5  # buttons; a site has few silent nodes, or a silent daemon

_LAMPS = {
    Phase.ON: emoji("large_green_circle"),
    Phase.OFF: emoji("white_circle"),
    Phase.ASLEEP: emoji("crescent_moon"),
    Phase.BUSY: emoji("hourglass_flowing_sand"),
    Phase.FAILED: emoji("red_circle"),
    Phase.UNKNOWN: emoji("grey_question"),
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_Ids = tuple[NodeId, TaskId]
NOTHING_KNOWN: Mapping[tuple[str, str], int] = MappingProxyType({})
NOTHING_DELETED: Mapping[_Ids, bool] = MappingProxyType({})
_SHORT = 8  # characters of an id that people read and type


# What a list says of a machine, by all that it is made of: most are as they were the last time.
_known: Bounded[tuple[str | int | None, ...], tuple[Line, json_data.Named]] = Bounded(2_048)

UNKNOWN = say("not known yet")
_LEFT_OUT = say("not in the node's list now")


def several(names: str) -> Line:
    """Names that are kept as one text, as a list of whoever reads it."""
    return listed(names.split(", ")) if names else line()


def joined(*pieces: str | Span | Phrase | Line, by: str = " · ") -> Line:
    """The pieces that there are, with a dot between them; what is absent is not shown."""
    there: list[str | Span | Phrase] = []
    for piece in pieces:
        if piece:
            there += [by] if there else []
            there += piece if isinstance(piece, tuple) else (piece,)
    return tuple(there)


def sized(size: Size) -> Text:
    """A size as DBC says it, or that it has said none."""
    return size.text or say("size not known")


def gpus(number: int | None) -> Text:
    """`2 GPUs`; nothing where no number is known, which is not 0."""
    return "" if number is None else say_number("{number} GPU", "{number} GPUs", number)


def cores(number: int | None) -> Text:
    """`8 cores`; nothing where no number is known."""
    return "" if number is None else say_number("{number} core", "{number} cores", number)


def short(identifier: str) -> str:
    """The beginning of an id, long enough to tell and to type."""
    return identifier[:_SHORT]


def lamp(status: str) -> Line:
    """A status as a coloured dot and a word."""
    return line(_LAMPS[phase_of(status)], " ", said_state(status))


def deletion(*, is_sure: bool) -> Line:
    """The state of a machine that its node has deleted by now, as far as that can be known."""
    told = say("presumably deleted by its node") if is_sure else say("perhaps deleted by its node")
    return line(emoji("wastebasket"), " ", told)


def machine_row(machine: Machine, count: int | None = None, state: Line = ()) -> Line:
    """One machine on one line; `count` of GPUs, where that is known, `state` where not its own."""
    created = machine.created.strip()[:10]
    sign, *told = state or lamp(machine.status)
    return joined(
        line(sign, " ", bold(machine.label), " ", code(short(machine.task)), *told),
        machine.desc if machine.nickname else "",
        gpus(count),
        say("created {day}", day=created) if _DAY.fullmatch(created) else "",
    )  # fmt: skip


def node_part(
    listing: NodeListing,
    gpus: Mapping[tuple[str, str], int] = NOTHING_KNOWN,
    may: machine_buttons.May = machine_buttons.anyone,
    deleted: Mapping[_Ids, bool] = NOTHING_DELETED,
) -> Rows:
    """A node with its machines, or why they are not to be had; `gpus` by node and task.

    Whoever reads it `may` do what stands behind each ⋮. What is `deleted` by now, as far as that
    can be known, says so where the node did not just tell it.
    """
    head: Line = line(bold(listing.node.label))
    if isinstance(listing.problem, Unreadable):
        head = line(head, " ", emoji("warning"), _garbled(listing, listing.problem))
    elif isinstance(listing.problem, NotListed) and listing.problem.is_first:
        head = line(head, " ", emoji("hourglass_flowing_sand"), " ", listing.problem.words)
    elif listing.problem is not None:
        advice = _advice(listing, deleted)
        what = line(" ", advice) if advice else ()
        head = line(head, " ", emoji("warning"), " ", listing.problem.words, what)
    elif not listing.machines:
        head = line(head, "\n", say("no machines"))
    rows = [_row(machine, listing, gpus, may, deleted) for machine in listing.machines]
    if listing.problem is None:
        return Rows(tuple(rows), head)
    missing = () if rows else (json_data.silent(listing.node, listing.problem),)
    return Rows(tuple(rows), head, stays=True, also=missing)


def _advice(listing: NodeListing, deleted: Mapping[_Ids, bool]) -> Words:
    """What to do about a node that did not list its machines, of which some may be left."""
    problem = listing.problem
    if isinstance(problem, NodeSilent):
        return problem.when_again(quoted(listing.node.label))
    if not isinstance(problem, Refused):
        return ()
    if says_unrented(problem) and any(not deleted.get(_id(one)) for one in listing.machines):
        return sentences((problem.hint, COPIES))
    return problem.hint


def _row(
    machine: Machine,
    listing: NodeListing,
    gpus: Mapping[tuple[str, str], int],
    may: machine_buttons.May,
    deleted: Mapping[_Ids, bool],
) -> Row:
    node, count = listing.node, gpus.get((machine.node, machine.task))
    key = (
        machine.task, machine.node, machine.nickname, machine.desc, machine.status,
        machine.created, node.label, count,
    )  # fmt: skip
    known = _known.get(key)
    if known is None:
        named = json_data.machine(machine, node)
        known = _known[key] = machine_row(machine, count), named
    text, named = known
    if listing.problem is None and not listing.unlisted:  # each as its node has just told it
        data = {**named, "seen_at": machine.seen_at}
    else:
        if gone := _deleted(machine, listing, deleted):
            text = machine_row(machine, count, gone)
        text = line(text, _age(machine, listing, deleted), _way_out(machine, listing))
        is_sure = None if listing.is_fresh(machine) else deleted.get(_id(machine))
        data = json_data.machine(machine, node, _why_old(machine, listing), deleted=is_sure)
    menu = machine_buttons.menu(machine.node, machine.task, machine.status, may)
    return Row(text, data, menu)


def _id(machine: Machine) -> _Ids:
    return machine.node, machine.task


def _deleted(machine: Machine, listing: NodeListing, deleted: Mapping[_Ids, bool]) -> Line:
    """That a machine is deleted by now, where its node did not tell it just now."""
    is_sure = deleted.get(_id(machine))
    if is_sure is None or listing.is_fresh(machine):
        return ()
    return deletion(is_sure=is_sure)


def _age(machine: Machine, listing: NodeListing, deleted: Mapping[_Ids, bool]) -> Line:
    """When a machine was seen like this, where its node did not tell it just now."""
    if listing.is_fresh(machine):
        return ()
    seen = say("as last seen, {time}", time=time(machine.seen_at))
    if _id(machine) in deleted:
        seen = say(
            "{status} when last seen, {seen_at}",
            status=said_state(machine.status), seen_at=time(machine.seen_at),
        )  # fmt: skip
    if listing.problem is None:
        seen = say("{why}; {seen}", why=_LEFT_OUT, seen=seen)
    return line(" ", say("({what})", what=seen))


def _why_old(machine: Machine, listing: NodeListing) -> str:
    """Why a machine is as last seen; nothing where it is not."""
    if listing.problem is not None:
        return listing.problem.sentence
    return "" if listing.is_fresh(machine) else f"{str(_LEFT_OUT).capitalize()}."


def is_silent(problem: BotError | None) -> bool:
    """Whether a node did not answer, or was not asked for long, and may answer the next time."""
    if isinstance(problem, NotListed):
        return not problem.is_first
    return isinstance(problem, DbcError) and problem.passes


def turning(page: Page, action: str, value: Callable[[int], str]) -> tuple[Part, ...]:
    """`1 to 10 of 300`, and the buttons to the pages beside this one."""
    told = say("{first} to {last} of {count}", first=page.first, last=page.last, count=page.count)
    buttons = []
    if page.number > 1:
        buttons.append(Button(say("◀ Previous"), action, value(page.number - 1)))
    if page.last < page.count:
        buttons.append(Button(say("Next ▶"), action, value(page.number + 1)))
    return (Note(line(told)), Actions(tuple(buttons)))


def retry_buttons(nodes: Sequence[Node], *more: Button) -> tuple[Actions, ...]:
    """Buttons that ask silent nodes again, before `more`; nothing where there is neither."""
    buttons = (*(ways.again(node.id, node.label) for node in nodes[:_MOST_RETRIES]), *more)
    return (Actions(buttons),) if buttons else ()


def _garbled(listing: NodeListing, problem: Unreadable) -> Line:
    """That a list cannot be read, what is known all the same, and how to get rid of the cause."""
    told = line(" ", say("The list cannot be read."), " ", problem.hint)
    if listing.machines:
        told = line(told, " ", say("What I know of is below."))
    if listing.odd:
        return told
    delete = command("vm delete <id>")
    by_id = say(
        "A machine that is not listed can be shown and deleted by its full id: {delete}.",
        delete=delete,
    )
    return line(told, " ", by_id)


def _way_out(machine: Machine, listing: NodeListing) -> Line:
    """For a machine that cannot be read: how to delete it, which makes the list readable again."""
    if machine.task not in listing.odd:
        return ()
    delete = command(f"vm delete {machine.task}")
    why = say("cannot be read, and may be what spoils the list; {delete} removes it", delete=delete)
    return line(" ", say("({what})", what=why))


def heading(listings: Sequence[NodeListing]) -> Phrase:
    """`2 machines on 1 node; gpu3 could not be listed`: only what was read is counted."""
    read = [listing for listing in listings if listing.problem is None]
    missing = listed(each.node.label for each in listings if each.problem is not None)
    if not read:
        return say("{nodes} could not be listed", nodes=missing)
    machines = sum(len(listing.machines) for listing in read)
    told = say(
        "{machines} on {nodes}",
        machines=say_number("{number} machine", "{number} machines", machines),
        nodes=say_number("{number} node", "{number} nodes", len(read)),
    )
    if not missing:
        return told
    return say("{told}; {nodes} could not be listed", told=told, nodes=missing)


def stacked(rows: Sequence[Line]) -> Line:
    """Lines below each other."""
    joined: list[Line | str] = []
    for position, row in enumerate(rows):
        joined.extend(["\n", row] if position else [row])
    return line(*joined)


def said_audiences(ids: str) -> Line:
    """People and channels by their ids, named."""
    people = [UserId(one) for one in ids.split() if one.startswith(("U", "W"))]
    channels = [one for one in ids.split() if one not in people]
    named = [*map(mention, people), *map(channel, channels)]
    return listed(map(line, named))
