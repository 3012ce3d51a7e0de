"""What can be done with a machine, as buttons: which make sense in its state, and what they carry.

A button carries the machine's task id and the beginning of its node's, never a name: a nickname may
move. What it means is found out at the click, and so is whether whoever clicks may do that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from bot.dbc.models import Phase, phase_of
from bot.ids import NodeId, TaskId
from bot.model import Execution, ExecutionStatus
from bot.reply import Actions, Button, Confirm, Phrase, line, say

# Whether a verb is offered, of the machine on this node with this task id.
May = Callable[[str, NodeId, TaskId], bool]

ACT = "machine.act"
RETRY = "request.retry"  # the button's value is the id of what failed
AGAIN = "request.again"  # the value of both is the id of a request of which nothing was done
SECOND = "request.second"  # whoever presses it was told that the same is open
RESCUE = "rescue"  # the verb of a snapshot that saves what an order's end deletes, and its name
MORE = "more"  # shows all that can be done; no command
_MORE = say("More …")

_NODE = 16  # characters of a node's id: 64 bits, and a menu's option has little room


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do with a machine: the command it is, and what is given with it."""

    label: Phrase
    command: str
    given: Mapping[str, str] = field(default_factory=dict)


ACTS: Mapping[str, Act] = {
    "show": Act(say("Show"), "vm.show"),
    "retry": Act(say("Ask again now"), "vm.show", {"retry": "true"}),
    "reveal": Act(say("Reveal passwords"), "vm.show", {"reveal": "true"}),
    "logs": Act(say("Logs"), "vm.logs"),
    "start": Act(say("Start"), "vm.start"),
    "restart": Act(say("Restart"), "vm.restart"),
    "force": Act(say("Force restart"), "vm.restart", {"force": "true"}),
    "shutdown": Act(say("Shut down"), "vm.shutdown"),
    "poweroff": Act(say("Power off"), "vm.poweroff"),
    "reset": Act(say("Reset"), "vm.reset"),
    "modify": Act(say("Modify …"), "vm.modify"),
    "passwd": Act(say("Set a password …"), "vm.passwd"),
    "name": Act(say("Rename …"), "vm.name"),
    "disks": Act(say("Disks"), "disk.list"),
    "disk": Act(say("Add a disk …"), "disk.add"),
    "snapshots": Act(say("Snapshots"), "snapshot.list"),
    "snapshot": Act(say("Take a snapshot …"), "snapshot.create"),
    RESCUE: Act(say("Take a snapshot …"), "snapshot.create", {"name": RESCUE}),
    "delete": Act(say("Delete"), "vm.delete"),
}

# What is at hand in a state, the most wanted first; the rest stands behind "More".
_AT_HAND: Mapping[Phase, Sequence[str]] = {
    Phase.ON: ("logs", "restart", "force", "shutdown"),
    Phase.OFF: ("start", "logs", "modify"),
    Phase.ASLEEP: ("start", "logs", "force"),
    Phase.BUSY: ("logs", "poweroff"),
    Phase.FAILED: ("logs", "start", "force"),
    Phase.UNKNOWN: ("logs", "restart", "force"),
}
_ALWAYS = ("name", "disks", "snapshots", "delete")
_BEYOND: Mapping[Phase, Sequence[str]] = {
    Phase.ON: ("reset", "poweroff", "passwd"),
    Phase.OFF: ("disk", "snapshot"),
    Phase.ASLEEP: ("poweroff",),
    Phase.BUSY: (),
    Phase.FAILED: ("poweroff",),
    Phase.UNKNOWN: ("start", "shutdown", "poweroff"),
}
# What helps to copy a machine's data once its order has ended, while its node takes commands; it
# cannot last, so nothing is changed of it.
OF_ENDED = frozenset(ACTS) - {"modify", "disk", "name", "reset"}
OF_REFUSED = frozenset({"show", "retry"})  # where its node takes no command: what is known of it
_IN_MENU = 5  # Slack's limit
_LOOKED_AT = frozenset({ExecutionStatus.DONE, ExecutionStatus.FAILED, ExecutionStatus.UNKNOWN})


def button(verb: str, node: NodeId, task: TaskId, label: Phrase | None = None) -> Button:
    """One button; whatever deletes asks once more first."""
    shown = label or (_MORE if verb == MORE else ACTS[verb].label)
    value = f"{verb} {task} {node[:_NODE]}"
    if verb != "delete":
        return Button(shown, ACT, value)
    asked = Confirm(
        say("Delete the machine?"),
        line(say("The machine and all its disks are erased. Nothing brings them back.")),
        say("Delete"),
    )
    return Button(shown, ACT, value, "danger", confirm=asked)


def request_again(execution: Execution) -> Button:
    """Requests what was not done once more: through all that it has to pass."""
    return Button(say("Request it again"), AGAIN, execution.id)


def anyone(_verb: str, _node: NodeId, _task: TaskId) -> bool:
    """Where nobody knows yet who reads it."""
    return True


def menu(node: NodeId, task: TaskId, status: str, may: May = anyone) -> tuple[Button, ...]:
    """What stands behind a machine's ⋮, of what whoever reads it `may` press."""
    shown = _menu(node, task, status)
    return shown if may is anyone else tuple(one for one in shown if _is_offered(one, may, node))


def _is_offered(shown: Button, may: May, node: NodeId) -> bool:
    verb, text, _ = shown.value.split(" ")
    task = TaskId(text)
    if verb == MORE:  # it leads to all the others
        return any(may(one, node, task) for one in ACTS if one not in OF_REFUSED)
    return may(verb, node, task)


@lru_cache(4096)  # lists show the same machines again and again
def _menu(node: NodeId, task: TaskId, status: str) -> tuple[Button, ...]:
    at_hand = _AT_HAND[phase_of(status)][: _IN_MENU - 2]
    return tuple(button(verb, node, task) for verb in ("show", *at_hand, MORE))


def beside(
    node: NodeId,
    task: TaskId,
    status: str,
    *,
    besides: str = "show",
    reveals: bool = False,
    may: May = anyone,
) -> Actions:
    """What stands below a machine whose state, or log, was just shown; `reveals` passwords."""
    first = ("reveal",) if reveals else ()
    verbs = dict.fromkeys((*first, "show", *_AT_HAND[phase_of(status)], MORE))
    shown = (button(verb, node, task) for verb in verbs if verb != besides)
    return Actions(tuple(one for one in shown if _is_offered(one, may, node)))


def everything(node: NodeId, task: TaskId, status: str, may: May = anyone) -> Actions:
    """All that makes sense in its state."""
    phase = phase_of(status)
    verbs = ("show", *_AT_HAND[phase], *_BEYOND[phase], *_ALWAYS)
    return Actions(tuple(button(verb, node, task) for verb in verbs if may(verb, node, task)))


def follow_ups(
    execution: Execution,
    end: ExecutionStatus,
    *,
    more: Sequence[Button] = (),
    is_made: bool = False,
    refuses: bool = False,
) -> tuple[Actions, ...]:
    """What to do or look at once something was done with a machine, behind `more` buttons.

    Nothing of a machine where none is known, or where nothing was sent; a new one is known where it
    `is_made`. What failed can be requested again; of anything else, nobody knows that it was not
    done. Where its node `refuses` every command, only *Show* is left.
    """
    node, task = execution.node, execution.task
    if end is ExecutionStatus.FAILED and not refuses:
        more = (*more, Button(say("Retry …"), RETRY, execution.id))
    is_known = task not in {"", execution.id} or (is_made and end is not ExecutionStatus.UNKNOWN)
    if not node or not is_known or end not in _LOOKED_AT:
        return (Actions(tuple(more)),) if more else ()
    show, logs = button("show", node, task), button("logs", node, task)
    if refuses:
        return (Actions((*more, show)),)
    looks: tuple[Button, ...] = (show, logs)
    if end is not ExecutionStatus.DONE:
        looks = (button("logs", node, task, say("Show logs")), show)
    elif more:  # how to connect stands in what is shown of it
        looks = (logs,)
    return (Actions((*more, *looks, button(MORE, node, task))),)


def meant(value: str) -> tuple[str, str, str] | None:
    """The verb, task and beginning of the node's id that a button carries; None: none of ours."""
    match value.split(" "):
        case [verb, task, node] if (verb in ACTS or verb == MORE) and task and node:
            return verb, task, node
    return None
