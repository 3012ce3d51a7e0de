"""Passwords out of a machine's log. A pure function on text; it knows nothing of requests."""

import re
from collections.abc import Callable

from bot.redaction import MASK, visible

# The node logs `…, password: <VNC password>`, `…, pwd:<login password>` and, on failure,
# `…, pwd:<password>, error:<reason>`. A password may hold spaces and commas, so everything up to
# the last `, error:` or the end of the line goes.
_TOLD = re.compile(
    r"(?P<key>\b\w*(?:passwo?r?d|passwd|pwd)\w*[\\\"']*[ \t]*(?:[:=]|%3[ad])[ \t]*)(?P<value>\S.*?)"
    r"(?P<rest>, error:(?!.*, error:).*)?$",
    re.IGNORECASE | re.MULTILINE,
)


def mask_log(text: str, redact: Callable[[str], str]) -> str:
    """The text with the passwords in it masked: those that it announces, and what `redact` knows.

    A log may colour its lines for a terminal; what only a terminal reads is left out.
    """
    return _TOLD.sub(
        lambda found: f"{found['key']}{MASK}{found['rest'] or ''}", redact(visible(text))
    )
