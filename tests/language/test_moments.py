"""Sentences with a moment in them, which Slack shows as “today 8:11 AM” or “tomorrow 8:11 AM”."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_AT_A_MOMENT = re.compile(r"""\b(?:at|on|in)\ ["'],\s*time\(""")


def test_no_preposition_stands_before_a_moment_that_has_its_own() -> None:
    sources = [path for part in ("bot", "handlers") for path in (ROOT / part).rglob("*.py")]
    assert sources
    found = [path.name for path in sources if _AT_A_MOMENT.search(path.read_text("utf-8"))]
    assert found == []
    assert _AT_A_MOMENT.search('line("Next retry at ", time(until))')
