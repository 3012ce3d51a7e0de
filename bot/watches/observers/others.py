"""Which other changes of a machine may be what a look at it shows.

What got no answer, or is looked for after its end, is known by the machine's state alone. A change
that was sent after it leads to such states as well. As long as one is in progress, or may arrive
late itself, a state proves nothing; and after that only once the machine has been seen otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.dbc.models import Phase, phase_of
from bot.model import Execution, ExecutionStatus, Noted, Watch
from bot.watches import late
from bot.watches.machine_ends import ABSENT, has_moved, is_reached
from bot.watches.observers.look import Deeds
from storage import Store


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether what a machine shows may come of another change; what to remember of this look."""

    is_contested: bool = False
    about: Mapping[str, str] = field(default_factory=dict)


class Others:
    """Finds out who else may have done it. `deeds` tells what a command does, by its id."""

    def __init__(self, store: Store, deeds: Deeds) -> None:
        self._store = store
        self._deeds = deeds

    async def of(self, watch: Watch, status: str, seen_at: datetime) -> Standing:
        """How it stands with what a machine, asked for at `seen_at`, shows by its `status`."""
        is_seen_by_state = late.is_late(watch) or (watch.unsure and not watch.moved)
        if not is_seen_by_state or self._deeds(watch.command).makes_machine:
            return Standing()  # of what it makes, the id is its own
        async with self._store.read() as tx:
            execution = await tx.executions.get(watch.execution)
            sent = await tx.executions.sent_after(execution)
        others = [one for one in sent if self._deeds(one.command).moves]
        if not others:
            return Standing()
        if not _are_over(others, seen_at):
            return Standing(is_contested=True)
        newest = others[0].id
        if watch.about.get(Noted.STOOD_AFTER) == newest:
            return Standing()
        is_otherwise = _is_at_rest(status) and not is_reached(watch.goal, status)
        stood: Mapping[str, str] = {Noted.STOOD_AFTER: newest} if is_otherwise else {}
        return Standing(is_contested=True, about=stood)


def _are_over(others: Sequence[Execution], at: datetime) -> bool:
    """Whether all of these had ended by then, and none of them may still be carried out."""
    for one in others:
        if one.finished_at is None or not one.status.is_end or one.finished_at > at:
            return False
        if one.status is ExecutionStatus.UNKNOWN and at - one.finished_at < late.LOOKED_FOR:
            return False
    return True


def _is_at_rest(status: str) -> bool:
    return not has_moved(status) and status != ABSENT and phase_of(status) is not Phase.UNKNOWN
