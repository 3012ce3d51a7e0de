"""The page shows the characters of all emoji that the bot sends."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
_SENT = re.compile(r"""\bemoji\(\s*"([a-z0-9_+-]+)"|":([a-z0-9_+-]+):""")


def test_the_page_knows_each_emoji_that_the_bot_sends() -> None:
    table = (ROOT / "sandbox/page/emoji.js").read_text(encoding="utf-8")
    known = set(re.findall(r"(?:^|\|)([a-z0-9_+-]+) ", table, re.MULTILINE))
    code = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "bot").rglob("*.py"))
    sent = {one or other for one, other in _SENT.findall(code)} - {"memory"}  # SQLite's
    assert len(sent) > 10
    assert sent <= known
