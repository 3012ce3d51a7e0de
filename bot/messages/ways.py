"""Buttons that lead from where something is told to that thing. A click is the typed line.

They carry ids alone: what they mean, and whether whoever clicks may read it, is decided then.
"""

from collections.abc import Mapping

from bot.ids import NodeId
from bot.messages import setting_buttons
from bot.model import Approval, RentalOrder
from bot.reply import Button, Phrase, say

OPEN_APPROVAL, OPEN_ORDER, RESCUE = "approval.open", "order.open", "order.rescue"
OPEN_NODE, OPEN_MACHINES = "node.open", "machines.open"
RETRY_NODE = "node.retry"  # asks a silent node again
OPEN_FORM = "command.open"  # opens a command's form; the button's value is the command's id

# The command that each stands for, and the parameter that its value is.
WAYS: Mapping[str, tuple[str, str]] = {
    OPEN_APPROVAL: ("approval.show", "approval"),
    OPEN_ORDER: ("order.show", "order"),
    OPEN_NODE: ("node.show", "node"),
    OPEN_MACHINES: ("vm.list", "node"),
    RESCUE: ("order.rescue", "order"),
    RETRY_NODE: ("node.retry", "node"),
}
# To be told less from now on: it stands below what nobody requested.
ENDS_ONLY = setting_buttons.choice(
    say("Notify me of ends only"), "settings.notifications", "notifications", "ends",
    setting_buttons.LESS,
)  # fmt: skip


def to_approval(approval: Approval) -> Button:
    """Leads to its card, with the buttons that whoever reads it has there."""
    return Button(say("Open"), OPEN_APPROVAL, approval.id)


def to_order(order: RentalOrder, label: Phrase | None = None) -> Button:
    """Leads to all that is known of a rental."""
    return Button(label or say("Show"), OPEN_ORDER, str(order.number))


def to_node(node: NodeId, label: str) -> Button:
    """Leads to a node's hardware."""
    return Button(say("Show node {node}", node=label), OPEN_NODE, node)


def to_machines(node: NodeId, label: str) -> Button:
    """Leads to the machines on a node, of whoever presses it."""
    return Button(say("Show machines on {node}", node=label), OPEN_MACHINES, node)


def to_rescue(order: RentalOrder, label: Phrase | None = None) -> Button:
    """Leads to how to copy what is lost with a rental."""
    return Button(label or say("Copy data …"), RESCUE, str(order.number))


def again(node: NodeId, label: str) -> Button:
    """Asks a silent node at once."""
    return Button(say("Ask {node} again now", node=label), RETRY_NODE, node)
