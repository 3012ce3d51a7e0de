"""Sizes as DBC prints them: the text kept, and the number it means. Knows nothing else."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

_FORM = re.compile(r"\s*(\d{1,18}(?:\.\d{1,9})?)\s*([KMGTP]?)(?:i?B)?\s*", re.IGNORECASE)
_EXPONENT = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


@dataclass(frozen=True, slots=True)
class Size:
    """A size with binary units (docs/dbc-api.md §10.1), such as `471.38G`.

    `text` is what DBC said; `in_bytes` is None if it is no size. Two decimals at most and lost
    remainders above 1 T make it an approximation: never compare sizes for more than "about equal".
    """

    text: str
    in_bytes: int | None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read `9.31G`, `12 gb`, `512`, 512 (a bare number is bytes); never fails."""
        text = "" if value is None else str(value).strip()
        found = _FORM.fullmatch(text)
        if found is None:
            return cls(text, None)
        number, unit = found.groups()
        return cls(text, int(Decimal(number) * 1024 ** _EXPONENT[unit.upper()]))

    @property
    def gib(self) -> float | None:
        """The size in GiB."""
        return None if self.in_bytes is None else self.in_bytes / 1024**3

    def __str__(self) -> str:
        return self.text
