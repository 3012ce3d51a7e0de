"""The titles of tables are known where a table is pasted back, in each language."""

import ast
from functools import cache
from pathlib import Path

import pytest

from bot.folding import fold
from bot.language.cells import TITLES
from bot.reply import DIRECTORIES, catalogue

BOT = Path(__file__).resolve().parents[2] / "bot"


@cache
def titles() -> frozenset[str]:
    """What stands in the source as the title of a column."""
    texts = [file.read_text(encoding="utf-8") for file in sorted(BOT.rglob("*.py"))]
    calls = [
        call
        for text in texts
        if "Column(" in text
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Column"
    ]
    said = [call.args[0] for call in calls if call.args]
    return frozenset(
        str(one.args[0].value)
        for one in said
        if isinstance(one, ast.Call) and isinstance(one.args[0], ast.Constant)
    )


@pytest.mark.parametrize("language", ["en", *DIRECTORIES])
def test_each_is_known(language: str) -> None:
    words = catalogue(language)
    missing = {told for one in titles() if fold(told := words.gettext(one)) not in TITLES}
    assert len(titles()) > 10
    assert missing == set()
