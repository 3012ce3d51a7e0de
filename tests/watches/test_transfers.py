"""What the lists mean for a transfer that has ended: which size, since when, and before it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.dbc.sizes import Size
from bot.ids import ChannelId, ExecutionId, NodeId, TaskId, UserId
from bot.model import Goal, Place, Watch, WatchState
from bot.watches.machine_ends import UNSURE_FOR, WAIT, Verdict
from bot.watches.observers.stops import Arrival, after_stop
from bot.watches.observers.transfers import never_seen, of_download, of_upload, unreachable
from tests.watches.words import more_of, seen_of

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SETTLED = timedelta(seconds=15)
OPEN, DONE, FAILED, UNKNOWN, *_ = WatchState


def watch(*, unsure: bool = False, moved: bool = True, stopped_by: str = "", **about: Any) -> Watch:
    known = {"image": "a.qcow2", "server": "hub", "ended_at": START.isoformat(), **about}
    return Watch(
        "w",
        ExecutionId("e"),
        NodeId("n"),
        TaskId("t"),
        "a.qcow2",
        Goal.DOWNLOADED,
        UserId("U1"),
        Place(ChannelId("C1")),
        START,
        START + 60 * MINUTE,
        START,
        unsure=unsure,
        moved=moved,
        stopped_by=UserId(stopped_by),
        about=known,
    )


def size(text: str | None) -> Size | None:
    return None if text is None else Size.parse(text)


def downloaded(
    one: Watch, here: str | None, there: str, after: timedelta, patience: timedelta = SETTLED
) -> Verdict:
    return of_download(one, size(here), Size.parse(there), START + after, patience)


def uploaded(
    one: Watch, there: str | None, after: timedelta, *, is_silent: bool = False
) -> Verdict:
    return of_upload(one, size(there), START + after, is_silent=is_silent)


@pytest.mark.parametrize(
    ("before", "here", "after", "state", "why"),
    [
        ("", "18G", SECOND, DONE, "was downloaded to {node}: 18G, as on hub"),
        ("4G", "18G", SECOND, DONE, "was downloaded to"),
        ("18G", "18G", SECOND, OPEN, ""),  # the one that was there proves nothing
        ("18G", "18G", SETTLED, UNKNOWN, "of this name and size before"),
        ("", "9G", SETTLED - SECOND, OPEN, ""),  # a list may be behind
        ("", "9G", SETTLED, FAILED, "was downloaded only in part: 9G instead of 18G"),
        ("", None, SETTLED - SECOND, OPEN, ""),
        ("", None, SETTLED, FAILED, "was not downloaded: the transfer failed"),
    ],
)
def test_a_download_is_proved_by_a_size_that_was_not_there_before(
    before: str, here: str | None, after: timedelta, state: WatchState, why: str
) -> None:
    found = downloaded(watch(before=before), here, "18G", after)
    assert found.state is state
    assert why in seen_of(found)


def test_a_node_that_may_be_misled_about_the_size_is_given_longer() -> None:
    one = watch()
    assert downloaded(one, "9G", "18G", 29 * MINUTE, 30 * MINUTE) is WAIT
    assert downloaded(one, "9G", "18G", 30 * MINUTE, 30 * MINUTE).state is FAILED


def test_what_no_server_lists_is_neither_whole_nor_broken_off() -> None:
    found = downloaded(watch(), "18G", "", SETTLED)
    assert (found.state, "does not list it" in seen_of(found)) == (UNKNOWN, True)
    hidden = downloaded(watch(image="data.qcow2"), None, "18G", SETTLED)
    assert (hidden.state, hidden.resumable) == (UNKNOWN, False)


def test_without_an_answer_and_unseen_it_is_in_doubt_and_nothing_else() -> None:
    one = watch(unsure=True, moved=False)
    for found in (
        downloaded(one, None, "18G", UNSURE_FOR),
        uploaded(one, None, UNSURE_FOR),
        never_seen(one, START + UNSURE_FOR),
    ):
        assert found is not None
        assert (found.state, found.in_doubt) == (UNKNOWN, True)
    assert downloaded(one, None, "18G", UNSURE_FOR - SECOND) is WAIT
    assert uploaded(one, None, UNSURE_FOR - SECOND) is WAIT
    assert never_seen(watch(unsure=True, moved=True), START + UNSURE_FOR) is None
    assert never_seen(watch(unsure=False, moved=False), START + UNSURE_FOR) is None


@pytest.mark.parametrize(
    ("about", "there", "after", "state", "why"),
    [
        (
            {"there": "18G"},
            "18G",
            SECOND,
            DONE,
            "uploaded from {node} to hub: 18G, as on the node",
        ),
        ({"there": ""}, "18G", SECOND, OPEN, ""),  # it may still grow, and is rounded
        ({"there": "17.9G"}, "18G", SECOND, OPEN, ""),
        ({"there": "18G", "before": "18G"}, "18G", SECOND, OPEN, ""),
        ({"there": "18G", "before": "18G"}, "18G", SETTLED, UNKNOWN, "its list proves nothing"),
        ({"there": "9G"}, "9G", SETTLED - SECOND, OPEN, ""),
        (
            {"there": "9G"},
            "9G",
            SETTLED,
            FAILED,
            "to hub only in part: 9G instead of 18G",
        ),
        ({"before": "9G"}, "9G", SETTLED, FAILED, "has not replaced the one on hub"),
        ({}, None, SETTLED, FAILED, "is not on hub"),
        ({"size": ""}, "9G", SETTLED, UNKNOWN, "the node does not list its own copy"),
    ],
)
def test_an_upload_is_proved_by_a_size_that_stays_and_was_not_there_before(
    about: dict[str, Any], there: str | None, after: timedelta, state: WatchState, why: str
) -> None:
    found = uploaded(watch(**{"path": "/data/a.qcow2", "size": "18G", **about}), there, after)
    assert found.state is state
    assert why in seen_of(found)


def test_a_server_that_lists_nothing_at_all_proves_nothing() -> None:
    one = watch(path="/data/a.qcow2", size="18G")
    assert uploaded(one, None, UNSURE_FOR - SECOND, is_silent=True) is WAIT
    found = uploaded(one, None, UNSURE_FOR, is_silent=True)
    assert (found.state, "hub lists nothing at all" in seen_of(found)) == (UNKNOWN, True)
    assert unreachable(one, "hub", START + UNSURE_FOR).state is UNKNOWN


# A stop


def stopped(after: timedelta, now_there: str | None, **about: str) -> Verdict:
    """What is believed of a stop, so long after the node reports the transfer no longer."""
    moments: dict[str, Any] = {"stopped_at": START.isoformat(), "left_since": START.isoformat()}
    one = watch(stopped_by="U2", **{**moments, "left": now_there or "", **about})
    found = Arrival("{node}", size(now_there), Size.parse("18G"), Size.parse(""))
    return after_stop(one, found, START + after).verdict


def test_a_part_is_left_only_where_it_grows_no_more() -> None:
    assert stopped(59 * SECOND, "9G") is WAIT
    left = stopped(MINUTE, "9G")
    assert (left.state, left.by) == (WatchState.CANCELLED, "U2")
    assert "An incomplete file (50 %, 9G of 18G) is left on {node}." in more_of(left)
    assert stopped(MINUTE, "9G", left="8G") is WAIT  # it has grown since the last look
    assert stopped(MINUTE, "9G", left_since=(START + SECOND).isoformat()) is WAIT


def test_that_nothing_is_left_is_believed_once_the_rest_could_have_come() -> None:
    assert stopped(30 * MINUTE - SECOND, None) is WAIT  # never seen to move
    gone = stopped(30 * MINUTE, None)
    assert (gone.state, "Nothing of it is on {node}." in more_of(gone)) == (
        WatchState.CANCELLED,
        True,
    )


def test_what_arrives_although_it_was_told_to_stop_has_arrived() -> None:
    assert stopped(SECOND, "18G").state is DONE
