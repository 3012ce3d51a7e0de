"""What is left of an end as people and channels want it."""

from datetime import UTC, datetime

import pytest

from bot.ids import UserId
from bot.messages.cards import announcement
from bot.messages.wishes import Wishes
from bot.model import ExecutionStatus, Notify, QuietHours
from bot.reply import Reply, line, mentioned
from tests.storage.samples import execution

ME = UserId("U1")


def end(status: ExecutionStatus) -> Reply:
    return announcement(execution(actor=ME), status, line("train-01 ended."))


@pytest.mark.parametrize("person", Notify)
@pytest.mark.parametrize("channel", Notify)
def test_an_unknown_end_calls_the_requester_whatever_was_chosen(
    person: Notify, channel: Notify
) -> None:
    told = end(ExecutionStatus.UNKNOWN)
    want = Wishes(person, channel).told(told, is_news=False, in_thread=False)
    assert ME in mentioned(want)
    assert want.broadcast


@pytest.mark.parametrize(
    ("person", "channel", "status", "is_called", "is_broadcast"),
    [
        (Notify.ALL, Notify.ALL, ExecutionStatus.DONE, True, True),
        (Notify.ENDS, Notify.ENDS, ExecutionStatus.DONE, True, True),
        (Notify.FAILURES, Notify.ALL, ExecutionStatus.DONE, False, True),
        (Notify.FAILURES, Notify.ALL, ExecutionStatus.FAILED, True, True),
        (Notify.ALL, Notify.FAILURES, ExecutionStatus.DONE, True, False),
        (Notify.SILENT, Notify.ALL, ExecutionStatus.FAILED, False, True),
        (Notify.ALL, Notify.SILENT, ExecutionStatus.DONE, False, True),
    ],
)
def test_what_is_chosen_counts(
    person: Notify,
    channel: Notify,
    status: ExecutionStatus,
    *,
    is_called: bool,
    is_broadcast: bool,
) -> None:
    want = Wishes(person, channel).told(end(status), is_news=True, in_thread=False)
    assert (ME in mentioned(want), want.broadcast) == (is_called, is_broadcast)


def test_what_was_requested_in_a_thread_stays_there() -> None:
    told = end(ExecutionStatus.FAILED)
    want = Wishes(Notify.ALL, Notify.ALL).told(told, is_news=True, in_thread=True)
    assert not want.broadcast


def test_a_persons_quiet_hours_hold_back_only_what_others_do_not_read() -> None:
    own, channels = (QuietHours.read(text) for text in ("22:00-06:00", "23:00-07:00"))
    want = Wishes(Notify.ALL, Notify.ALL, own, channels)
    now = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    done, failed = end(ExecutionStatus.DONE), end(ExecutionStatus.FAILED)
    six, seven = (datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (6, 7))
    assert want.held_until(done, now, is_channel=True) == seven
    assert want.held_until(done, now, is_channel=False) == six
    assert want.held_until(failed, now, is_channel=True) is None
    assert (want.called_at(done, now), want.called_at(done, seven)) == (six, None)
    assert want.called_at(failed, now) is None
