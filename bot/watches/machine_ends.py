"""What an observation of a machine means for a watch. Pure.

Sources: docs/dbc-api.md §4 (states, what is set when) and §8 (36, 37).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.dbc.models import Phase, phase_of, said_state
from bot.ids import UserId
from bot.model import Deed, Goal, Watch, WatchState
from bot.reply import Text, Words, say

# A command that got no answer may still be waiting in the node's queue. Past this it is told that
# nobody knows; looking goes on (`bot.watches.late`).
UNSURE_FOR = timedelta(minutes=2)

GONE = say("{target} no longer exists")
ABSENT = "absent"  # the node answered, and the machine is not there


@dataclass(frozen=True, slots=True)
class Verdict:
    """`state` is OPEN while there is nothing to say; `why` is a sentence without its full stop.

    It names the machine as `{target}` or `{label}`, and `{node}` (`cards.under_way`). `by` is whose
    doing it was, if that is known; `more` are sentences to say after it. What is not `resumable`
    shows no more by looking longer. `in_doubt`: the command got no answer and shows no effect, and
    may still be carried out.
    """

    state: WatchState
    why: Text = ""
    by: UserId = UserId("")
    more: Words = ""
    resumable: bool = True
    in_doubt: bool = False

    @property
    def shows_nothing(self) -> bool:
        """Whether looking longer may show more."""
        return self.state in {WatchState.OPEN, WatchState.UNKNOWN} and self.resumable


WAIT = Verdict(WatchState.OPEN)


def has_moved(status: str) -> bool:
    """Whether the status is one that only a command in progress causes."""
    return phase_of(status) is Phase.BUSY


def verdict(
    watch: Watch, deed: Deed, status: str, now: datetime, *, is_contested: bool = False
) -> Verdict:
    """How `watch` stands when its machine shows `status` (DBC's word, or ABSENT).

    `is_contested`: that may come of another change of the machine (`bot.watches.observers.others`).
    """
    if has_moved(status) and is_contested:
        return _doubt(watch, status, now)
    if has_moved(status):
        return WAIT if now < watch.deadline_at else _late(status)
    if not is_reached(watch.goal, status):
        settled = _GOALS[watch.goal](watch, deed, status, now)
    elif _proves(watch, deed, status, is_contested=is_contested):
        return Verdict(WatchState.DONE)
    else:
        settled = _doubt(watch, status, now)
    if settled is WAIT and now >= watch.deadline_at:
        return _late(status)
    return settled


def is_reached(goal: Goal, status: str) -> bool:
    """Whether `status` is what the machine is followed to."""
    return status == _REACHED.get(goal)


def _proves(watch: Watch, deed: Deed, status: str, *, is_contested: bool) -> bool:
    """Whether the state that a command should lead to shows that it was carried out."""
    if watch.goal is Goal.GONE:
        return True  # nothing else removes a machine
    if is_contested:
        return False
    # Only a machine that was off proves anything by running: one that restarts did run before.
    return deed.logged is None or not is_in_doubt(watch, deed, status)


def _late(status: str) -> Verdict:
    why = say("{target} is still “{state}”; I have stopped looking", state=said_state(status))
    return Verdict(WatchState.UNKNOWN, why)


def is_in_doubt(watch: Watch, deed: Deed, status: str) -> bool:
    """Whether `status` leaves it open that the command was ever carried out."""
    if not watch.unsure or watch.moved:
        return False
    if deed.makes_machine and status != ABSENT:
        return False  # its id is our own: that it is there at all proves it
    return status != f"{deed.verb} error" or status == (watch.status or status)


def _doubt(watch: Watch, status: str, now: datetime) -> Verdict:
    if now - watch.started_at < UNSURE_FOR:
        return WAIT
    why = say(
        "{target} is “{state}”; it is unknown whether the command was carried out, for it got no "
        "clear answer",
        state=said_state(status),
    )
    return Verdict(WatchState.UNKNOWN, why, in_doubt=True)


def _failed(status: str) -> Verdict:
    why = say("{target} is in state “{state}”", state=said_state(status))
    return Verdict(WatchState.FAILED, why)


def _fell_back(status: str) -> Verdict:
    return Verdict(WatchState.FAILED, say("{target} is “{state}” again", state=said_state(status)))


def _to_running(watch: Watch, deed: Deed, status: str, now: datetime) -> Verdict:
    if status == ABSENT:
        return _absent(watch, deed, now)
    if is_in_doubt(watch, deed, status):
        return _doubt(watch, status, now)
    if phase_of(status) is Phase.FAILED:
        return _failed(status)
    if status in {"closed", "pmsuspend"} and watch.moved:
        return _fell_back(status)
    return _wait_a_little(watch, status, now)


def _absent(watch: Watch, deed: Deed, now: datetime) -> Verdict:
    """A machine that is to run is not there."""
    if not deed.makes_machine or watch.moved:
        return Verdict(WatchState.FAILED, GONE)
    if now - watch.started_at < UNSURE_FOR:
        return WAIT
    if watch.unsure:
        why = say("{target} does not exist so far; the command got no clear answer")
        return Verdict(WatchState.UNKNOWN, why, in_doubt=True)
    why = say(
        "{target} does not exist, although the node accepted the command: the node has restarted "
        "since, or someone deleted it"
    )
    return Verdict(WatchState.FAILED, why)


def _to_closed(watch: Watch, deed: Deed, status: str, now: datetime) -> Verdict:
    if status == ABSENT:
        return Verdict(WatchState.FAILED, GONE)
    if is_in_doubt(watch, deed, status):
        return _doubt(watch, status, now)
    if phase_of(status) is Phase.FAILED:
        return _failed(status)
    if watch.moved:
        return _fell_back(status)
    return _wait_a_little(watch, status, now)


def _to_gone(watch: Watch, deed: Deed, status: str, now: datetime) -> Verdict:
    if is_in_doubt(watch, deed, status):
        return _doubt(watch, status, now)
    return WAIT if not watch.moved else _wait_a_little(watch, status, now)


def _to_any_end(_watch: Watch, _deed: Deed, status: str, _now: datetime) -> Verdict:
    """Wherever the machine comes to rest; nobody here knows who started what."""
    if status == ABSENT:
        return Verdict(WatchState.DONE, say("{label} is gone from {node}"))
    phase = phase_of(status)
    if phase is Phase.FAILED:
        return _failed(status)
    told = _RESTS.get(phase)
    return WAIT if told is None else Verdict(WatchState.DONE, told)


_RESTS = {
    Phase.ON: say("{label} is running on {node}"),
    Phase.OFF: say("{label} is off on {node}"),
    Phase.ASLEEP: say("{label} is asleep on {node}"),
}


def _wait_a_little(watch: Watch, status: str, now: datetime) -> Verdict:
    """Accepted, yet in a state that should have passed: give it a moment, then say so."""
    if watch.unsure:  # it moved, by this command or by another
        return _doubt(watch, status, now)
    if now - watch.started_at < UNSURE_FOR:
        return WAIT
    why = say(
        "{target} is “{state}”, although the node accepted the command", state=said_state(status)
    )
    return Verdict(WatchState.UNKNOWN, why)


_REACHED = {Goal.RUNNING: "running", Goal.CLOSED: "closed", Goal.GONE: ABSENT}
_GOALS = {
    Goal.RUNNING: _to_running,
    Goal.CLOSED: _to_closed,
    Goal.GONE: _to_gone,
    Goal.SETTLED: _to_any_end,
}
