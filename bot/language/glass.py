"""Whether a line that is no command speaks of broken glass. Pure."""

import re
from collections.abc import Sequence

from bot.folding import fold

# With a reason behind `=` it is the option of a command, which may be misspelled.
_SPOKEN = re.compile(r"(?:\bbreak(?:ing)?[ _-]?(?:the[ _-])?glass\b|紧急放行|緊急放行)(?! ?=)")


def speaks_of_glass(words: Sequence[str]) -> bool:
    """Whether these words wish that something runs without approval."""
    return _SPOKEN.search(fold(" ".join(words))) is not None
