"""The templates of all that is said, extracted for whoever translates them (bot.pot)."""

from io import BytesIO
from pathlib import Path

# With these the words change and nothing else does: no dates, no places, always in one order.
_KEYWORDS = {"say": None, "say_number": (1, 2)}
_SOURCES = ("bot", "handlers")
_WIDTH = 100


def catalogue(root: Path) -> str | None:
    """The content of bot.pot; None where Babel, which only developers need, is not installed."""
    try:  # imported here: the bot itself does without
        from babel.messages.catalog import Catalog  # noqa: PLC0415
        from babel.messages.extract import extract_from_dir  # noqa: PLC0415
        from babel.messages.pofile import write_po  # noqa: PLC0415
    except ImportError:
        return None
    found = Catalog()
    for source in _SOURCES:
        extracted = extract_from_dir(
            root / source, [("**.py", "python")], keywords=_KEYWORDS, comment_tags=()
        )
        for _file, _line, message, _comments, _context in extracted:
            found.add(message)
    text = BytesIO()
    write_po(text, found, width=_WIDTH, no_location=True, omit_header=True, sort_output=True)
    return text.getvalue().decode()
