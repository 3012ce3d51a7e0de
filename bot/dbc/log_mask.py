"""Passwords out of a machine's log. A pure function on text; it knows nothing of requests."""

import re
from collections.abc import Iterable

MASK = "******"

# The node logs `…, password: <VNC password>`, `…, pwd:<login password>` and, on failure,
# `…, pwd:<password>, error:<reason>`. A password may hold spaces and commas, so everything up to
# the last `, error:` or the end of the line goes.
_TOLD = re.compile(
    r"(?P<key>\b\w*(?:passwo?r?d|passwd|pwd)\w*[\"']?[ \t]*[:=][ \t]*)(?P<value>\S.*?)"
    r"(?P<rest>, error:(?!.*, error:).*)?$",
    re.IGNORECASE | re.MULTILINE,
)

# Shorter ones are parts of ordinary words; masking them would only make the log unreadable.
_LEAST_SECRET = 4


def mask_log(text: str, known: Iterable[str] = ()) -> str:
    """The text with the passwords in it masked, line by line.

    `known` are secrets to mask wherever they stand (those under four characters are not looked
    for); a VNC password is usually the beginning of the login password, so pass both.
    """
    for value in sorted({k for k in known if len(k) >= _LEAST_SECRET}, key=len, reverse=True):
        text = text.replace(value, MASK)
    return _TOLD.sub(lambda found: f"{found['key']}{MASK}{found['rest'] or ''}", text)
