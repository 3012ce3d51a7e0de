"""Bytes from a daemon to a value or an error (docs/dbc-api.md §10.2). No network in here.

An answer may hold passwords, so nothing here lets it into an exception or a `repr`: parsing gives
a problem back instead of raising, and the error is raised where no raw text is in sight.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.dbc.endpoint import MOST
from bot.dbc.error_table import classify, tidy
from bot.dbc.errors import DbcError, Mode, TooLong, Unconfirmed, Unreadable
from bot.dbc.foreign import Raw, by_code, by_content, by_status, without_code
from bot.dbc.success import Unproved
from bot.folding import sound
from bot.redaction import each_text
from bot.reply import say

T = TypeVar("T")

_CODES = ("errcode", "error_code", "status")  # `status` in builds of 2021 (§1.5)
_NETWORKS = ("mainnet", "netcongtu")  # how a gateway in the wild wraps answers (§1.5)


@dataclass(frozen=True, slots=True, repr=False)
class _Parsed:
    code: int
    payload: object
    text: str


def decode(
    raw: Raw,
    mode: Mode,
    to_value: Callable[[object], T],
    mask: Callable[[str], str],
    most: int = MOST,
) -> T | DbcError:
    """The answer's value, or the error it means, for the caller to raise.

    With a list of more than `most` entries in it, it is left unread.
    """
    parsed = _parse(raw, mode, most)
    is_dbc = isinstance(parsed, _Parsed)
    problem = by_status(raw, mode, is_dbc=is_dbc)
    if problem is not None:
        return problem
    if not isinstance(parsed, _Parsed):
        return parsed
    if parsed.code != 0:
        foreign = by_code(raw, parsed.code, mode)
        return foreign or classify(raw.status, parsed.code, parsed.text, mode, mask)
    try:
        return to_value(parsed.payload)
    except Unproved:
        told = tidy(mask(parsed.text))
        return Unconfirmed(mode=mode, dbc_text=told, http_status=raw.status, errcode=0)
    except (ValueError, TypeError):
        # The reason names values of the answer, so it is dropped.
        return Unreadable(
            mode=mode, dbc_text="unexpected form of answer", http_status=raw.status, errcode=0
        )


def _parse(raw: Raw, mode: Mode, most: int) -> _Parsed | DbcError:
    try:
        found = json.loads(raw.body.decode("utf-8", "replace").strip())
        if _has_more(found, most):
            told = f"a list of more than {most:,} entries"
            return TooLong(mode=mode, dbc_text=told, http_status=raw.status)
        found = each_text(found, sound)
    except (ValueError, RecursionError):
        return by_content(raw, mode)
    if not isinstance(found, dict):
        return without_code(raw, mode, say("no JSON object"))
    if not any(key in found for key in _CODES):
        found = next((found[n] for n in _NETWORKS if isinstance(found.get(n), dict)), found)
    # Other services say `status` as well, for their own errors.
    names = _CODES if raw.status == 200 else _CODES[:-1]
    code = _code(next((found[k] for k in names if k in found), None))
    if code is None:
        return without_code(raw, mode, say("JSON that has no error code"))
    payload = found.get("message", found.get("data"))
    text = payload if isinstance(payload, str) else found.get("error_message", "")
    return _Parsed(code, payload, text if isinstance(text, str) else "")


def _has_more(value: object, most: int) -> bool:
    """Whether a list in it, however deep, has more entries than that."""
    match value:
        case list():
            return len(value) > most or any(_has_more(one, most) for one in value)
        case dict():
            return any(_has_more(one, most) for one in value.values())
    return False


def _code(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value) else None
