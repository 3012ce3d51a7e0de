"""Disk jobs: no status ever shows them, only the list of disks does (docs/dbc-api.md §3.3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import TaskNotFound
from bot.dbc.identity import Target
from bot.dbc.models import TaskDisk
from bot.dbc.sizes import Size
from bot.ids import TaskId
from bot.model import DbcSession, Goal, Noted, Watch, WatchState
from bot.reply import Text, keep, line, listed, say
from bot.watches.machine_ends import GONE, UNSURE_FOR, WAIT, Verdict
from bot.watches.observers.absence import once_believed
from bot.watches.observers.look import Seen, Sight, growing_pause, one_by_one

_ROUNDING = 0.02  # GiB: sizes are printed with two decimals
_TWICE = say("The request may have reached the node twice, or someone else did the same.")
_GROWN_TWICE = say(
    "The request may have reached the node twice, or someone else did the same. The disk cannot "
    "be made smaller."
)
_QUEUED = say("the node does its jobs one by one; a job's failure is not reported by DBC")
_WAITING = keep(say("waiting for the disk list to show it"))


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
            return Sight(Verdict(WatchState.FAILED, GONE), keep(say("gone")))
        found = _too_much(watch, disks)
        if found is None:
            told = _reached(watch, disks)
            found = Verdict(WatchState.DONE, told) if told else _not_yet(watch, now)
        # A list can be short for a moment; and what came twice is worked off one by one.
        found, about = once_believed(watch, found, now)
        pause = growing_pause(watch.polls)
        return Sight(found, _WAITING, pause, line(_QUEUED), about=about)


async def disks_of(dbc: DbcClient, target: Target, task: TaskId) -> Sequence[TaskDisk]:
    """A machine's disks with the most exact sizes there are."""
    detail = await dbc.tasks.get(target, task)
    return detail.disks or await dbc.disks.list(target, task)


def inventory_of(disks: Sequence[TaskDisk]) -> Mapping[str, str]:
    """The disks as facts: `{"disk vda": "350G", …}`."""
    return {f"disk {disk.name}": str(disk.size) for disk in disks}


def _reached(watch: Watch, disks: Sequence[TaskDisk]) -> Text:
    """What the disks prove, as a sentence without its full stop; nothing if they do not."""
    about = watch.about
    now = {disk.name: disk.size for disk in disks}
    if watch.goal is Goal.DISK_ADDED:
        if not (added := _added(watch, disks)):
            return ""
        disk, size = added[0].name, str(added[0].size)
        return say("{target} has a new disk {disk} ({size})", disk=disk, size=size)
    name = about[Noted.DISK]
    if watch.goal is Goal.DISK_DELETED:
        # A list without any disk is none of a machine's: vda is always there.
        is_gone = bool(now) and name not in now
        return say("{target} no longer has the disk {disk}", disk=name) if is_gone else ""
    before = Size.parse(about.get(f"disk {name}", "")).gib
    size_now = now.get(name)
    if size_now is None or before is None or not _is_about(size_now, before + int(about[Noted.BY])):
        return ""
    return say(
        "{target} has {more} GiB more on {disk}: {size}",
        more=about[Noted.BY],
        disk=name,
        size=str(size_now),
    )


def _too_much(watch: Watch, disks: Sequence[TaskDisk]) -> Verdict | None:
    """What the disks show that nobody has asked for; DBC carries out a request as often as it
    gets it, also where something on the way repeats it.
    """
    about = watch.about
    if watch.goal is Goal.DISK_ADDED:
        added = [disk.name for disk in _added(watch, disks)]
        if len(added) < 2:
            return None
        told = say(
            "{label} has {count} new disks of {size} GiB on {node} instead of one: {disks}",
            count=len(added),
            size=about[Noted.SIZE],
            disks=listed(added),
        )
        return Verdict(WatchState.FAILED, told, more=_TWICE)
    if watch.goal is not Goal.DISK_GROWN:
        return None
    name, by = about[Noted.DISK], int(about[Noted.BY])
    before = Size.parse(about.get(f"disk {name}", "")).gib
    size = next((disk.size for disk in disks if disk.name == name), None)
    if size is None or size.gib is None or before is None or size.gib <= before + by + _ROUNDING:
        return None
    grown = f"{size.gib - before:g}"
    told = say(
        "{label} has grown {disk} by {more} GiB on {node} instead of {wanted} GiB: {size}",
        disk=name,
        more=grown,
        wanted=by,
        size=str(size),
    )
    return Verdict(WatchState.FAILED, told, more=_GROWN_TWICE)


def _added(watch: Watch, disks: Sequence[TaskDisk]) -> Sequence[TaskDisk]:
    """The disks of the wanted size that were not there before."""
    wanted = float(watch.about[Noted.SIZE])
    new = [disk for disk in disks if f"disk {disk.name}" not in watch.about]
    return [disk for disk in new if _is_about(disk.size, wanted)]


def _is_about(size: Size, wanted: float) -> bool:
    return size.gib is not None and abs(size.gib - wanted) <= _ROUNDING


def _not_yet(watch: Watch, now: datetime) -> Verdict:
    if watch.unsure and now - watch.started_at >= UNSURE_FOR:
        why = say("{target} does not show the change; the command got no clear answer")
        return Verdict(WatchState.UNKNOWN, why, in_doubt=True)
    if now < watch.deadline_at:
        return WAIT
    why = say("{target} does not show the change in its list of disks; DBC does not report why")
    return Verdict(WatchState.UNKNOWN, why)
