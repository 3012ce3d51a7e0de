"""What becomes of a reply at Slack's limits: exactly as much as fits, and a word about the rest."""

from typing import Any

import pytest

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
    Part,
    Reply,
    Row,
    Rows,
    bold,
    code,
    line,
    mention,
)
from bot.reply.languages import catalogue
from handlers.render import FIELD, MESSAGE_BLOCKS, SECTION, fit, message, plain_text, view_blocks


def blocks_of(*parts: Part) -> list[dict[str, Any]]:
    return message(Reply("s", parts)).blocks


def texts_of(*parts: Part) -> list[str]:
    return [block["text"]["text"] for block in blocks_of(*parts)]


def paras(number: int) -> list[Part]:
    return [Para(line(f"row {position}")) for position in range(number)]


def note_of(blocks: list[dict[str, Any]]) -> str:
    [note] = [block for block in blocks if block["type"] == "context"]
    return str(note["elements"][0]["text"])


def test_as_many_blocks_as_a_message_may_have_are_all_shown() -> None:
    shown = blocks_of(*paras(MESSAGE_BLOCKS))
    assert [block["type"] for block in shown] == ["section"] * MESSAGE_BLOCKS


def test_one_block_more_is_left_out_with_the_one_whose_place_the_note_takes() -> None:
    shown = blocks_of(*paras(MESSAGE_BLOCKS + 1))
    assert len(shown) == MESSAGE_BLOCKS
    assert note_of(shown) == "… 2 more lines"


@pytest.mark.parametrize(("rows", "kept"), [(1, 1), (5, 5), (6, 5)])
def test_at_most_five_rows_of_buttons_stay_below(rows: int, kept: int) -> None:
    buttons = [Actions((Button("Go", "vm.start", str(n)),)) for n in range(rows)]
    shown = blocks_of(*paras(60), *buttons)
    assert len(shown) == MESSAGE_BLOCKS
    tail = [block["type"] for block in shown][-kept:]
    assert tail == ["actions"] * kept
    assert [block["type"] for block in shown].count("actions") == kept
    values = [block["elements"][0]["value"] for block in shown[-kept:]]
    assert values == [str(n) for n in range(rows)][-kept:]


def test_what_is_too_long_is_left_out_and_each_kind_of_block_counts_its_lines() -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "a\nb\nc"}}
    fields = {"type": "section", "fields": [{"text": "1"}, {"text": "2"}]}
    piece = {"elements": [{"text": "a\nb"}, {"text": "c"}, {"type": "user"}]}
    rich = {"type": "rich_text", "elements": [piece, piece]}
    header: dict[str, Any] = {"type": "header"}
    divider = {"type": "divider"}
    everything: list[dict[str, Any]] = [block, fields, rich, header, divider]
    [note] = fit(everything, 50, 1)
    assert note["elements"][0]["text"] == "… 10 more lines"
    assert fit(everything, 5, 10_000) == everything
    assert fit([header], 0, 10_000)[0]["elements"][0]["text"] == "… 1 more line"


def test_the_note_and_the_buttons_have_their_room_within_the_limit() -> None:
    log = [Para(line("x" * 2_900)) for _ in range(5)]
    *shown, note = blocks_of(*log)
    assert [len(block["text"]["text"]) for block in shown] == [2_900] * 3
    assert note_of([note]) == "… 2 more lines"
    assert len(view_blocks(log)) == 5


def test_what_stays_has_room_beside_the_buttons_and_the_note() -> None:
    text = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 400}}
    buttons = {"type": "actions", "elements": [{"value": "v" * 300}]}
    shown = fit([text, text, buttons], 50, 1_000)
    assert [block["type"] for block in shown] == ["context", "actions"]
    shown = fit([text, text, buttons], 50, 1_100)
    assert [block["type"] for block in shown] == ["section", "context", "actions"]


def test_the_note_is_in_the_readers_language() -> None:
    header: dict[str, Any] = {"type": "header"}
    [note] = fit([header], 0, 10_000, catalogue("zh"))
    assert "行" in note["elements"][0]["text"]


@pytest.mark.parametrize(("end", "last"), [("\n", ""), ("tail\n", "tail")])
def test_a_section_that_is_continued_does_not_end_with_a_break(end: str, last: str) -> None:
    long = Para(line("*x* " * 250, mention(UserId("U1")), end, "*b* " * (SECTION // 4)))
    first, second, *_ = (block["elements"][0]["elements"] for block in blocks_of(long))
    assert [piece["type"] for piece in first] == ["text", "user", *(["text"] if last else [])]
    assert first[-1].get("text", "") == last
    assert second[0]["text"].startswith("*b* ")


def test_a_line_that_is_too_long_is_cut_also_where_another_one_follows() -> None:
    shown = texts_of(Para(line("a" * 2_000, "b" * 2_000, "\n", "c")))
    assert [len(text) <= SECTION for text in shown] == [True, True]
    assert "".join(shown).replace("\n", "") == "a" * 2_000 + "b" * 2_000 + "c"


def test_a_list_below_its_head_and_a_rule() -> None:
    rows = Rows((Row(line("one"), {}), Row(line("two"), {})), line(bold("All")))
    assert blocks_of(rows, Divider())[1] == {"type": "divider"}
    assert texts_of(rows) == ["*All*\none\ntwo"]


@pytest.mark.parametrize("number", [10, 11, 20, 21])
def test_fields_stand_in_sections_of_ten(number: int) -> None:
    pairs = tuple((f"F{n}", line(str(n))) for n in range(number))
    counts = [len(block["fields"]) for block in blocks_of(Fields(pairs))]
    assert counts == [10] * (number // 10) + ([number % 10] if number % 10 else [])


@pytest.mark.parametrize(
    ("label", "value", "shown"),
    [
        ("Status", line("running"), "*Status*\nrunning"),
        ("Status", line(), "*Status*\n–"),
        (" ", line("running"), "running"),
        ("L" * 80, line("x"), f"*{'L' * 74}…*\nx"),
        ("Id", line(code("7a9Q")), "*Id*\n`7a9Q`"),
    ],
)
def test_a_field_is_its_label_over_its_value(label: str, value: Any, shown: str) -> None:
    [block] = blocks_of(Fields(((label, value),)))
    assert block["fields"] == [{"type": "mrkdwn", "text": shown, "verbatim": True}]


def test_a_field_that_slack_would_format_is_plain_text() -> None:
    [block] = blocks_of(Fields((("Reason", line("*so*")), ("*Odd*", line()))))
    literal = {"type": "plain_text", "emoji": False}
    assert block["fields"] == [
        literal | {"text": "Reason\n*so*"},
        literal | {"text": "*Odd*\n–"},
    ]


def test_a_field_is_cut_where_slack_would_refuse_it() -> None:
    [block] = blocks_of(Fields((("Label", line("x" * 1_750, bold("y" * 236), "tail")),)))
    head = "*Label*\n"
    shown = f"{head}{'x' * 1_750}\u200b*{'y' * 236}*"
    assert len(shown) < FIELD < len(shown) + len("\u200btail")
    assert block["fields"][0]["text"] == shown + "\u200b"


@pytest.mark.parametrize(("length", "sections"), [(3_000, 1), (3_001, 2), (6_000, 2)])
def test_a_line_is_cut_only_where_it_is_longer_than_a_section(length: int, sections: int) -> None:
    texts = texts_of(Para(line("x" * length)))
    assert [len(text) for text in texts] == [3_000] * (length // 3_000) + (
        [length % 3_000] if length % 3_000 else []
    )
    assert len(texts) == sections


def test_lines_that_fit_together_stay_together_and_a_break_between_is_left_out() -> None:
    whole = f"{'a' * 1_499}\n{'b' * 1_499}\n"
    assert len(whole) == SECTION
    assert texts_of(Para(line(f"{whole}{'c' * 10}"))) == [whole.rstrip(), "c" * 10]
    assert texts_of(Para(line(f"{whole[:-2]}\n{'c' * 10}"))) == [whole[:-2], "c" * 10]


def test_pieces_of_a_line_stay_in_one_section_where_they_fit() -> None:
    first, row = "a" * 2_000, line(bold("b" * 240), " and ", bold("c" * 240), " " * 4, "d" * 600)
    texts = texts_of(Para(line(first, "\n", row)))
    assert texts == [first, f"*{'b' * 240}* and *{'c' * 240}*    {'d' * 600}"]


def test_a_rich_text_is_parted_between_its_lines() -> None:
    rows = [line("*x* " + "r" * 1_000, "\n") for _ in range(3)]
    blocks = blocks_of(Para(line(*rows)))
    kinds = {block["type"] for block in blocks}
    assert kinds == {"rich_text"}
    shown = [
        "".join(piece["text"] for piece in block["elements"][0]["elements"]) for block in blocks
    ]
    row = "*x* " + "r" * 1_000
    assert shown == [f"{row}\n{row}", f"{row}\n"]


def test_a_mention_at_the_end_of_a_section_stays() -> None:
    told = line("*x* " + "r" * 2_000, "\n", mention(UserId("U1")), "\n*y* " + "r" * 1_000)
    first, second = blocks_of(Para(told))
    assert first["elements"][0]["elements"][-1] == {"type": "user", "user_id": "U1"}
    assert [piece["text"] for piece in second["elements"][0]["elements"]] == ["*y* " + "r" * 1_000]


def test_a_mention_where_a_line_is_cut_stays_as_it_is() -> None:
    told = line("*x* " * 500, mention(UserId("U1")), "*y* " * 500)
    first, _ = blocks_of(Para(told))
    assert first["elements"][0]["elements"][-1] == {"type": "user", "user_id": "U1"}


def test_a_long_note_is_several_notes() -> None:
    notes = blocks_of(Note(line("n" * 2_001)))
    assert [len(block["elements"][0]["text"]) for block in notes] == [2_000, 1]
    literal = blocks_of(Note(line("*n* " + "n" * 2_000)))
    assert [block["elements"][0]["type"] for block in literal] == ["plain_text"] * 2


def test_code_without_anything_in_it_is_nothing() -> None:
    assert blocks_of(CodeBlock(" \n ")) == []
    [block] = blocks_of(CodeBlock("a\n\nb"))
    [element] = block["elements"]
    assert (element["type"], element["elements"]) == (
        "rich_text_preformatted", [{"type": "text", "text": "a\n\nb"}],
    )  # fmt: skip


def test_a_heading_is_plain_and_cut() -> None:
    [block] = blocks_of(Heading("h" * 200))
    assert block["text"] == {"type": "plain_text", "text": "h" * 149 + "…", "emoji": False}


@pytest.mark.parametrize("number", [25, 26])
def test_buttons_stand_in_rows_of_twenty_five_and_are_numbered_through(number: int) -> None:
    buttons = tuple(Button(f"B{n}", "vm.start", str(n)) for n in range(number))
    blocks = blocks_of(Actions(buttons), Actions((Button("Last", "vm.start", "x"),)))
    assert [len(block["elements"]) for block in blocks] == [25, *([1] if number > 25 else []), 1]
    ids = [element["action_id"] for block in blocks for element in block["elements"]]
    assert ids == [f"vm.start:{n}" for n in range(number + 1)]


def test_a_button_has_its_style_and_an_opaque_value() -> None:
    [block] = blocks_of(
        Actions((Button("", "vm.start", "7"), Button("x" * 80, "a.b", "v" * 2_000, "danger")))
    )
    first, second = block["elements"]
    assert "style" not in first
    assert first["text"]["text"] == "–"
    assert (second["style"], len(second["text"]["text"])) == ("danger", 75)
    with pytest.raises(ValueError, match=r"^a button's value is an opaque id, at most 2,000 char"):
        blocks_of(Actions((Button("Go", "vm.start", "v" * 2_001),)))


@pytest.mark.parametrize(
    ("text", "shown"), [("", "–"), ("  ", "–"), (" a ", "a"), ("abcdef", "abcd…")]
)
def test_a_plain_text_is_never_empty(text: str, shown: str) -> None:
    assert plain_text(text, 5) == {"type": "plain_text", "text": shown, "emoji": False}


def test_the_text_of_a_message_is_its_summary_escaped() -> None:
    assert message(Reply(" a & b ")).text == "a &amp; b"
    assert message(Reply("")).text == "…"
    assert message(Reply("just this")).blocks[0]["text"]["text"] == "just this"
    assert message(Reply("x" * 4_000)).text == "x" * 4_000
    assert message(Reply("x" * 4_001)).text == "x" * 3_999 + "…"
    assert len(message(Reply("&" * 900)).text) > 3_900
