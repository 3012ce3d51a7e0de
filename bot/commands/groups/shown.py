"""How machines and nodes are written in answers, the same in every command."""

from collections.abc import Sequence

from bot.commands.groups import named
from bot.dbc.errors import Unreadable
from bot.dbc.models import Phase, phase_of, state_of
from bot.errors import Refused
from bot.model import Machine
from bot.plural import counted
from bot.reply import Line, Row, Rows, bold, code, command, emoji, line
from bot.services.inventory import NodeListing

OPEN_FORM = "command.open"  # opens a command's form; the button's value is the command's id

_LAMPS = {
    Phase.ON: "large_green_circle",
    Phase.OFF: "white_circle",
    Phase.ASLEEP: "crescent_moon",
    Phase.BUSY: "hourglass_flowing_sand",
    Phase.FAILED: "red_circle",
    Phase.UNKNOWN: "grey_question",
}
_SHORT = 8  # characters of an id that people read and type


def short(identifier: str) -> str:
    """The beginning of an id, long enough to tell and to type."""
    return identifier[:_SHORT]


def lamp(status: str) -> Line:
    """A status as a coloured dot and a word."""
    return line(emoji(_LAMPS[phase_of(status)]), " ", state_of(status))


def machine_row(machine: Machine) -> Line:
    """One machine on one line."""
    extra = f" · {machine.desc}" if machine.nickname and machine.desc else ""
    return line(
        emoji(_LAMPS[phase_of(machine.status)]), " ", bold(machine.label), " ",
        code(short(machine.task)), f" {state_of(machine.status)}{extra}",
    )  # fmt: skip


def node_part(listing: NodeListing) -> Rows:
    """A node with its machines, or why they are not to be had."""
    head: Line = line(bold(listing.node.label))
    seen: Line = line(" (as last seen)") if listing.problem is not None else ()
    if isinstance(listing.problem, Unreadable):
        head, seen = line(head, " ", emoji("warning"), _garbled(listing, listing.problem)), ()
    elif listing.problem is not None:
        what = listing.problem.hint if isinstance(listing.problem, Refused) else ""
        head = line(head, " ", emoji("warning"), f" {listing.problem.sentence} ", what)
    elif not listing.machines:
        head = line(head, "\nno machines")
    rows = [
        Row(
            line(machine_row(machine), seen, _way_out(machine, listing)),
            named.machine(machine, listing.node, listing.problem),
        )
        for machine in listing.machines
    ]
    if listing.problem is None:
        return Rows(tuple(rows), head)
    missing = () if rows else (named.silent(listing.node, listing.problem),)
    return Rows(tuple(rows), head, stays=True, also=missing)


def _garbled(listing: NodeListing, problem: Unreadable) -> Line:
    """That a list cannot be read, what is known all the same, and how to get rid of the cause."""
    told = line(" The list cannot be read. ", problem.hint)
    told = line(told, " What I know of is below." if listing.machines else "")
    if listing.odd:
        return told
    return line(
        told, " A machine that is not listed can be shown and deleted by its full id: ",
        command("vm delete <id>"), ".",
    )  # fmt: skip


def _way_out(machine: Machine, listing: NodeListing) -> Line:
    """For a machine that cannot be read: how to delete it, which makes the list readable again."""
    if machine.task not in listing.odd:
        return ()
    delete = command(f"vm delete {machine.task}")
    return line(" (cannot be read, and may be what spoils the list; ", delete, " removes it)")


def heading(listings: Sequence[NodeListing]) -> str:
    """`2 machines on 1 node; gpu3 could not be listed`: only what was read is counted."""
    read = [listing for listing in listings if listing.problem is None]
    missing = ", ".join(each.node.label for each in listings if each.problem is not None)
    if not read:
        return f"{missing} could not be listed"
    machines = sum(len(listing.machines) for listing in read)
    told = f"{counted(machines, 'machine')} on {counted(len(read), 'node')}"
    return f"{told}; {missing} could not be listed" if missing else told


def stacked(rows: Sequence[Line]) -> Line:
    """Lines below each other."""
    joined: list[Line | str] = []
    for position, row in enumerate(rows):
        joined.extend(["\n", row] if position else [row])
    return line(*joined)
