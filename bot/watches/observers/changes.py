"""Changes that are over with their answer, where it got lost: what can be read of them."""

from collections.abc import Awaitable, Callable, Sequence

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import TaskNotFound
from bot.dbc.identity import Target
from bot.model import DbcSession, Noted, Trace, Watch, WatchState
from bot.reply import Phrase, keep, say
from bot.watches.machine_ends import GONE, UNSURE_FOR, WAIT, Verdict
from bot.watches.observers import modified
from bot.watches.observers.absence import once_believed
from bot.watches.observers.look import Deeds, Seen, Sight, growing_pause, one_by_one

_POWER = {
    True: say("{target} has power"),
    False: say("{target} has no power"),
    None: say("{target} does not say whether it has power"),
}
_LOOKING = keep(say("no answer came; I am looking at what can be read"))


class Changes:
    """Looks at what the command was to change; each trace is sought in its own way."""

    def __init__(self, dbc: DbcClient, clock: Clock, deeds: Deeds) -> None:
        self._dbc = dbc
        self._clock = clock
        self._deeds = deeds
        self._ways: dict[Trace | None, Callable[[Target, Watch], Awaitable[Verdict]]] = {
            Trace.MACHINE: self._modified,
            Trace.LAN_MADE: self._lan_made,
            Trace.LAN_GONE: self._lan_gone,
            Trace.SNAPSHOT_GONE: self._snapshot_gone,
            Trace.IMAGE_GONE: self._image_gone,
            Trace.POWER: self._powered,
        }

    async def look(self, session: DbcSession, watches: Sequence[Watch]) -> Seen:
        """What can be read of each."""
        return await one_by_one(session, watches, self._look)

    async def _look(self, target: Target, watch: Watch) -> Sight:
        trace = self._deeds(watch.command).trace
        found = await self._ways[trace](target, watch)
        pause = growing_pause(watch.polls)
        if trace is None or not trace.is_absence:
            return Sight(found, _LOOKING, pause)
        found, about = once_believed(watch, found, self._clock.now())
        return Sight(found, _LOOKING, pause, about=about)

    async def _modified(self, target: Target, watch: Watch) -> Verdict:
        try:
            detail = await self._dbc.tasks.get(target, watch.task)
        except TaskNotFound:
            return Verdict(WatchState.FAILED, GONE)
        return modified.verdict(watch, detail, self._clock.now())

    async def _lan_made(self, _target: Target, watch: Watch) -> Verdict:
        name = watch.about[Noted.NAME]
        if name in {lan.network_name for lan in await self._dbc.lans.list(watch.node)}:
            return Verdict(WatchState.DONE, say("{target} has the network {name} now", name=name))
        return self._not_yet(watch, say("{target} does not have the network {name}", name=name))

    async def _lan_gone(self, _target: Target, watch: Watch) -> Verdict:
        name = watch.about[Noted.NAME]
        if name not in {lan.network_name for lan in await self._dbc.lans.list(watch.node)}:
            return Verdict(
                WatchState.DONE, say("{target} no longer has the network {name}", name=name)
            )
        return self._not_yet(watch, say("{target} still has the network {name}", name=name))

    async def _snapshot_gone(self, target: Target, watch: Watch) -> Verdict:
        name = watch.about[Noted.NAME]
        listed = await self._dbc.snapshots.list(target, watch.task)
        if name not in {snapshot.name for snapshot in listed}:
            return Verdict(
                WatchState.DONE,
                say("{label} no longer has the snapshot {name} on {node}", name=name),
            )
        return self._not_yet(watch, say("{target} still has the snapshot {name}", name=name))

    async def _image_gone(self, _target: Target, watch: Watch) -> Verdict:
        """A list that did not show the file before proves nothing by not showing it."""
        image = watch.about[Noted.IMAGE]
        if image in {it.name for it in await self._dbc.images.on_node(watch.node)}:
            return self._not_yet(watch, say("{target} is still there"))
        if watch.about.get(Noted.SIZE):
            return Verdict(WatchState.DONE, say("{label} is deleted on {node}"))
        why = say("{target} may or may not be deleted: the node's list does not show such a file")
        return Verdict(WatchState.UNKNOWN, why, resumable=False)

    async def _powered(self, target: Target, watch: Watch) -> Verdict:
        wanted = watch.about.get(Noted.WANTED, "")
        is_on = (await self._dbc.metal.power_status(target)).is_on
        if is_on is not None and is_on is {"on": True, "off": False}.get(wanted):
            return Verdict(WatchState.DONE, _POWER[is_on])
        standing = _POWER[is_on]
        if wanted == "reset" and is_on:
            why = say("{target} has power, which does not show whether it was reset")
            return Verdict(WatchState.UNKNOWN, why, resumable=False)
        return self._not_yet(watch, standing)

    def _not_yet(self, watch: Watch, standing: Phrase) -> Verdict:
        if self._clock.now() - watch.started_at < UNSURE_FOR:
            return WAIT
        more = say("The command got no clear answer.")
        return Verdict(WatchState.UNKNOWN, standing, more=more, in_doubt=True)
