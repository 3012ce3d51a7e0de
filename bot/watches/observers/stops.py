"""What became of a transfer that was told to stop. Pure.

A node answers `ok` to a stop and forgets the transfer whether or not it ends: rsync's receiver may
go on and finish the file minutes later, unseen (docs/dbc-api.md §11.4). So a stop is believed only
where an incomplete file stays as it is, or where nothing has come for longer than the rest would
have taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.dbc.sizes import Size
from bot.model import Noted, Watch, WatchState
from bot.reply import (
    Line,
    Phrase,
    Text,
    Words,
    apart,
    keep,
    kept_text,
    line,
    mention,
    say,
)
from bot.watches.machine_ends import UNSURE_FOR, WAIT, Verdict
from bot.watches.observers.look import Sight
from bot.watches.observers.pace import Pace

# A file that grows does so within this time, also at the slowest pace that sizes show.
_STILL = timedelta(minutes=1)
_SHORTEST, _LONGEST = timedelta(minutes=5), timedelta(minutes=60)
_UNTIMED = timedelta(minutes=30)  # where it was never seen to move
_QUICKEST, _SLOWEST = timedelta(seconds=5), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is listed where a transfer goes: `server` is the image server, None for the node.

    `size` is what is there now and `before` what was there before it, `whole` the size of the
    source. `hidden`: files of this name or place are not listed; `silent`: nothing at all is.
    `is_own`: the stop itself is followed, since nobody follows the transfer.
    """

    server: Text | None
    size: Size | None
    whole: Size
    before: Size
    hidden: bool = False
    silent: bool = False
    is_own: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the list proves that it has arrived."""
        return same_size(self.size, self.whole) and not same_size(self.before, self.whole)

    @property
    def is_new(self) -> bool:
        """Whether something of it is there."""
        return self.size is not None and str(self.size) != str(self.before)


def same_size(one: Size | None, other: Size | None) -> bool:
    """Whether two lists print one size. They round alike."""
    return one is not None and other is not None and None is not one.in_bytes == other.in_bytes


def goes_on(watch: Watch, sight: Sight, now: datetime, *, is_own: bool) -> Sight:
    """A transfer that was told to stop, and that the node still reports."""
    if is_own and now - watch.started_at >= UNSURE_FOR:
        return replace(sight, verdict=_still_running(watch, sight))
    told = besides(watch, say("the node still reports it"))
    return replace(sight, detail=told, about={**sight.about, Noted.STOPPED_AT: "", Noted.LEFT: ""})


def after_stop(watch: Watch, found: Arrival, now: datetime) -> Sight:
    """A transfer that was told to stop, and that the node reports no longer."""
    since = _moment(watch, Noted.STOPPED_AT, now)
    left = str(found.size) if found.is_new else ""
    left_since = (
        _moment(watch, Noted.LEFT_SINCE, now) if left == watch.about.get(Noted.LEFT, "") else now
    )
    told = besides(watch, say("I am checking whether it did"))
    return Sight(
        _verdict(watch, found, now, now - since, now - left_since),
        keep(say("told to stop, {size}", size=left) if left else say("told to stop")),
        min(max((now - since) / 6, _QUICKEST), _SLOWEST),
        told,
        about={
            Noted.STOPPED_AT: since.isoformat(),
            Noted.LEFT: left,
            Noted.LEFT_SINCE: left_since.isoformat(),
        },
    )


def told_to_stop(watch: Watch) -> Line:
    """`was told to stop by @bob`: what a card keeps saying until it is known whether it did."""
    return line(say("was told to stop by {user}", user=mention(watch.stopped_by)))


def besides(watch: Watch, told: Words) -> Line:
    """What else is known of a transfer, after that it was told to stop, if it was."""
    return apart((told_to_stop(watch), told)) if watch.stopped_by else line(told)


def _verdict(
    watch: Watch, found: Arrival, now: datetime, passed: timedelta, unchanged: timedelta
) -> Verdict:
    if found.is_whole:
        return _whole(found)
    if found.hidden:
        why = say("{target} was told to stop; what became of it cannot be checked there")
        return Verdict(WatchState.UNKNOWN, why, more=last_seen(watch.about), resumable=False)
    if found.is_new and unchanged >= _STILL:
        return _left(watch, found)
    if passed < _patience(watch, now) or unchanged < _STILL:  # a list can be short for a moment
        return WAIT
    if found.silent:
        why = say(
            "{target} was told to stop; {server} lists nothing at all, so it cannot be checked",
            server=found.server or "",
        )
        return Verdict(WatchState.UNKNOWN, why)
    if found.is_new:
        return WAIT  # it still grows
    if found.size is not None:
        as_before = say("{node} has the file that it had before.")
        if found.server is not None:
            as_before = say("{server} has the file that it had before.", server=found.server)
        return _stopped(watch, found, as_before)
    nothing = say("Nothing of it is on {node}.")
    if found.server is not None:
        nothing = say("Nothing of it is on {server}.", server=found.server)
    return _stopped(watch, found, nothing)


def _whole(found: Arrival) -> Verdict:
    told = say(
        "{label} was downloaded to {node}, although it was told to stop: {size}, size verified",
        size=str(found.size),
    )
    if found.server is not None:
        told = say(
            "{label} was uploaded from {node} to {server}, although it was told to stop: {size}, "
            "size verified",
            server=found.server,
            size=str(found.size),
        )
    return Verdict(WatchState.FAILED if found.is_own else WatchState.DONE, told)


def _left(watch: Watch, found: Arrival) -> Verdict:
    size, whole = str(found.size), str(found.whole)
    if found.whole.in_bytes is None:
        why = say(
            "{target} was told to stop; {node} has {size} of it, and how much is all is not known",
            size=size,
        )
        if found.server is not None:
            why = say(
                "{target} was told to stop; {server} has {size} of it, and how much is all is not "
                "known",
                server=found.server,
                size=size,
            )
        return Verdict(WatchState.UNKNOWN, why, more=last_seen(watch.about), resumable=False)
    share = found.whole.in_bytes and round(100 * (_bytes(found.size) / found.whole.in_bytes))
    part = f"{share} %, {size}" if share else size
    more = say("An incomplete file ({part} of {whole}) is left on {node}.", part=part, whole=whole)
    if found.server is not None:
        more = say(
            "An incomplete file ({part} of {whole}) is left on {server}.",
            part=part,
            whole=whole,
            server=found.server,
        )
    return _stopped(watch, found, more, reached="")  # one figure, and that of what is there


def _bytes(size: Size | None) -> int:
    return (size and size.in_bytes) or 0


def _stopped(watch: Watch, found: Arrival, more: Phrase, reached: str | None = None) -> Verdict:
    percent = watch.about.get(Noted.PERCENT, "") if reached is None else reached
    why = say("{target} was stopped")
    if percent:
        why = say("{target} was stopped at {percent} %", percent=percent)
    if found.is_own:  # what is an end for the transfer was wanted by whoever requested the stop
        return Verdict(WatchState.DONE, why, more=more)
    return Verdict(WatchState.CANCELLED, why, by=watch.stopped_by, more=more)


def _still_running(watch: Watch, sight: Sight) -> Verdict:
    if watch.unsure:
        why = say(
            "{target} is still being transferred ({state}); it is unknown whether it will stop",
            state=kept_text(sight.status),
        )
        return Verdict(WatchState.UNKNOWN, why)
    why = say(
        "{target} goes on ({state}), although it was told to stop", state=kept_text(sight.status)
    )
    return Verdict(WatchState.FAILED, why)


def _patience(watch: Watch, now: datetime) -> timedelta:
    """Longer than the rest would have taken, at the pace that was seen."""
    if Noted.PERCENT not in watch.about:
        return _UNTIMED
    left = Pace.seen(watch.about, int(watch.about[Noted.PERCENT]), now).left
    return _UNTIMED if left is None else min(max(2 * left, _SHORTEST), _LONGEST)


def last_seen(about: Mapping[str, str]) -> Text:
    """How far a transfer was when it was last seen moving, as a sentence."""
    percent = about.get(Noted.PERCENT)
    return say("It was last seen at {percent} %.", percent=percent) if percent else ""


def _moment(watch: Watch, name: str, otherwise: datetime) -> datetime:
    at = watch.about.get(name)
    return datetime.fromisoformat(at) if at else otherwise
