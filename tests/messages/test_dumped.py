"""Replies as they are kept: what was just written is read as what was written."""

from datetime import UTC, datetime

import pytest

from bot.reply import Para, Reply, Row, Rows, bold, dump, line, load, say

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOLD = line(say("{machine} is running.", machine=bold("train-01")))


def test_what_was_just_written_is_not_made_anew() -> None:
    reply = Reply(TOLD, (Para(TOLD),))
    assert load(dump(reply)) is reply
    assert load(f" {dump(reply)}") == reply


@pytest.mark.parametrize(
    "reply",
    [
        Reply(TOLD, data={"seen_at": NOW}),
        Reply(TOLD, (Rows((Row(TOLD, {"seen_at": NOW}),)),)),
        Reply(TOLD, copy_of=("message", 1)),
        Reply(TOLD, older=("before", "1")),
    ],
)
def test_what_is_not_kept_as_it_is_reads_alike_in_every_process(reply: Reply) -> None:
    text = dump(reply)
    assert load(text) == load(f" {text}") != reply
