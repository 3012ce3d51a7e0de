"""The sentence that tells an end: for people with all of it, for the ledger without anybody."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.ids import ChannelId, ExecutionId, NodeId, TaskId, UserId
from bot.messages.cards import Subject, of_request
from bot.model import (
    Effect,
    Execution,
    ExecutionStatus,
    Goal,
    Noted,
    Place,
    Source,
    Watch,
    WatchState,
)
from bot.reply import Text, in_language, line, mention, plain, say, time
from bot.services.words import Words
from bot.watches.end_words import EndWords, end_words
from bot.watches.machine_ends import Verdict

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SUBJECT = Subject("train-01", TaskId("t"), "gpu1")
DONE, FAILED, UNKNOWN = ExecutionStatus.DONE, ExecutionStatus.FAILED, ExecutionStatus.UNKNOWN
TITLES = {"vm.start": "vm start", "vm.restart": "vm restart"}


def execution(command: str = "vm.start", actor: str = "U1") -> Execution:
    return Execution(
        ExecutionId("e"),
        "k",
        UserId(actor),
        Place(ChannelId("C1")),
        Source.SLASH,
        command,
        {},
        Effect.CHANGE,
        START,
    )


def told(
    found: Verdict,
    end: ExecutionStatus,
    about: Mapping[str, str] | None = None,
    took: timedelta | None = None,
    newer: Execution | None = None,
) -> EndWords:
    """How `vm start train-01` ended."""
    seen = Watch(
        "w",
        ExecutionId("e"),
        NodeId("n"),
        TaskId("t"),
        "train-01",
        Goal.RUNNING,
        UserId("U1"),
        Place(ChannelId("C1")),
        START,
        START,
        START,
        about=about or {},
    )

    def words(one: Execution) -> Words:
        return Words(
            say("{label} is starting on {node}"),
            say("{label} has started on {node}"),
            called=TITLES[one.command],
        )

    return end_words(seen, execution(), found, end, SUBJECT, took, newer, words)


def ok(why: Text = "", more: Text = "") -> Verdict:
    return Verdict(WatchState.DONE, why, more=more)


def test_what_is_done_says_itself_what_was_requested_and_how_long_it_took() -> None:
    end = told(ok(), DONE, took=timedelta(seconds=130))
    assert plain(end.sentence) == "train-01 has started on gpu1 (2 min 10 s)."
    assert (plain(end.record), end.below) == ("train-01 has started on gpu1.", ())
    assert in_language(end.sentence)[-1] == " (2 min 10 s)."


def test_what_was_seen_says_it_better_than_the_command() -> None:
    end = told(ok(say("{label} is running on {node}"), say("It is on {node}.")), DONE)
    assert plain(end.sentence) == "train-01 is running on gpu1. It is on gpu1."
    assert plain(end.record) == "train-01 is running on gpu1. It is on gpu1."


def test_what_the_node_got_twice_is_said_of_what_is_done_alone() -> None:
    about: dict[str, str] = {Noted.TWICE: "It came twice.", Noted.ANSWERED: "A gateway answered."}
    end = told(ok(more="It runs."), DONE, about)
    assert (
        plain(end.sentence)
        == plain(end.record)
        == ("train-01 has started on gpu1. It runs. It came twice.")
    )
    failed = told(Verdict(WatchState.FAILED, say("{target} is off again")), FAILED, about)
    assert plain(failed.sentence) == "“vm start” failed: train-01 on gpu1 is off again."


def test_who_answered_is_said_of_what_is_unknown_alone() -> None:
    about: dict[str, str] = {Noted.ANSWERED: "A gateway answered."}
    end = told(
        Verdict(WatchState.UNKNOWN, say("{target} is off"), more="So it is."), UNKNOWN, about
    )
    assert plain(end.sentence) == (
        "“vm start” has an unknown end: train-01 on gpu1 is off. So it is. A gateway answered."
    )
    assert plain(end.record) == "train-01 on gpu1 is off. So it is. A gateway answered."


def test_a_bad_end_names_its_command_how_long_it_took_and_whose_doing_it_was() -> None:
    found = Verdict(
        WatchState.CANCELLED, say("{target} was stopped"), by=UserId("U2"), more="Nothing is left."
    )
    end = told(found, ExecutionStatus.CANCELLED, took=timedelta(seconds=45))
    assert plain(end.sentence) == (
        "“vm start” was stopped: train-01 on gpu1 was stopped by @U2 (45 s). Nothing is left."
    )
    assert mention(UserId("U2")) in in_language(end.sentence)
    assert plain(end.record) == "train-01 on gpu1 was stopped. Nothing is left."


@pytest.mark.parametrize("started", [None, START + timedelta(minutes=5)])
def test_what_was_sent_after_it_is_told_with_who_sent_it_and_who_requested_this(
    started: datetime | None,
) -> None:
    newer = replace(execution("vm.restart", "U3"), started_at=started)
    found = Verdict(WatchState.UNKNOWN, say("{target} is off"))
    alone, end = told(found, UNKNOWN), told(found, UNKNOWN, newer=newer)
    assert alone.below == ()
    begun = time(started or START)
    assert plain(end.sentence) == plain(
        line(
            *alone.sentence,
            " ",
            mention(UserId("U3")),
            " sent “vm restart” after that, ",
            begun,
            ".",
        )
    )
    assert begun in in_language(end.sentence)
    assert end.record == alone.record
    assert [plain(note.text) for note in end.below] == ["Requested by @U1"]


def test_only_what_was_refused_is_said_to_be_so() -> None:
    said = {
        end: plain(of_request(line("Start train-01"), end, line("as it was.")))
        for end in ExecutionStatus
    }
    assert [end for end, words in said.items() if "refused" in words] == [ExecutionStatus.REFUSED]
    assert said[DONE] == "“Start train-01”: as it was."
