"""Snapshots: copied on the node, then sent to an image server, where alone success is seen.

Source: docs/dbc-api.md §6.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import Missing
from bot.dbc.identity import Target
from bot.dbc.models import NO_SIZE, Snapshot, said_state
from bot.dbc.sizes import Size
from bot.model import DbcSession, Noted, Watch, WatchState
from bot.reply import Text, keep, line, listed, say
from bot.watches.machine_ends import WAIT, Verdict
from bot.watches.observers.look import Seen, Sight, growing_pause, one_by_one
from bot.watches.observers.stops import Arrival, after_stop
from bot.watches.observers.transfers import (
    ended,
    is_settled,
    moving,
    never_seen,
    size_of,
    unreachable,
)

_COPYING = say("the disk is being copied; do not start the machine before this is over")
_MAY_START = say("the copy is made: the machine may be started again")
_TWICE = say(
    "The request may have reached the node twice, or someone else took one of the same name; by "
    "the name, DBC finds the first of them."
)


class Snapshots:
    """From `creating` over `uploading` to `none`, which says no more than that it has ended."""

    def __init__(self, dbc: DbcClient, clock: Clock) -> None:
        self._dbc = dbc
        self._clock = clock

    async def look(self, session: DbcSession, watches: Sequence[Watch]) -> Seen:
        """The status of each, its upload's progress, and at the end the server's list."""
        return await one_by_one(session, watches, self._look)

    async def _look(self, target: Target, watch: Watch) -> Sight:
        now = self._clock.now()
        try:
            snapshot = await self._dbc.snapshots.get(target, watch.task, watch.about[Noted.NAME])
        except Missing:
            return Sight(_missing(watch, now), keep(say("missing")))
        if snapshot.status == "uploading":
            progress = await self._dbc.images.upload_progress(target, snapshot.file)
            if not progress.is_running:  # ended or was stopped, and nobody has told the snapshot
                return await self._checked(target, await self._sent(watch, snapshot, now), watch)
            sight = moving(watch, progress.percent, now, _MAY_START)
            return replace(sight, about={**sight.about, Noted.PATH: snapshot.file})
        if snapshot.status == "none":
            return await self._checked(target, await self._sent(watch, snapshot, now), watch)
        return Sight(
            WAIT if now < watch.deadline_at else _late(snapshot.status),
            snapshot.status,
            growing_pause(watch.polls),
            line(_COPYING),
            about={Noted.PATH: snapshot.file},
            moved=True,
        )

    async def _checked(self, target: Target, sight: Sight, watch: Watch) -> Sight:
        """The sight; where it is the good end, only if there is no second snapshot of that name.

        DBC takes one as often as it is told to, also where something on the way repeats that.
        """
        if sight.verdict.state is not WatchState.DONE:
            return sight
        name = watch.about[Noted.NAME]
        found = await self._dbc.snapshots.list(target, watch.task)
        files = [one.file_name for one in found if one.name == name]
        if len(files) < 2:
            return sight
        why = say(
            "{label} has {count} snapshots {name} on {node} instead of one: {files}",
            count=len(files),
            name=name,
            files=listed(files),
        )
        return replace(sight, verdict=Verdict(WatchState.FAILED, why, more=_TWICE))

    async def _sent(self, watch: Watch, snapshot: Snapshot, now: datetime) -> Sight:
        server = watch.about[Noted.SERVER]
        listed = await self._dbc.images.on_server(server)
        there = size_of(listed, snapshot.file_name)
        if watch.stopped_by:
            # How much is all of it is not known: what arrives may be whole or not.
            arrival = Arrival(server, there, NO_SIZE, NO_SIZE, silent=not listed)
            sight = after_stop(watch, arrival, now)
            found = sight.verdict
            if found.state is not WatchState.OPEN:  # what is said is said of the upload
                found = replace(found, why=_of_upload(found.why, snapshot.name))
            return replace(sight, verdict=found, moved=True)
        sight = ended(watch, now)
        found = _verdict(watch, snapshot, there, now, is_silent=not listed)
        about = {**sight.about, Noted.PATH: snapshot.file, Noted.THERE: str(there or "")}
        return replace(sight, verdict=found, about=about, moved=True)


def _of_upload(why: Text, name: str) -> Text:
    """What is said of a transfer, of the upload of a machine's snapshot."""
    if isinstance(why, str):
        return why
    upload = say("the upload of snapshot {name} of {target}", name=name)
    return replace(why, given=(*why.given, ("target", upload), ("label", upload)))


def _verdict(
    watch: Watch, snapshot: Snapshot, there: Size | None, now: datetime, *, is_silent: bool
) -> Verdict:
    name, server = snapshot.name, watch.about[Noted.SERVER]
    if there is not None and watch.about.get(Noted.THERE) == str(there):
        told = say(
            "{target}: snapshot {name} is on {server} as {file} ({size})",
            name=name,
            server=server,
            file=snapshot.file_name,
            size=str(there),
        )
        return Verdict(WatchState.DONE, told)
    if is_silent:
        return unreachable(watch, server, now)
    if there is not None or not is_settled(watch, now):
        return WAIT
    why = say(
        "{target} has no snapshot {name} on {server}: the upload failed, or was stopped elsewhere",
        name=name,
        server=server,
    )
    return Verdict(WatchState.FAILED, why)


def _missing(watch: Watch, now: datetime) -> Verdict:
    name = watch.about[Noted.NAME]
    if watch.stopped_by:
        deleted = say("snapshot {name} of {target} was deleted", name=name)
        return Verdict(WatchState.CANCELLED, deleted, by=watch.stopped_by)
    unseen = never_seen(watch, now)
    if unseen is not None:
        return unseen
    why = say(
        "{target} has no snapshot {name} any more: it was deleted, or its upload could not be "
        "started",
        name=name,
    )
    return Verdict(WatchState.FAILED, why)


def _late(status: str) -> Verdict:
    why = say(
        "{target} still has its snapshot “{state}”; I have stopped looking",
        state=said_state(status),
    )
    return Verdict(WatchState.UNKNOWN, why)
