"""Chinese and what is filled in are told apart as printed Chinese does."""

import pytest

from bot.reply import Words, bold, catalogue, in_language, say

GIB = "{field} must be a whole number of GiB."


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("GPU", "GPU 必须是整数 GiB。"),
        ("GPU2", "GPU2 必须是整数 GiB。"),
        (bold("GPU"), "GPU 必须是整数 GiB。"),
        ("内存", "内存必须是整数 GiB。"),
        ("“GPU”", "“GPU”必须是整数 GiB。"),
        (say("Memory"), "内存必须是整数 GiB。"),
    ],
)
def test_a_latin_word_stands_apart_from_chinese(field: Words, shown: str) -> None:
    pieces = in_language(say(GIB, field=field), catalogue("zh"))
    assert "".join(one if isinstance(one, str) else one.text for one in pieces) == shown


def test_english_gets_no_space_of_its_own() -> None:
    assert in_language(say(GIB, field="内存")) == ("内存 must be a whole number of GiB.",)
    assert in_language(say("{name}x", name="内存")) == ("内存x",)
