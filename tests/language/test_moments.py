"""Sentences with a moment in them, which Slack shows as “today 8:11 AM” or “tomorrow 8:11 AM”."""

import re
from datetime import UTC, datetime
from pathlib import Path

from bot.reply import catalogue, plain, say, time

ROOT = Path(__file__).parents[2]
_AT_A_MOMENT = re.compile(r"""\b(?:at|on|in)\ ["'],\s*time\(""")


def test_no_preposition_stands_before_a_moment_that_has_its_own() -> None:
    sources = [path for part in ("bot", "handlers") for path in (ROOT / part).rglob("*.py")]
    assert sources
    found = [path.name for path in sources if _AT_A_MOMENT.search(path.read_text("utf-8"))]
    assert found == []
    assert _AT_A_MOMENT.search('line("Next retry at ", time(until))')


def test_chinese_keeps_a_moment_apart_where_no_word_of_slack_stands_before_it() -> None:
    at = time(datetime(2026, 11, 2, 9, 30, tzinfo=UTC))
    told = plain(say("I check again until {time}.", time=at), catalogue("zh"))
    assert told == "我会继续检查到 2026-11-02 09:30 UTC。"
