"""Which address a machine is reached at: its own, or that of its node."""

from bot.dbc.models import TaskDetail
from bot.errors import Refused
from bot.ids import NodeId
from bot.pipeline.context import Context
from bot.reply import say


async def own_public_ip(ctx: Context, node: NodeId, detail: TaskDetail) -> str | None:
    """The machine's own public IP, which must be sent back or DBC takes it away; None for none.

    DBC shows it nowhere as such: `ssh_ip` is the public IP or else the node's address, and the
    node's address is told with two of its parts hidden (docs/dbc-api.md §3.1.1, §3.2.2).
    Raises Refused where it cannot be told.
    """
    info = await ctx.dbc.nodes.info(node)
    own, shown = detail.ssh_ip.split("."), info.ip.split(".")
    if len(own) != 4 or len(shown) != 4 or set(shown) == {"*"}:
        raise Refused(
            say(
                "I cannot tell whether this machine has a public IP of its own, and DBC "
                "would take it away with this change."
            ),
            hint=say("Give its address as the public IP, or “none”."),
            field="public_ip",
        )
    is_nodes = all(b in {"*", a} for a, b in zip(own, shown, strict=True))
    return None if is_nodes else detail.ssh_ip
