"""The machines on a Home, by node: as `vm list` shows them, but without asking anybody."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.ids import ChannelId, UserId
from bot.language.output import Page
from bot.language.row_parts import Listing
from bot.model import Machine
from bot.pipeline import finding
from bot.pipeline.context import Services
from bot.pipeline.ended import Ended
from bot.pipeline.formatting import is_silent, node_part, retry_buttons, turning
from bot.pipeline.rights import may_press
from bot.ports import HOME_FIND, HOME_PAGE
from bot.reply import (
    Actions,
    Button,
    Heading,
    Note,
    Para,
    Part,
    Reply,
    command,
    line,
    say,
    say_number,
)
from bot.services.listing import NodeListing

_PAGE = 10  # at a time: up to 30 blocks, with the names of their nodes
_EMPTY = 5  # nodes without a machine of which there is something to say


@dataclass(frozen=True, slots=True)
class At:
    """What is shown of a Home: the page of what waits and that of the machines.

    With `words`, the page of the machines that have them; `back` is then that of all.
    """

    waiting: int = 1
    machines: int = 1
    back: int = 1
    words: str = ""

    @classmethod
    def read(cls, text: str) -> "At":
        """What a button carries."""
        numbers, _, words = text.partition(" ")
        waiting, machines, back = (*(int(one or 1) for one in numbers.split(".")), 1, 1)[:3]
        return cls(waiting, machines, back, words)

    def turned(self, number: int) -> str:
        """What the button carries that shows another page of the machines."""
        behind = f".{self.back} {self.words}" if self.words else ""
        return f"{self.waiting}.{number}{behind}"

    @property
    def seeking(self) -> str:
        """The pages for whatever words are asked for."""
        return f"{self.waiting}.1.{self.back if self.words else self.machines}"


async def listings(services: Services, user: UserId) -> list[NodeListing]:
    """What each node told last of the machines that somebody may see, by the nodes' names."""
    hidden = await services.reviews.reviewers.hidden(
        user, ChannelId(""), services.table.listing(Listing.MACHINES)
    )
    inventory = services.inventory
    known = await inventory.moments(await inventory.machines(user))
    sessions = await inventory.of_gpu_nodes(await services.sessions.usable(user))
    told = [
        inventory.lists.as_told(
            await inventory.node_by_id(one.node), one, [m for m in known if m.node == one.node]
        )
        for one in sessions
        if one.node not in hidden
    ]
    return sorted(told, key=lambda one: (one.node.label.casefold(), one.node.id))


async def found(
    services: Services, user: UserId, told: Sequence[NodeListing], at: At, ended: Ended
) -> list[Part]:
    """The machines that have the words, and the way back to everything."""
    labels = {one.node.id: one.node.label for one in told}
    machines = [machine for one in told for machine in one.machines]
    fitting = {(one.node, one.task) for one in finding.found(machines, labels, at.words)}
    head = say_number(
        "{number} machine fits “{words}”",
        "{number} machines fit “{words}”",
        len(fitting),
        words=at.words,
    )
    back = Actions(
        (
            Button(say("◀ Back to everything"), HOME_PAGE, f"{at.waiting}.{at.back}", "primary"),
            Button(say("Find another …"), HOME_FIND, at.seeking),
        )
    )
    kept = [_only(one, lambda machine: (machine.node, machine.task) in fitting) for one in told]
    shown = [one for one in kept if one.machines]
    if not shown:
        return [Heading(head), back]
    return [Heading(head), back, *await by_node(services, user, shown, at, ended)]


async def by_node(
    services: Services, user: UserId, told: Sequence[NodeListing], at: At, ended: Ended
) -> list[Part]:
    """One page of the machines, by node, each with what can be done behind ⋮; silent nodes too."""
    ordered = [machine for one in told for machine in one.machines]
    begins = max(min(at.machines - 1, (len(ordered) - 1) // _PAGE), 0) * _PAGE
    shown = ordered[begins : begins + _PAGE]
    here = [one for each in told if (one := _only(each, shown.__contains__)).machines]
    empty = [one for one in told if one.problem is not None and not one.machines]
    if not ordered and not empty:
        return [Para(line(say("None that I know of.")))]
    gpus = await services.last_known.gpus(shown)
    may = ended.narrowed(may_press(services, user, ChannelId("")))
    listed = [*here, *empty[:_EMPTY]]
    parts: list[Part] = [node_part(one, gpus, may, ended.deleted) for one in listed]
    if len(empty) > _EMPTY:
        told_in = command("vm list")
        more = say("{count} more: {command}", count=len(empty) - _EMPTY, command=told_in)
        parts.append(Note(line(more)))
    parts += retry_buttons([one.node for one in listed if is_silent(one.problem)])
    if len(ordered) > _PAGE:
        ends = begins + len(shown)
        page = Page(Reply(""), begins // _PAGE + 1, begins + 1, ends, len(ordered))
        parts += turning(page, HOME_PAGE, at.turned)
    if len(ordered) > 1 and not at.words:
        parts.append(Actions((Button(say("Find a machine …"), HOME_FIND, at.seeking),)))
    return parts


def _only(told: NodeListing, wanted: Callable[[Machine], bool]) -> NodeListing:
    return replace(told, machines=tuple(one for one in told.machines if wanted(one)))
