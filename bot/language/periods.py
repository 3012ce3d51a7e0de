"""Days, weeks and months as people name them: `monday`, `last week`, `november`, `上个月`. Pure."""

import re
from datetime import date, timedelta

from bot.orders.months import NAMED, Month, parse

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CHINESE_DAYS = "一二三四五六日"
_ZH_WEEK = "(?:周|星期|礼拜)"
_DAY = re.compile(
    rf"(?P<last>last |上)?(?:on )?(?:(?P<en>{'|'.join(_DAYS)})"
    rf"|[这本]?{_ZH_WEEK}(?P<zh>[{_CHINESE_DAYS}天]))"
)
_WEEK = re.compile(
    rf"(?:the )?(?:last|previous|this) week|(?:上个?|本|这个?){_ZH_WEEK}(?![{_CHINESE_DAYS}天])"
)
_MONTH = re.compile(
    r"(?:the )?(?:last|previous|this) month|上个?月|本月|这个?月|(?<![\d年])\d{1,2}月(?!\d)|"
    + re.sub(r"\?P<\w+>", "?:", NAMED.pattern)
)
# Of these, the whole is meant, not only since when.
PERIOD = re.compile(f"{_WEEK.pattern}|{_MONTH.pattern}")


def period(word: str, today: date) -> tuple[date, date] | None:
    """The first day of what a text in lower case names, and the first one after it."""
    if found := _DAY.fullmatch(word):
        first = today - timedelta(days=_days_since(found, today))
        return first, first + timedelta(days=1)
    is_last = "last" in word or "previous" in word or word.startswith("上")
    if _WEEK.fullmatch(word):
        first = today - timedelta(days=today.weekday() + 7 * is_last)
        return first, first + timedelta(days=7)
    if _MONTH.fullmatch(word):
        named = re.sub("^(?:the )?previous", "last", word.removeprefix("the "))
        month = parse(named, Month(today.year, today.month))
        return None if month is None else (month.begins.date(), month.ends.date())
    return None


def _days_since(found: re.Match[str], today: date) -> int:
    """How many days ago it was: of its last one, or in Chinese, of the week that is named."""
    if found["en"]:
        back = (today.weekday() - _DAYS.index(found["en"])) % 7
        return back or (7 if found["last"] else 0)
    back = today.weekday() - _CHINESE_DAYS.index(found["zh"].replace("天", "日"))
    return back + 7 if found["last"] else back % 7
