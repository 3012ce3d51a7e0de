"""Where a dry run ends: at the change that it would send."""

from collections.abc import Mapping

from bot.errors import Refused
from bot.ids import NodeId
from bot.reply import say


class WouldSend(Refused):
    """A dry run came to the point of sending a change. Not a failure: the wanted end.

    `additional` is what would go into the request's `additional`, secrets masked.
    """

    def __init__(
        self, method: str, path: str, additional: Mapping[str, object], node_id: NodeId
    ) -> None:
        super().__init__(say("This was a dry run: nothing was sent."))
        self.method = method
        self.path = path
        self.additional = dict(additional)
        self.node_id = node_id
