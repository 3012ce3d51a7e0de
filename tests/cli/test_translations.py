"""The translations are complete: what the check of the catalogue says to developers."""

from babel.messages.catalog import Catalog

from bot.cli.catalogue import COMPLETE, missing, settle, source_of, stale, what_to_do

FILE = "bot/locale/zh_CN/LC_MESSAGES/bot.po"


def _catalogue(*ids: str | tuple[str, ...]) -> Catalog:
    found = Catalog(locale="zh_CN")
    for one in ids:
        found.add(one)
    return found


def test_chinese_has_to_be_complete() -> None:
    assert "zh" in COMPLETE


def test_what_is_new_is_added_to_be_filled_in_and_what_is_gone_is_dropped() -> None:
    wanted = _catalogue("{machine} is running.", ("{number} node", "{number} nodes"))
    found = _catalogue("No longer said.")
    settle(wanted, found)
    assert missing(wanted, found) == ["{machine} is running.", "{number} node"]
    assert stale(wanted, found) == []
    assert 'msgid "{machine} is running."\nmsgstr ""' in source_of(found)


def test_a_translation_that_is_there_stays() -> None:
    wanted, found = _catalogue("Done."), Catalog(locale="zh_CN")
    found.add("Done.", "已完成。")
    settle(wanted, found)
    assert missing(wanted, found) == []
    assert found["Done."].string == "已完成。"


def test_the_check_says_what_to_do() -> None:
    told = what_to_do(FILE, ["New."], ["Old."])
    assert "python -m bot docs" in told
    assert told.index(FILE) < told.index("'New.'") < told.index("'Old.'")
    assert 'fill in each `msgstr ""`' in told
