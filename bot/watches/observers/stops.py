"""What became of a transfer that was told to stop. Pure.

A node answers `ok` to a stop and forgets the transfer whether or not it ends: rsync's receiver may
go on and finish the file minutes later, unseen (docs/dbc-api.md §11.4). So a stop is believed only
where an incomplete file stays as it is, or where nothing has come for longer than the rest would
have taken.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.dbc.sizes import Size
from bot.model import Watch, WatchState
from bot.reply import Line, line, mention
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
    """What is listed where a transfer goes: `at` says where, `{node}` for the node.

    `size` is what is there now and `before` what was there before it, `whole` the size of the
    source. `hidden`: files of this name or place are not listed; `silent`: nothing at all is.
    `is_own`: the stop itself is followed, since nobody follows the transfer.
    """

    at: str
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
    told = line(told_to_stop(watch), "; the node still reports it")
    return replace(sight, detail=told, about={**sight.about, "stopped_at": "", "left": ""})


def after_stop(watch: Watch, found: Arrival, now: datetime) -> Sight:
    """A transfer that was told to stop, and that the node reports no longer."""
    since = _moment(watch, "stopped_at", now)
    left = str(found.size) if found.is_new else ""
    left_since = _moment(watch, "left_since", now) if left == watch.about.get("left", "") else now
    told = line(told_to_stop(watch), "; I check whether it did")
    return Sight(
        _verdict(watch, found, now, now - since, now - left_since),
        f"told to stop{', ' if left else ''}{left}",
        min(max((now - since) / 6, _QUICKEST), _SLOWEST),
        told,
        about={
            "stopped_at": since.isoformat(), "left": left, "left_since": left_since.isoformat(),
        },
    )  # fmt: skip


def told_to_stop(watch: Watch) -> Line:
    """`was told to stop by @bob`: what a card keeps saying until it is known whether it did."""
    return line("was told to stop by ", mention(watch.stopped_by))


def besides(watch: Watch, told: Line | str) -> Line:
    """What else is known of a transfer, after that it was told to stop, if it was."""
    return line(told_to_stop(watch), "; ", told) if watch.stopped_by else line(told)


def _verdict(
    watch: Watch, found: Arrival, now: datetime, passed: timedelta, unchanged: timedelta
) -> Verdict:
    if found.is_whole:
        return _whole(found)
    if found.hidden:
        why = f"was told to stop{_reached(watch)}; what became of it cannot be checked there"
        return Verdict(WatchState.UNKNOWN, why, resumable=False)
    if found.is_new and unchanged >= _STILL:
        return _left(watch, found)
    if passed < _patience(watch, now) or unchanged < _STILL:  # a list can be short for a moment
        return WAIT
    if found.silent:
        why = f"was told to stop; {found.at} lists nothing at all, so it cannot be checked"
        return Verdict(WatchState.UNKNOWN, why)
    if found.is_new:
        return WAIT  # it still grows
    if found.size is not None:
        return _stopped(watch, found, f"{found.at} has the file that it had before.")
    return _stopped(watch, found, f"Nothing of it is on {found.at}.")


def _whole(found: Arrival) -> Verdict:
    told = f"although it was told to stop: {found.size}, as at its source"
    if found.is_own:
        where = "" if found.at == "{node}" else f" on {found.at}"
        return Verdict(WatchState.FAILED, f"has arrived whole{where}, {told}")
    where = "on {node}" if found.at == "{node}" else f"from {{node}} on {found.at}"
    return Verdict(WatchState.DONE, f"has arrived whole {where}, {told}")


def _left(watch: Watch, found: Arrival) -> Verdict:
    if found.whole.in_bytes is None:
        why = f"was told to stop{_reached(watch)}; {found.at} has {found.size} of it, and how much "
        return Verdict(WatchState.UNKNOWN, why + "is all is not known", resumable=False)
    share = found.whole.in_bytes and round(100 * (_bytes(found.size) / found.whole.in_bytes))
    of_all = f"{share} %, " if share else ""
    more = f"An incomplete file ({of_all}{found.size} of {found.whole}) is left on {found.at}."
    return _stopped(watch, found, more, reached="")  # one figure, and that of what is there


def _bytes(size: Size | None) -> int:
    return (size and size.in_bytes) or 0


def _stopped(watch: Watch, found: Arrival, more: str, reached: str | None = None) -> Verdict:
    why = f"was stopped{_reached(watch) if reached is None else reached}"
    if found.is_own:  # what is an end for the transfer was wanted by who asked for the stop
        return Verdict(WatchState.DONE, f"on {{node}} {why}", more=more)
    return Verdict(WatchState.CANCELLED, why, by=watch.stopped_by, more=more)


def _still_running(watch: Watch, sight: Sight) -> Verdict:
    if watch.unsure:
        why = f"is still being transferred ({sight.status}); whether the stop arrived is not known"
        return Verdict(WatchState.UNKNOWN, why)
    return Verdict(WatchState.FAILED, f"goes on ({sight.status}), although it was told to stop")


def _patience(watch: Watch, now: datetime) -> timedelta:
    """Longer than the rest would have taken, at the pace that was seen."""
    if "percent" not in watch.about:
        return _UNTIMED
    left = Pace.seen(watch.about, int(watch.about["percent"]), now).left
    return _UNTIMED if left is None else min(max(2 * left, _SHORTEST), _LONGEST)


def _reached(watch: Watch) -> str:
    return f" at {watch.about['percent']} %" if watch.about.get("percent") else ""


def _moment(watch: Watch, name: str, otherwise: datetime) -> datetime:
    at = watch.about.get(name)
    return datetime.fromisoformat(at) if at else otherwise
