"""What a notification and a screen reader get of a message."""

from datetime import UTC, datetime

import pytest

from bot.ids import UserId
from bot.reply import (
    Actions,
    Button,
    CodeBlock,
    Fields,
    Note,
    Para,
    Reply,
    Row,
    Rows,
    bold,
    channel,
    emoji,
    line,
    mention,
    say,
    time,
)
from handlers.render import message


def test_the_text_says_all_that_a_card_does() -> None:
    card = Reply(
        say("Delete {machine}?", machine=bold("train-01")),
        (
            Para(
                line(emoji("raised_hand"), " ", say("Delete {machine}?", machine=bold("train-01")))
            ),
            Fields(((say("State"), line(emoji("x"), " running")), (say("Disk"), ()))),
            Para(line("All is lost.")),
            CodeBlock("a < b"),
            Actions((Button(say("Approve"), "a.b", "1"), Button(say("Deny"), "a.c", "1"))),
            Note(line("Requested by ", mention(UserId("U1")), " in ", channel("C1"))),
        ),
    )
    assert message(card).text == (
        "Delete train-01?\nState: running\nDisk: –\nAll is lost.\na &lt; b\n[Approve] [Deny]\n"
        "Requested by <@U1> in <#C1>"
    )


def test_chinese_is_spoken_with_its_own_marks_and_a_space_before_a_moment() -> None:
    card = Reply(
        "删除？",
        (
            Fields((("虚拟机", ("train-01",)), ("GPU", ("2",)))),
            Note(line("须在", time(datetime(2026, 12, 1, 1, 31, tzinfo=UTC)), " 之前确认")),
        ),
    )
    assert message(card).text == (
        "删除？\n虚拟机：train-01\nGPU：2\n须在 2026-12-01 01:31 UTC 之前确认"
    )


def test_a_summary_that_says_more_comes_first() -> None:
    rows = Rows((Row(line(emoji("x"), " one"), {}), Row(line("two"), {})))
    assert message(Reply("2 machines", (rows,))).text == "2 machines\none\ntwo"


@pytest.mark.timeout(30)
def test_a_word_that_stands_in_thousands_of_others_is_looked_for_once() -> None:
    parts = Para(("ab " * 50_000,)), Para(("ab " * 50_000 + "a",))
    said = [message(Reply("a " * 2_000, (part,))).text for part in parts]
    assert said[0].startswith("a a ")
    assert said[1].startswith("ab ab ")


def test_a_secret_is_in_no_notification() -> None:
    told = Reply("How to connect", (Para(line("Password: hunter2")),), sensitive=True)
    assert message(told).text == "How to connect"


def test_it_is_cut_between_names_and_never_within_one() -> None:
    people = line(*(mention(UserId(f"U{number:08}")) for number in range(1_000)))
    text = message(Reply.of(people)).text
    assert len(text) <= 4_000
    assert text.endswith(">…")


def test_nobody_is_called_by_a_text_that_looks_like_a_mention() -> None:
    assert message(Reply.of("<!channel> <@U1>")).text == "&lt;!channel&gt; &lt;@U1&gt;"
