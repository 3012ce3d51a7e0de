"""Patterns that a site writes, found in what people type. Pure.

The engine (RE2) takes time in proportion to the text, whatever the pattern: nobody can hold up
the bot with a reason. What such an engine cannot do (look around, refer back) is refused.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re2


def fault(pattern: str) -> str:
    """Why it cannot be used as a pattern; empty where it can."""
    import re2  # noqa: PLC0415 - 2 MiB of memory that only sites with patterns need

    try:
        _compiled(pattern)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    except UnicodeEncodeError:
        return "it holds half a character"
    return ""


def is_found(pattern: str, text: str) -> bool:
    """Whether the pattern is found anywhere in the text."""
    return bool(_compiled(pattern).search(text.encode(errors="replace").decode()))


@cache
def _compiled(pattern: str) -> "re2._Regexp":
    import re2  # noqa: PLC0415 - as above

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)
