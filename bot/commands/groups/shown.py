"""How machines and nodes are written in answers, the same in every command."""

from collections.abc import Sequence

from bot.commands.groups import named
from bot.dbc.errors import Unreadable
from bot.dbc.models import Phase, phase_of, state_of
from bot.errors import Refused
from bot.model import Machine
from bot.reply import Line, Row, Rows, bold, code, emoji, line
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
        what = listing.problem.hint
        told = line(" The list cannot be read. ", what, " What I know of is below.")
        head, seen = line(head, " ", emoji("warning"), told), ()
    elif listing.problem is not None:
        what = listing.problem.hint if isinstance(listing.problem, Refused) else ""
        head = line(head, " ", emoji("warning"), f" {listing.problem.sentence} ", what)
    elif not listing.machines:
        head = line(head, "\nno machines")
    rows = [
        Row(line(machine_row(machine), seen), named.machine(machine, listing.node, listing.problem))
        for machine in listing.machines
    ]
    if listing.problem is None:
        return Rows(tuple(rows), head)
    missing = () if rows else (named.silent(listing.node, listing.problem),)
    return Rows(tuple(rows), head, stays=True, also=missing)


def stacked(rows: Sequence[Line]) -> Line:
    """Lines below each other."""
    joined: list[Line | str] = []
    for position, row in enumerate(rows):
        joined.extend(["\n", row] if position else [row])
    return line(*joined)
