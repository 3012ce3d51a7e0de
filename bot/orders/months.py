"""Months as stretches of blocks: by the chain's own times, as far as they were written down. Pure.

Months are those of UTC: a rental has people in many zones, and one bill.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.chain.heads import SLOT
from bot.model import BlockTime

_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_CHINESE = re.compile(
    r"(?<![\d一二三四五六七八九十])(?:(\d{4}) ?年 ?)?(\d{1,2}|十?[一二三四五六七八九十]) ?月"
)
_IN_SENTENCE = re.compile(r"(?<!\d)2\d{3}-\d{1,2}(?!\d)")  # no order and month: `1287-12`
_SPOKEN = re.compile(
    r"(last month|^last$|previous month|上个?月)|(this month|^this$|本月|这个?月|当月)"
)
_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
# “May” is a month only with a year, or behind what leads to one.
NAMED = re.compile(
    r"\b(?P<name>(?!may\b(?! 20\d\d))(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec"
    rf"|{'|'.join(_NAMES)})|(?:(?<=in )|(?<=for )|(?<=of )|(?<=since )|^)may)\b"
    r"(?: (?P<year>20\d\d)\b)?"
)
_DIGITS = "一二三四五六七八九十"
_THIS = ("this", "this month", "本月", "这个月", "这月", "当月")
_LAST = ("last", "last month", "上月", "上个月")
_SLOT_MS = SLOT.seconds * 1000


@dataclass(frozen=True, slots=True)
class Month:
    """A month, as UTC has it."""

    year: int
    number: int

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def ends(self) -> datetime:
        """The first moment of the next one."""
        return self.after.begins

    @property
    def after(self) -> "Month":
        """The next one."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def before(self) -> "Month":
        """The one before."""
        return Month(self.year - (self.number == 1), (self.number - 2) % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


def month_of(at: datetime) -> Month:
    """The month of a moment."""
    told = at.astimezone(UTC)
    return Month(told.year, told.month)


def parse(text: str, now: Month) -> Month | None:
    """The month that a text names; None where it names none.

    As `2026-11`, `2026/11`, `11`, `november`, `nov 2026`, `last`.

    Without a year it is the last such month that has begun.
    """
    text = re.sub(r"\s+", " ", text.strip()).removesuffix("份")
    named = dict.fromkeys(_THIS, now) | dict.fromkeys(_LAST, now.before)
    if text in named:
        return named[text]
    if told := NAMED.fullmatch(text.lower()):
        number = next(i for i, name in enumerate(_NAMES, 1) if name.startswith(told["name"][:3]))
        text = f"{told['year']}-{number}" if told["year"] else str(number)
    if told := _CHINESE.fullmatch(text):
        text = f"{told[1]}-{_number(told[2])}" if told[1] else str(_number(told[2]))
    text = re.sub(r"(?<=^\d{4})[/.](?=\d)", "-", text)
    has_year = "-" in text
    found = _MONTH.fullmatch(text if has_year else f"{now.year}-{text}")
    if found is None:
        return None
    year, number = int(found[1]), int(found[2])
    if not has_year and number > now.number:
        year -= 1
    return Month(year, number) if year >= 2000 and 1 <= number <= 12 else None


def spoken(sentence: str) -> str:
    """The month that a sentence in lower case is about, as `parse` reads it; empty without one."""
    if found := _SPOKEN.search(sentence):
        return "last" if found[1] else "this"
    found = _IN_SENTENCE.search(sentence) or _CHINESE.search(sentence) or NAMED.search(sentence)
    if found:
        return found[0]
    return ""


def _number(told: str) -> int:
    """`11`, `十一`: a month's number."""
    if told.isdecimal():
        return int(told)
    return sum(_DIGITS.index(one) + 1 for one in told)


def milliseconds(at: datetime) -> int:
    """A moment as the chain counts it."""
    return int(at.replace(microsecond=0).timestamp()) * 1000


def block_at(made_ms: int, before: BlockTime | None, after: BlockTime | None) -> int | None:
    """The first block that was made at a moment or later; about, and None where nothing is known.

    Between two known ones blocks are taken to be evenly apart; beyond them, 6 s.
    """
    if before is not None and after is not None:
        ahead, apart = made_ms - before.made_ms, after.made_ms - before.made_ms
        return before.block + -(-ahead * (after.block - before.block) // apart)
    known = before or after
    if known is None:
        return None
    return max(0, known.block + -(-(made_ms - known.made_ms) // _SLOT_MS))
