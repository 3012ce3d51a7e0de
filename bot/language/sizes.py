"""Sizes as people type them: `50`, `50G`, `50 GiB`, `1.5T`. They mean whole GiB, as DBC counts."""

import re
from decimal import Decimal

from bot.errors import Refused
from bot.reply import Text, say

UNIT = re.compile(r"[kmgtp]i?b?|bytes?|[kmgt]bytes?", re.IGNORECASE)
_FORM = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([^\d\s.].*)?", re.DOTALL)
_GIB = {"m": Decimal(1) / 1024, "g": Decimal(1), "t": Decimal(1024), "p": Decimal(1024**2)}
_UNITS = {f"{letter}{rest}": gib for letter, gib in _GIB.items() for rest in ("", "b", "ib")}


def is_size(word: str) -> bool:
    """Whether a word begins as a size does; what is wrong with it, `gibibytes` says."""
    return re.match(r"[+-]?\d", word) is not None


def gibibytes(text: str, label: Text, field: str) -> int:
    """How many GiB are meant. DBC's units are binary, whether written GB or GiB (§10.1).

    Raises Refused for what is no whole number of them, or has another unit.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        told = say("{label} must be a whole number of GiB, not “{text}”.", label=label, text=text)
        raise Refused(told, field=field)
    number, unit = found.groups()
    factor = _UNITS.get((unit or "g").strip().lower())
    if factor is None:
        raise Refused(
            say("I don't know the unit “{unit}”.", unit=unit or ""),
            hint=say("A number alone is GiB; with a unit: 50G or 1T."),
            field=field,
        )
    size = Decimal(number) * factor
    if size != int(size):
        told = say(
            "{label} must be a whole number of GiB; “{text}” is {size} GiB.",
            label=label, text=text, size=format(size.normalize(), "f"),
        )  # fmt: skip
        raise Refused(told, field=field)
    return int(size)
