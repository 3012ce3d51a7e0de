"""What a card says of its target beside the nickname, which anybody may change.

Shown with the question and not compared: what is done goes by the ids.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.messages.facts import DESCRIPTION, NODE, NODE_RENAMED, RENAMED
from bot.model import Fact, Nicknamed, NodeKind
from bot.pipeline.context import Services
from bot.pipeline.targets import Bound

_RECENT = timedelta(days=7)


async def identity_of(services: Services, bound: Bound) -> Mapping[str, Fact]:
    """Description and id of machine and node, and since when a nickname is what it is."""
    found: dict[str, Fact] = {}
    if bound.machine is not None:
        found[DESCRIPTION] = Fact(bound.machine.desc)
        if told := await _renamed(services, Nicknamed.MACHINE, bound.machine.task):
            found[RENAMED] = Fact(told)
    if bound.node is not None:
        own = bound.node.name if bound.node.kind is NodeKind.GPU else bound.node.desc
        found[NODE] = Fact(f"{bound.node.id} {own}".strip())
        if told := await _renamed(services, Nicknamed.NODE, bound.node.id):
            found[NODE_RENAMED] = Fact(told)
    return found


async def _renamed(services: Services, kind: Nicknamed, target: str) -> str:
    """The nickname, by whom and since when, where that is recent."""
    known = await services.store.known()
    given = known.given.get((kind, target))
    if given is None or given.since is None or not _is_recent(given.since, services.clock):
        return ""
    return f"{given.by or '-'} {given.since.isoformat()} {given.name}"


def _is_recent(since: datetime, clock: Clock) -> bool:
    return abs(clock.now() - since) < _RECENT
