"""Replies to blocks: literal text stays literal, and nothing exceeds Slack's limits."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bot.ids import UserId
from bot.reply import (
    Actions,
    Button,
    CodeBlock,
    Divider,
    Fields,
    Heading,
    Note,
    Para,
    Reply,
    Row,
    Rows,
    Span,
    bold,
    channel,
    code,
    emoji,
    italic,
    line,
    mention,
    plain,
    time,
)
from handlers.mrkdwn import cut
from handlers.render import MESSAGE_BLOCKS, MESSAGE_CHARACTERS, message, view_blocks
from sandbox.slack.blocks import MESSAGE, MODAL, check_blocks

AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def only(reply: Reply) -> dict[str, Any]:
    (block,) = message(reply).blocks
    return block


def mrkdwn(*pieces: Any) -> str:
    return str(only(Reply.of(*pieces))["text"]["text"])


def test_a_card(snapshot: Any) -> None:
    card = Reply(
        "alice wants to delete train-1 & more",
        (
            Heading("Delete train-1?"),
            Para(
                line(
                    mention(UserId("U1")),
                    " wants to delete ",
                    bold("train-1"),
                    " on ",
                    code("gpu1"),
                )
            ),
            Fields((("Status", (emoji("large_green_circle"), " running")), ("Disk", ("20 GB",)))),
            Divider(),
            CodeBlock("<!channel> `x`\nsecond"),
            Note(line("Until ", time(AT), " in ", channel("C1"))),
            Actions(
                (Button("Approve", "approval.approve", "7", "danger"), Button("No", "a.no", "7"))
            ),
        ),
    )
    assert message(card) == snapshot


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (("a <!channel> & b",), "a &lt;!channel&gt; &amp; b"),
        ((bold("a<b"), " c"), "*a&lt;b* c"),
        (("x", bold("y"), "z"), "x\u200b*y*\u200bz"),
        ((italic("a"), bold("b")), "_a_\u200b\u200b*b*"),
        ((mention(UserId("U123")),), "<@U123>"),
        ((mention(UserId("U1> <!channel")),), "@U1&gt; &lt;!channel"),
        ((channel("nonsense"),), "#nonsense"),
        (
            (Span("docs", "link", url="https://x.org/?a=1&b=2"),),
            "<https://x.org/?a=1&amp;b=2|docs>",
        ),
        ((Span("a|b", "link", url="https://x.org"),), "<https://x.org|a¦b>"),
        ((Span("docs", "link", url="javascript:x"),), "docs"),
        ((time(AT),), "<!date^1767605400^{date_short_pretty} {time}|2026-01-05 09:30 UTC>"),
        ((Span("", "ago", at=AT),), "<!date^1767605400^{ago}|2026-01-05 09:30 UTC>"),
        ((emoji("x"),), ":x:"),
        (("gpu_node_1 is 2*3",), "gpu_node_1 is 2*3"),
        ((": ", bold("gpu1"), "s"), ": *gpu1*\u200bs"),
        ((mention(UserId("a\nb")),), "@a\nb"),
        ((Span("a\nb", "link", url="https://x.org"),), "<https://x.org|a b>"),
    ],
)
def test_a_line_in_mrkdwn(pieces: Any, shown: str) -> None:
    assert mrkdwn(*pieces) == shown


@pytest.mark.parametrize(
    "text", ["*bold*", "_it_", "~no~", "`code`", "a :tada: b", "> quote", "see *this"]
)
def test_text_that_slack_would_format_is_shown_literally(text: str) -> None:
    block = only(Reply.of("got ", text))
    assert block["type"] == "rich_text"
    (section,) = block["elements"]
    assert "".join(element["text"] for element in section["elements"]) == f"got {text}"


def test_code_with_backticks_is_still_code() -> None:
    block = only(Reply.of("run ", code("a `b` c")))
    assert block["elements"][0]["elements"][1] == {
        "type": "text",
        "text": "a `b` c",
        "style": {"code": True},
    }


def test_a_risky_line_keeps_its_mentions_dates_and_emoji() -> None:
    docs, bare = (Span(text, "link", url="https://x.org") for text in ("docs", ""))
    dates = time(AT), Span("", "ago", at=AT)
    shown = (
        mention(UserId("U1")),
        " *x* ",
        *dates,
        emoji("x"),
        channel("C1"),
        docs,
        bare,
        mention(UserId("bob")),
    )
    [section] = only(Reply.of(*shown))["elements"]
    at = {"type": "date", "timestamp": 1767605400, "fallback": "2026-01-05 09:30 UTC"}
    assert section["elements"] == [
        {"type": "user", "user_id": "U1"},
        {"type": "text", "text": " *x* "},
        at | {"format": "{date_short_pretty} {time}"},
        at | {"format": "{ago}"},
        {"type": "emoji", "name": "x"},
        {"type": "channel", "channel_id": "C1"},
        {"type": "link", "url": "https://x.org", "text": "docs"},
        {"type": "link", "url": "https://x.org", "text": "https://x.org"},
        {"type": "text", "text": "@bob"},
    ]


def test_a_note_that_slack_would_format_is_plain_text() -> None:
    block = only(Reply("s", (Note(("*not bold*",)),)))
    assert block["elements"] == [{"type": "plain_text", "text": "*not bold*", "emoji": False}]


# As Slack reads mrkdwn: an opening marker at a word's edge, an emoji's name, a quote.
FORMATTED = re.compile(
    r"(?:^|[\s(“\"'.,;:!?/-])[*_~`]\S|:[a-z0-9_+'-]+:|^\s*(?:&gt;|>)", re.MULTILINE
)


@pytest.mark.parametrize(
    "text",
    ["*bold*", "_it_", "~no~", "`code`", "a :tada: b", "> quote", "see *this", "(_so_)", "a\n> b"],
)
@pytest.mark.parametrize("put", [Note, lambda told: Fields((("Reason", told),))])
def test_beside_a_mention_no_text_is_formatted_either(put: Any, text: str) -> None:
    blocks = message(Reply("s", (put(line(text, " by ", mention(UserId("U1")))),))).blocks
    [shown] = mrkdwn_texts(blocks)
    told = shown.removeprefix("*Reason*\n").replace("<@U1>", "")
    assert FORMATTED.search(told) is None
    assert html.unescape(told.replace("\u2060", "")) == f"{text} by "


def test_what_no_mark_can_span_is_shown_without_it() -> None:
    block = only(Reply("s", (Note(line(bold("a\nb"), code("`"), mention(UserId("U1")))),)))
    assert block["elements"][0]["text"] == "a\nb\u2060`\u2060<@U1>"


def test_a_text_is_cut_only_where_it_is_too_long() -> None:
    assert [cut("abcd", limit) for limit in (5, 4, 3)] == ["abcd", "abcd", "ab…"]


def test_long_text_is_split_at_line_ends() -> None:
    text = "\n".join(f"line {number} of many" for number in range(400))
    blocks = message(Reply.of(text)).blocks
    assert len(blocks) > 1
    assert "\n".join(block["text"]["text"] for block in blocks) == text


def said_in(block: dict[str, Any]) -> str:
    if block["type"] == "section":
        return str(block["text"]["text"])
    return "".join(piece["text"] for one in block["elements"] for piece in one["elements"])


@pytest.mark.parametrize("word", ["free", "*free*"])
def test_a_list_is_split_between_its_rows_only(word: str) -> None:
    rows = [line("• ", bold(f"gpu{n}"), f" has {word} ", code(f"id-{n}")) for n in range(200)]
    told = line(*(piece for row in rows for piece in ("\n", row)))[1:]
    blocks = message(Reply("Nodes", (Para(told),))).blocks
    shown = [said_in(block) for block in blocks if block["type"] != "context"]
    assert len(shown) > 1
    for text in shown:
        assert text.startswith("• ")
        assert re.search(r"id-\d+`?$", text)
    assert sum(text.count("• ") for text in shown) > 30


def test_what_does_not_fit_is_counted_and_the_buttons_stay() -> None:
    log = CodeBlock("\n".join(f"line {number}" for number in range(5000)))
    buttons = Actions((Button("More", "vm.logs", "1"),))
    blocks = message(Reply("log", (log, buttons))).blocks
    assert blocks[-1]["type"] == "actions"
    note = blocks[-2]["elements"][0]["text"]
    shown = sum(
        1 + block["elements"][0]["elements"][0]["text"].count("\n") for block in blocks[:-2]
    )
    assert note == f"… {5000 - shown} more lines"


def test_buttons_of_several_rows_have_distinct_ids() -> None:
    rows = tuple(Actions((Button("Go", "vm.start", str(n)),)) for n in range(3))
    blocks = message(Reply("s", rows)).blocks
    ids = [element["action_id"] for block in blocks for element in block["elements"]]
    assert ids == ["vm.start:0", "vm.start:1", "vm.start:2"]


def test_the_fallback_is_escaped_and_short_and_never_cut_inside_an_entity() -> None:
    text = message(Reply("<" * 3000)).text
    assert len(text) <= 4000
    assert text.replace("&lt;", "").strip("…") == ""


def test_nothing_to_show_is_still_a_message() -> None:
    rendered = message(Reply("", (Para(("",)), CodeBlock(" "), Fields(()), Heading(" "))))
    assert rendered.text
    assert rendered.blocks == []


TEXT = st.text(st.characters(codec="utf-8"), max_size=300) | st.sampled_from(
    [
        "<!channel>",
        "<@U1>",
        "x" * 7000,
        "&" * 3000,
        "*" * 300,
        "`",
        "```",
        ":tada:" * 900,
        "\n" * 50,
        "a\n" * 2000,
    ]
)
SPAN = st.builds(
    Span,
    TEXT | st.just("U123"),
    st.sampled_from(
        ["bold", "italic", "code", "mention", "channel", "time", "ago", "link", "emoji"]
    ),
    url=TEXT | st.just("https://x.org/a?b"),
    at=st.none() | st.just(AT),
)
LINE = st.lists(TEXT | SPAN, max_size=5).map(tuple)
PART = (
    st.builds(Para, LINE)
    | st.builds(Note, LINE)
    | st.builds(Heading, TEXT)
    | st.builds(CodeBlock, TEXT)
    | st.builds(Fields, st.lists(st.tuples(TEXT, LINE), max_size=14).map(tuple))
    | st.just(Divider())
    | st.builds(
        Actions,
        st.lists(
            st.builds(Button, TEXT, st.just("vm.start"), st.text("abc", max_size=9)), max_size=30
        ).map(tuple),
    )
)
REPLY = st.builds(Reply, TEXT, st.lists(PART, max_size=70).map(tuple))


def mrkdwn_texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        for entry in value.values():
            yield from mrkdwn_texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from mrkdwn_texts(entry)


@settings(max_examples=80)
@given(REPLY)
def test_any_reply_is_a_message_that_slack_takes(reply: Reply) -> None:
    rendered = message(reply)
    assert 1 <= len(rendered.text) <= 4000
    assert len(rendered.blocks) <= MESSAGE_BLOCKS
    assert len(json.dumps(rendered.blocks, ensure_ascii=False)) <= MESSAGE_CHARACTERS
    assert check_blocks(rendered.blocks, MESSAGE) == []
    for block in Block.parse_all(rendered.blocks):
        block.validate_json()
    assert check_blocks(view_blocks(reply.parts), MODAL) == []


@settings(max_examples=150)
@given(st.lists(TEXT, min_size=1, max_size=3).map(tuple), st.sampled_from([Para, Note]))
def test_no_text_can_ping_or_format(texts: Any, kind: Any) -> None:
    for shown in mrkdwn_texts(message(Reply("s", (kind(texts),))).blocks):
        assert "<" not in shown
        assert ">" not in shown
        assert shown.count("&") == sum(shown.count(entity) for entity in ("&amp;", "&lt;", "&gt;"))


def test_rows_shown_again_elsewhere_and_otherwise_are_shown_as_they_are_now() -> None:
    def listed(*rows: Row) -> Any:
        return message(Reply("machines", (Rows(rows),)))

    def menus(shown: Any) -> list[tuple[str, list[str]]]:
        return [
            (
                block["accessory"]["action_id"],
                [one["value"] for one in block["accessory"]["options"]],
            )
            for block in shown.blocks
        ]

    show, start = (Button(word.title(), f"machine.{word}", "1") for word in ("show", "start"))
    first, second = Row(line("train-1"), {}, (show,)), Row(line("train-2"), {}, (show,))
    for rows in ((first, second), (second, first), (first, second)):
        shown = listed(*rows)
        assert shown.text.splitlines()[1:] == [plain(row.text) for row in rows]
        assert [block["text"]["text"] for block in shown.blocks] == shown.text.splitlines()[1:]
        assert [action for action, _ in menus(shown)] == ["menu.choose:0", "menu.choose:1"]
    off = replace(first, menu=(show, start))
    assert menus(listed(off)) == [("menu.choose:0", ["machine.show|1", "machine.start|1"])]
    assert listed(replace(first, text=line("train-9"))).text == "machines\ntrain-9"
