"""Image transfers. A node's `done` only says that nothing runs: what came of it is in the lists.

Source: docs/dbc-api.md §5.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.fields import DATA_DIR
from bot.dbc.identity import Target
from bot.dbc.images import Images
from bot.dbc.models import Image, Progress
from bot.dbc.sizes import Size
from bot.model import DbcSession, Deed, Noted, Watch, WatchState
from bot.reply import Text, keep, line, say, time
from bot.watches.machine_ends import UNSURE_FOR, WAIT, Verdict
from bot.watches.observers.look import Deeds, Seen, Sight, one_by_one
from bot.watches.observers.pace import Pace
from bot.watches.observers.stops import Arrival, after_stop, goes_on, last_seen, same_size

# A finished process is noticed after 3 s, and a list may be behind: an end that looks bad is
# looked at again before it is told.
_SETTLING = timedelta(seconds=15)
# With `my-ubuntu.qcow2` on the server, a node may take its size for that of `ubuntu.qcow2`, and
# then says `done` before its time (§5).
_MISLED = timedelta(minutes=30)
HIDDEN = "data"  # a node lists no image whose name has this in it (§3.5.2)


def size_of(images: Sequence[Image], name: str) -> Size | None:
    """The size under which a list has an image."""
    return next((image.size for image in images if image.name == name), None)


def moving(
    watch: Watch, percent: int | None, now: datetime, detail: Text = "", *, is_own: bool = False
) -> Sight:
    """A transfer at work; how far it is may not be told. `is_own`: what is followed is its stop."""
    if percent is None:
        told = line(detail or say("in progress; how far is not known yet"))
        status = keep(say("in progress"))
        sight = Sight(status=status, detail=told, about={Noted.ENDED_AT: ""}, moved=True)
        return goes_on(watch, sight, now, is_own=is_own) if watch.stopped_by else sight
    pace = Pace.seen(watch.about, percent, now)
    size = Size.parse(watch.about.get(Noted.SIZE, ""))
    has_stalled = pace.has_stalled(now)
    status = f"{percent} %"
    in_all = say("{size} in all", size=size.text) if size.text else say("in progress")
    told = line(detail or in_all)
    if has_stalled:
        status = keep(say("{percent} %, not moving", percent=percent))
        told = line(say("it has not moved since {time}; I keep looking", time=time(pace.moved_at)))
    found = WAIT
    if now >= watch.deadline_at:
        why = say(
            "{target} has not moved from {percent} % for long; I have stopped looking",
            percent=percent,
        )
        found = Verdict(WatchState.UNKNOWN, why)
    sight = Sight(
        found,
        status,
        pace.pause(now),
        told,
        (pace.bar(size.in_bytes, now),),
        about={**pace.about(), Noted.ENDED_AT: ""},
        moved=True,
        advanced=pace.moved_at == now,
    )
    return goes_on(watch, sight, now, is_own=is_own) if watch.stopped_by else sight


def ended(watch: Watch, now: datetime) -> Sight:
    """No longer at work, and not proved yet: to be looked at again, for a moment."""
    since = watch.about.get(Noted.ENDED_AT) or now.isoformat()
    return Sight(
        WAIT,
        keep(say("ended, being checked")),
        detail=say("ended; I am checking what arrived"),
        about={Noted.ENDED_AT: since},
    )


def is_settled(watch: Watch, now: datetime, after: timedelta = _SETTLING) -> bool:
    """Whether it ended long enough ago to believe what the lists say."""
    since = watch.about.get(Noted.ENDED_AT)
    return bool(since) and now - datetime.fromisoformat(str(since)) >= after


def never_seen(watch: Watch, now: datetime) -> Verdict | None:
    """A command without an answer, and nothing of it to be seen."""
    if not watch.unsure or watch.moved:
        return None
    if now - watch.started_at < UNSURE_FOR:
        return WAIT
    why = say("{target} is not there; the command got no clear answer")
    return Verdict(WatchState.UNKNOWN, why, in_doubt=True)


@dataclass(frozen=True, slots=True)
class Way:
    """What sets one direction apart: what says which file, its progress, and how it has ended."""

    file: str
    progress: Callable[[Images, Target, str], Awaitable[Progress]]
    end: Callable[[Images, Watch, datetime, Deed], Awaitable[Sight]]


class Transfers:
    """Image transfers of one direction: running as their progress says, then proved by lists."""

    def __init__(self, dbc: DbcClient, clock: Clock, deeds: Deeds, way: Way) -> None:
        self._dbc = dbc
        self._clock = clock
        self._deeds = deeds
        self._way = way

    async def look(self, session: DbcSession, watches: Sequence[Watch]) -> Seen:
        """The progress of each; the lists, once it has ended."""
        return await one_by_one(session, watches, self._look)

    async def _look(self, target: Target, watch: Watch) -> Sight:
        images, now = self._dbc.images, self._clock.now()
        progress = await self._way.progress(images, target, watch.about[self._way.file])
        deed = self._deeds(watch.command)
        if progress.is_running:
            return moving(watch, progress.percent, now, is_own=deed.stops)
        return await self._way.end(images, watch, now, deed)


async def _downloaded(images: Images, watch: Watch, now: datetime, deed: Deed) -> Sight:
    """From an image server to a node: proved by the node's list and the size."""
    image, sight = watch.about[Noted.IMAGE], ended(watch, now)
    directory = watch.about.get(Noted.DIRECTORY, DATA_DIR)
    if directory != DATA_DIR and not watch.stopped_by:
        return replace(sight, verdict=never_seen(watch, now) or _unlisted(directory))
    server = watch.about[Noted.SERVER]
    here = size_of(await images.on_node(watch.node, None, server or None), image)
    listed = await images.on_server(server) if server else ()
    there = size_of(listed, image) or Size.parse(watch.about.get(Noted.SIZE, ""))
    if watch.stopped_by:
        before = Size.parse(watch.about.get(Noted.BEFORE, ""))
        hidden = directory != DATA_DIR or (here is None and HIDDEN in image)
        arrival = Arrival(None, here, there, before, hidden, is_own=deed.stops)
        return after_stop(watch, arrival, now)
    is_misled = any(image in it.name and image != it.name for it in listed)
    patience = _MISLED if is_misled else _SETTLING
    return replace(sight, verdict=of_download(watch, here, there, now, patience))


def of_download(
    watch: Watch, here: Size | None, there: Size, now: datetime, patience: timedelta
) -> Verdict:
    """What the lists prove of a download that has ended."""
    about = watch.about
    before = Size.parse(about.get(Noted.BEFORE, ""))
    if same_size(here, there) and not same_size(before, there):
        told = say(
            "{label} was downloaded to {node}: {size}, as on {server}",
            size=str(here),
            server=about[Noted.SERVER],
        )
        return Verdict(WatchState.DONE, told)
    unseen = never_seen(watch, now)
    if unseen is not None:
        return unseen
    if not is_settled(watch, now, patience):
        return WAIT
    if same_size(here, there):
        return _as_before(None)
    return _not_whole(about, here, there)


def _unlisted(directory: str) -> Verdict:
    """Files outside of /data are listed nowhere (§5)."""
    why = say(
        "{target} has ended in {directory}; it cannot be checked there, for DBC lists only "
        "{listed}",
        directory=directory,
        listed=DATA_DIR,
    )
    return Verdict(WatchState.UNKNOWN, why, resumable=False)


def _as_before(server: str | None) -> Verdict:
    why = say(
        "{target} has ended; the node had a file of this name and size before, so its list proves "
        "nothing"
    )
    if server is not None:
        why = say(
            "{target} has ended; {server} had a file of this name and size before, so its list "
            "proves nothing",
            server=server,
        )
    return Verdict(WatchState.UNKNOWN, why, resumable=False)


def _not_whole(about: Mapping[str, str], here: Size | None, there: Size) -> Verdict:
    if here is None and HIDDEN in about[Noted.IMAGE]:
        why = say(
            "{target} has ended; it cannot be checked, for DBC lists no image with “{word}” in its "
            "name",
            word=HIDDEN,
        )
        return Verdict(WatchState.UNKNOWN, why, resumable=False)
    if here is not None and there.in_bytes is None:
        why = say(
            "{target} has ended with {size}; {server} does not list it, to compare with",
            size=str(here),
            server=about[Noted.SERVER],
        )
        return Verdict(WatchState.UNKNOWN, why)
    why = say("{target} was not downloaded: the transfer failed, or was stopped elsewhere")
    if here is not None:
        why = say(
            "{target} was downloaded only in part: {size} instead of {whole}; the transfer failed, "
            "or was stopped elsewhere",
            size=str(here),
            whole=str(there),
        )
    return Verdict(WatchState.FAILED, why, more=last_seen(about))


async def _uploaded(images: Images, watch: Watch, now: datetime, deed: Deed) -> Sight:
    """From a node to an image server: proved by the server's list and a size that stays."""
    server = watch.about[Noted.SERVER]
    listed = await images.on_server(server) if server else ()
    there = size_of(listed, watch.about[Noted.PATH].rpartition("/")[2])
    if watch.stopped_by:
        arrival = _arrived(watch.about, there, is_silent=not listed)
        return after_stop(watch, replace(arrival, is_own=deed.stops), now)
    sight = ended(watch, now)
    return replace(
        sight,
        verdict=of_upload(watch, there, now, is_silent=not listed),
        about={**sight.about, Noted.THERE: str(there or "")},
    )


def of_upload(watch: Watch, there: Size | None, now: datetime, *, is_silent: bool) -> Verdict:
    """What the server\'s list proves of an upload that has ended."""
    about, server = watch.about, watch.about[Noted.SERVER]
    expected = Size.parse(about.get(Noted.SIZE, ""))
    before = Size.parse(about.get(Noted.BEFORE, ""))
    stays = there is not None and about.get(Noted.THERE) == str(there)
    if stays and same_size(there, expected) and not same_size(before, expected):
        told = say(
            "{label} was uploaded from {node} to {server}: {size}, as on the node",
            server=server,
            size=str(there),
        )
        return Verdict(WatchState.DONE, told)
    unseen = never_seen(watch, now)
    if unseen is not None:
        return unseen
    if is_silent:
        return unreachable(watch, server, now)
    if not is_settled(watch, now):
        return WAIT
    return _not_sent(about, there, expected, before)


def _arrived(about: Mapping[str, str], there: Size | None, *, is_silent: bool) -> Arrival:
    server, before = about[Noted.SERVER], Size.parse(about.get(Noted.BEFORE, ""))
    whole = Size.parse(about.get(Noted.SIZE, ""))
    where = server or say("its image server")
    return Arrival(where, there, whole, before, hidden=not server, silent=is_silent)


def unreachable(watch: Watch, server: str, now: datetime) -> Verdict:
    """An image server that cannot be reached lists nothing (§3.5.2)."""
    if not is_settled(watch, now, UNSURE_FOR):
        return WAIT
    why = say(
        "{target} has ended; {server} lists nothing at all, so it is probably not reachable to "
        "check",
        server=server,
    )
    return Verdict(WatchState.UNKNOWN, why)


def _not_sent(
    about: Mapping[str, str], there: Size | None, expected: Size, before: Size
) -> Verdict:
    server, more = about[Noted.SERVER], last_seen(about)
    if there is not None and expected.in_bytes is None:
        why = say(
            "{target} has ended; {server} has {size} of it, and the node does not list its own "
            "copy",
            server=server,
            size=str(there),
        )
        return Verdict(WatchState.UNKNOWN, why, resumable=False)
    if same_size(there, expected):
        return _as_before(server)
    if there is None:
        why = say(
            "{target} is not on {server}: the transfer failed, or was stopped elsewhere",
            server=server,
        )
        return Verdict(WatchState.FAILED, why, more=more)
    if same_size(there, before):
        why = say(
            "{target} has not replaced the one on {server}: the transfer failed, or was stopped "
            "elsewhere",
            server=server,
        )
        return Verdict(WatchState.FAILED, why, more=more)
    why = say(
        "{target} was uploaded to {server} only in part: {size} instead of {whole}; the transfer "
        "failed, or was stopped elsewhere",
        server=server,
        size=str(there),
        whole=str(expected),
    )
    return Verdict(WatchState.FAILED, why, more=more)


DOWNLOAD = Way(Noted.IMAGE, Images.download_progress, _downloaded)
UPLOAD = Way(Noted.PATH, Images.upload_progress, _uploaded)
