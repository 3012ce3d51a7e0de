"""Disk jobs: no status ever shows them, only the list of disks does (docs/dbc-api.md §3.3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import TaskNotFound
from bot.dbc.identity import Target
from bot.dbc.models import TaskDisk
from bot.dbc.sizes import Size
from bot.model import DbcSession, Goal, Watch, WatchState
from bot.reply import line
from bot.services.observers.absence import once_believed
from bot.services.observers.sight import Seen, Sight, growing_pause, one_by_one
from bot.services.settle import UNSURE_FOR, WAIT, Verdict

_ROUNDING = 0.02  # GiB: sizes are printed with two decimals
_QUEUED = "the node does its jobs one by one; a job's failure is not reported by DBC"


class Disks:
    """Looks at a machine's disks; its details print sizes more exactly than the list of disks."""

    def __init__(self, dbc: DbcClient, clock: Clock) -> None:
        self._dbc = dbc
        self._clock = clock

    async def look(self, session: DbcSession, watches: Sequence[Watch]) -> Seen:
        """What each machine's disks say."""
        return await one_by_one(session, watches, self._look)

    async def _look(self, target: Target, watch: Watch) -> Sight:
        now = self._clock.now()
        try:
            disks = await disks_of(self._dbc, target, watch.task)
        except TaskNotFound:
            return Sight(Verdict(WatchState.FAILED, "no longer exists"), "gone")
        told = _reached(watch, disks)
        found = Verdict(WatchState.DONE, told) if told else _not_yet(watch, now)
        about: Mapping[str, str] = {}
        if watch.goal is Goal.DISK_DELETED:
            found, about = once_believed(watch, found, now)
        pause = growing_pause(watch.polls)
        status = "waiting for the disk list to show it"
        return Sight(found, status, pause, line(_QUEUED), about=about)


async def disks_of(dbc: DbcClient, target: Target, task: str) -> Sequence[TaskDisk]:
    """A machine's disks with the most exact sizes there are."""
    detail = await dbc.tasks.get(target, task)
    return detail.disks or await dbc.disks.list(target, task)


def inventory_of(disks: Sequence[TaskDisk]) -> Mapping[str, str]:
    """The disks as facts: `{"disk vda": "350G", …}`."""
    return {f"disk {disk.name}": str(disk.size) for disk in disks}


def _reached(watch: Watch, disks: Sequence[TaskDisk]) -> str:
    """What the disks prove, as the end of "<machine> …"; nothing if they do not."""
    about = watch.about
    now = {disk.name: disk.size for disk in disks}
    if watch.goal is Goal.DISK_ADDED:
        wanted = float(about["size"])
        added = [n for n in now if f"disk {n}" not in about and _is_about(now[n], wanted)]
        return f"on {{node}} has a new disk {added[0]} ({now[added[0]]})" if added else ""
    name = about["disk"]
    if watch.goal is Goal.DISK_DELETED:
        # A list without any disk is none of a machine's: vda is always there.
        return f"on {{node}} no longer has the disk {name}" if now and name not in now else ""
    before = Size.parse(about.get(f"disk {name}", "")).gib
    size = now.get(name)
    if size is None or before is None or not _is_about(size, before + int(about["by"])):
        return ""
    return f"on {{node}} has {about['by']} GiB more on {name}: {size}"


def _is_about(size: Size, wanted: float) -> bool:
    return size.gib is not None and abs(size.gib - wanted) <= _ROUNDING


def _not_yet(watch: Watch, now: datetime) -> Verdict:
    if watch.unsure and now - watch.started_at >= UNSURE_FOR:
        why = "does not show the change; whether the command arrived is not known"
        return Verdict(WatchState.UNKNOWN, why, in_doubt=True)
    if now < watch.deadline_at:
        return WAIT
    why = "does not show the change in its list of disks; DBC does not report why"
    return Verdict(WatchState.UNKNOWN, why)
