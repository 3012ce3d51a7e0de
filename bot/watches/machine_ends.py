"""What an observation of a machine means for a watch. Pure.

Sources: docs/dbc-api.md §4 (states, what is set when) and §8 (36, 37).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.dbc.models import Phase, phase_of, state_of
from bot.model import Deed, Goal, Watch, WatchState

# A command that got no answer may still be waiting in the node's queue. Past this it is told that
# nobody knows; looking goes on (`bot.watches.late`).
UNSURE_FOR = timedelta(minutes=2)

ABSENT = "absent"  # the node answered, and the machine is not there


@dataclass(frozen=True, slots=True)
class Verdict:
    """`state` is OPEN while there is nothing to say; `why` completes "<machine> …".

    `by` is whose doing it was, if that is known; `more` is a sentence to say after it. What is not
    `resumable` shows no more by looking longer. `in_doubt`: the command got no answer and shows no
    effect, and may still be carried out.
    """

    state: WatchState
    why: str = ""
    by: str = ""
    more: str = ""
    resumable: bool = True
    in_doubt: bool = False


WAIT = Verdict(WatchState.OPEN)


def has_moved(status: str) -> bool:
    """Whether the status is one that only a command in progress causes."""
    return phase_of(status) is Phase.BUSY


def verdict(watch: Watch, deed: Deed, status: str, now: datetime) -> Verdict:
    """How `watch` stands when its machine shows `status` (DBC's word, or ABSENT)."""
    if has_moved(status):
        return WAIT if now < watch.deadline_at else _late(status)
    settled = _GOALS[watch.goal](watch, deed, status, now)
    if settled is WAIT and now >= watch.deadline_at:
        return _late(status)
    return settled


def _late(status: str) -> Verdict:
    return Verdict(WatchState.UNKNOWN, f"is still “{state_of(status)}”; I have stopped looking")


def is_in_doubt(watch: Watch, deed: Deed, status: str) -> bool:
    """Whether `status` leaves it open that the command ever arrived."""
    if not watch.unsure or watch.moved:
        return False
    if deed.makes_machine and status != ABSENT:
        return False  # its id is our own: that it is there at all proves it
    return status != f"{deed.verb} error" or status == (watch.status or status)


def _doubt(watch: Watch, status: str, now: datetime) -> Verdict:
    if now - watch.started_at < UNSURE_FOR:
        return WAIT
    return Verdict(
        WatchState.UNKNOWN,
        f"is “{state_of(status)}”; whether the command arrived is not known, for it got no "
        "clear answer",
        in_doubt=True,
    )


def _to_running(watch: Watch, deed: Deed, status: str, now: datetime) -> Verdict:
    in_doubt = is_in_doubt(watch, deed, status)
    if status == "running":
        # Only a machine that was off, or did not exist, proves anything by running.
        if in_doubt and deed.logged is not None:
            return _doubt(watch, status, now)
        return Verdict(WatchState.DONE)
    if status == ABSENT:
        return _absent(watch, deed, now)
    if in_doubt:
        return _doubt(watch, status, now)
    if phase_of(status) is Phase.FAILED:
        return Verdict(WatchState.FAILED, f"is in state “{state_of(status)}”")
    if status in {"closed", "pmsuspend"} and watch.moved:
        return Verdict(WatchState.FAILED, f"is “{state_of(status)}” again")
    return _wait_a_little(watch, status, now)


def _absent(watch: Watch, deed: Deed, now: datetime) -> Verdict:
    """A machine that is to run is not there."""
    if not deed.makes_machine or watch.moved:
        return Verdict(WatchState.FAILED, "no longer exists")
    if now - watch.started_at < UNSURE_FOR:
        return WAIT
    if watch.unsure:
        why = "does not exist so far; it is unknown whether the command arrived, for it got no "
        return Verdict(WatchState.UNKNOWN, f"{why}clear answer", in_doubt=True)
    why = "does not exist, although the node accepted the command: the node has restarted since, "
    return Verdict(WatchState.FAILED, f"{why}or someone deleted it")


def _to_closed(watch: Watch, deed: Deed, status: str, now: datetime) -> Verdict:
    if status == "closed":
        return Verdict(WatchState.DONE)
    if status == ABSENT:
        return Verdict(WatchState.FAILED, "no longer exists")
    if is_in_doubt(watch, deed, status):
        return _doubt(watch, status, now)
    if phase_of(status) is Phase.FAILED:
        return Verdict(WatchState.FAILED, f"is in state “{state_of(status)}”")
    if watch.moved:
        return Verdict(WatchState.FAILED, f"is “{state_of(status)}” again")
    return _wait_a_little(watch, status, now)


def _to_gone(watch: Watch, deed: Deed, status: str, now: datetime) -> Verdict:
    if status == ABSENT:
        return Verdict(WatchState.DONE)
    if is_in_doubt(watch, deed, status):
        return _doubt(watch, status, now)
    return WAIT if not watch.moved else _wait_a_little(watch, status, now)


def _to_any_end(_watch: Watch, _deed: Deed, status: str, _now: datetime) -> Verdict:
    """Wherever the machine comes to rest; who started what is not known here."""
    if status == ABSENT:
        return Verdict(WatchState.DONE, "is gone")
    ends = {
        Phase.ON: "is running",
        Phase.OFF: "is off",
        Phase.ASLEEP: "is asleep",
        Phase.FAILED: f"is in state “{state_of(status)}”",
    }
    told = ends.get(phase_of(status))
    if told is None:
        return WAIT
    is_bad = phase_of(status) is Phase.FAILED
    return Verdict(WatchState.FAILED if is_bad else WatchState.DONE, told)


def _wait_a_little(watch: Watch, status: str, now: datetime) -> Verdict:
    """Accepted, yet in a state that should have passed: give it a moment, then say so."""
    if watch.unsure:  # it moved, by this command or by another
        return _doubt(watch, status, now)
    if now - watch.started_at < UNSURE_FOR:
        return WAIT
    why = f"is “{state_of(status)}”, although the node accepted the command"
    return Verdict(WatchState.UNKNOWN, why)


_GOALS = {
    Goal.RUNNING: _to_running,
    Goal.CLOSED: _to_closed,
    Goal.GONE: _to_gone,
    Goal.SETTLED: _to_any_end,
}
